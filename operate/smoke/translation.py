"""Which real picker runs in the place of the image that a stack rendered, and what it must be told otherwise.

The pickers of llm-d's own images cannot all be built from Go modules (docs/adr/0015), so the nearest one that can be is
run from the rendered Deployment. The difference is this table and nothing else: each entry is shown beside the
picker's version, and a test applies each of them. An image that is not in the table is not run by guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import yaml

from operate.errors import OperateError

__all__ = ["BuiltPicker", "Invocation", "Step", "built_picker"]


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What a picker's container is started with."""

    args: tuple[str, ...]
    files: Mapping[str, str]
    """Mounted configuration, by path in the container."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One difference between image and built picker."""

    what: str
    why: str
    apply: Callable[[Invocation], Invocation]


@dataclass(frozen=True, kw_only=True)
class BuiltPicker:
    """A picker that the lab builds."""

    tool: str
    """Name in lab/tools.py."""
    title: str
    """Name and version, for the table."""
    steps: tuple[Step, ...]
    crds: tuple[str, ...] = ()
    """Files of its Go module: kinds that it watches and the image does not. They are put on the cluster for it."""
    objectives_group: str | None = None
    """API group in which it looks for objectives, where that is not the image's: they are put there as well."""


def _flag(flag: str) -> Callable[[Invocation], Invocation]:
    """Set a flag, in the place of another value of it."""
    name = flag.partition("=")[0]

    def apply(before: Invocation) -> Invocation:
        others = tuple(argument for argument in before.args if argument.partition("=")[0] != name)
        return replace(before, args=(*others, flag))

    return apply


def _config(change: Callable[[dict[str, object]], None]) -> Callable[[Invocation], Invocation]:
    """Change the picker's config."""

    def changed(text: str) -> str:
        document = yaml.safe_load(text)
        change(document)
        return yaml.safe_dump(document)

    return lambda before: replace(before, files={path: changed(text) for path, text in before.files.items()})


def _old_group(document: dict[str, object]) -> None:
    document["apiVersion"] = "inference.networking.x-k8s.io/v1alpha1"


def _without(plugin: str) -> Callable[[dict[str, object]], None]:
    """Take a plugin, and the profiles' references to it, out of a config."""

    def change(document: dict[str, object]) -> None:
        document["plugins"] = [item for item in _items(document["plugins"]) if item["type"] != plugin]
        for profile in _items(document["schedulingProfiles"]):
            profile["plugins"] = [item for item in _items(profile["plugins"]) if item["pluginRef"] != plugin]

    return change


_PRECISE = frozenset({"token-producer", "endpoint-notification-source", "precise-prefix-cache-producer"})
_PRODUCER = "prefixMatchInfoProducerName"


def _approximate(document: dict[str, object]) -> None:
    """Take precise prefix cache routing out of a config: its prefix scorer counts what it has sent then."""
    plugins = [item for item in _items(document["plugins"]) if item["type"] not in _PRECISE]
    for item in plugins:
        parameters = item.get("parameters")
        if isinstance(parameters, dict) and parameters.pop(_PRODUCER, None) and not parameters:
            del item["parameters"]
    document["plugins"] = plugins
    layer = document.get("dataLayer")
    if isinstance(layer, dict):
        layer["sources"] = [item for item in _items(layer["sources"]) if item["pluginRef"] not in _PRECISE]


def _items(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_FLUSH = Step(
    what="--refresh-prometheus-metrics-interval=200ms",
    why="its figures are read several times a second; it renews them every 5 s otherwise",
    apply=_flag("--refresh-prometheus-metrics-interval=200ms"),
)
_OPEN_METRICS = Step(
    what="--metrics-endpoint-auth=false",
    why="the API server's proxy, through which they are read, passes no token on",
    apply=_flag("--metrics-endpoint-auth=false"),
)

_BUILT: Mapping[str, BuiltPicker] = MappingProxyType(
    {
        "llm-d-inference-scheduler:v0.4.0": BuiltPicker(
            tool="epp-gaie-1.2",
            title="GAIE EPP v1.2.0, the library that the image is built on",
            steps=(_FLUSH, _OPEN_METRICS),
        ),
        "llm-d-router-endpoint-picker:v0.10.0": BuiltPicker(
            tool="epp-gaie-1.5",
            title="GAIE EPP v1.5.0, the last before llm-d's router took its code over",
            steps=(
                _FLUSH,
                _OPEN_METRICS,
                Step(
                    what="config apiVersion llm-d.ai/v1alpha1 -> inference.networking.x-k8s.io/v1alpha1",
                    why="the same format before the move",
                    apply=_config(_old_group),
                ),
                Step(
                    what="without no-hit-lru-scorer",
                    why="llm-d's own plugin, which GAIE has not",
                    apply=_config(_without("no-hit-lru-scorer")),
                ),
                Step(
                    what="prefixes by what was sent, where the stack says by what is cached",
                    why="GAIE has no plugin that follows KV events or asks a render server: neither is tried here",
                    apply=_config(_approximate),
                ),
            ),
            crds=(
                "config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
                "config/crd/bases/inference.networking.x-k8s.io_inferencemodelrewrites.yaml",
            ),
            objectives_group="inference.networking.x-k8s.io",
        ),
    }
)


def built_picker(image: str) -> BuiltPicker:
    """The picker to run for an image, whatever registry it comes from.

    Raises:
        OperateError: if there is none.
    """
    name = image.rpartition("/")[2]
    if name not in _BUILT:
        raise OperateError(f"no picker can be built for image {image}; there is one for {', '.join(sorted(_BUILT))}")
    return _BUILT[name]
