"""What both forms of the picture say of a gateway, a picker, a model and a node pool; pure."""

import unicodedata

from operate.topology.graph import Gateway, Model, NodePool, Picker, Topology

__all__ = [
    "PLANNED",
    "SAME_NAME",
    "TIMES",
    "cells",
    "counted",
    "demand",
    "exposure",
    "fitted",
    "hardware",
    "listener",
    "nodes",
    "picker_pods",
    "provider",
    "subtitle",
    "title",
    "usage",
    "visible",
]

PLANNED = "Planned from the stack's config; no cluster was asked."

SAME_NAME = "served by this name"

TIMES = "\N{MULTIPLICATION SIGN}"

_ELLIPSIS = "…"

_WIDE = frozenset("WF")


def counted(count: int, noun: str) -> str:
    """`1 GPU`, `2 GPUs`, `2 proxies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def title(graph: Topology) -> str:
    """Which stack it is."""
    return f"Stack {visible(graph.stack)}"


def subtitle(graph: Topology) -> str:
    """What the stack is, in one line."""
    models, pools = counted(len(graph.models), "model"), counted(len(graph.node_pools), "node pool")
    return f"llm-d {graph.release}, namespace {graph.namespace}, {models} on {pools}"


def provider(gateway: Gateway) -> str:
    """Who runs the gateway."""
    return gateway.provider if gateway.proxies is None else f"{gateway.provider}, {counted(gateway.proxies, 'proxy')}"


def listener(gateway: Gateway) -> str:
    """What clients speak to."""
    return f"{gateway.protocol}, port {gateway.port}"


def exposure(gateway: Gateway) -> str:
    """Where it can be reached from."""
    return "load balancer" if gateway.load_balancer else "inside the cluster"


def picker_pods(picker: Picker) -> str:
    """How many, and what happens while there is none."""
    return f"{counted(picker.replicas, 'picker')}, {picker.failure_mode}"


def demand(model: Model, pool: NodePool) -> str:
    """Replicas and what each of them takes."""
    return f"{counted(model.replicas, 'replica')} {TIMES} {counted(model.gpus_per_replica, pool.unit)}"


def hardware(pool: NodePool) -> str:
    """GPUs of one node."""
    per_node = f"{pool.gpus_per_node} {TIMES} {pool.gpu}"
    cut = f", cut {pool.mig_profile}" if pool.mig_profile else ""
    shared = f", shared by {pool.shared_by}" if pool.shared_by > 1 else ""
    return f"{per_node}{cut}{shared}" if cut or shared else f"{per_node} per node"


def nodes(pool: NodePool) -> str:
    """Nodes that the models need, of those there can be."""
    return f"{pool.needed_nodes} of {counted(pool.max_nodes, 'node')}, minSize {pool.min_nodes}"


def usage(pool: NodePool) -> str:
    """GPUs that the models take, of those there can be."""
    return f"{pool.used} of {counted(pool.total, pool.unit)}"


def visible(text: str) -> str:
    """The text with a sign for each character that would not show, or that XML forbids."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in text)


def cells(text: str) -> int:
    """Width in columns of a fixed-width font, where East Asian characters and emoji take two."""
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in text)


def fitted(text: str, columns: int) -> str:
    """The text, or its start and end around an ellipsis: names of one family differ at their ends."""
    if cells(text) <= columns:
        return text
    room = columns - 1
    head = _taken(text, room - room // 2)
    tail = _taken(text[::-1], room - cells(head))[::-1]
    return f"{head}{_ELLIPSIS}{tail}"


def _taken(text: str, columns: int) -> str:
    """The start of a text that is no wider than that."""
    end = 0
    while end < len(text) and cells(text[: end + 1]) <= columns:
        end += 1
    return text[:end]
