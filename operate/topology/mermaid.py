"""The picture as Mermaid text, for a README; pure.

GitHub draws it in the reader's own theme, so it has no colours of its own, and breaks lines at 200 pixels, so every
fact has a line of its own.
"""

from collections.abc import Iterator

from operate.topology import words
from operate.topology.graph import Model, NodePool, Topology

__all__ = ["mermaid"]

# Everything else is written as a character reference: quotes end a label, and its text is read as Markdown and HTML.
_PLAIN = frozenset(f" ./,-{words.TIMES}")


def mermaid(graph: Topology) -> str:
    """The text, to be put into a `mermaid` block."""
    pools = {pool.name: pool for pool in graph.node_pools}
    return "\n".join(
        [
            f"%% {words.title(graph)}: {words.subtitle(graph)}. {words.PLANNED}",
            "flowchart LR",
            f"  gateway({_gateway(graph)})",
            *(line for model in graph.models for line in _model(model, pools[model.node_pool])),
            *(f"  nodes_{_id(pool.name)}[({_pool(pool)})]" for pool in graph.node_pools),
            "",
        ]
    )


def _gateway(graph: Topology) -> str:
    gateway = graph.gateway
    return _label(gateway.name, words.provider(gateway), words.listener(gateway), words.exposure(gateway))


def _model(model: Model, pool: NodePool) -> Iterator[str]:
    own = _id(model.name)
    picker = _label(model.path, model.picker.name, words.picker_pods(model.picker))
    # The word before the served name keeps what a user chose from the start of a line, where Markdown has its signs.
    servers = _label(model.name, f"serves {model.served_name}", model.engine, words.demand(model, pool))
    yield f"  picker_{own}{{{{{picker}}}}}"
    yield f"  model_{own}[{servers}]"
    yield f"  gateway --> picker_{own} --> model_{own} -.-> nodes_{_id(model.node_pool)}"


def _pool(pool: NodePool) -> str:
    return _label(pool.name, pool.instance_type, words.hardware(pool), words.nodes(pool), words.usage(pool))


def _id(name: str) -> str:
    """A DNS label as an identifier: Mermaid reads some dashes as arrows."""
    return name.replace("-", "_")


def _label(*lines: str) -> str:
    return f'"{"<br/>".join(_escaped(words.visible(line)) for line in lines)}"'


def _escaped(text: str) -> str:
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
