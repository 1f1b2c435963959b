"""Which real picker runs in the place of the image that a stack rendered, and what it must be told otherwise.

The pickers of llm-d's own images cannot all be built from Go modules (docs/adr/0015), so the nearest one that can be is
run from the rendered Deployment. Which is nearest depends on what the picker is needed for: GAIE's are the lines' own
library, and only llm-d's has the plugins that pick a prefill server. The difference is this table and nothing else:
each entry is shown beside the picker's version, and a test applies each of them. An image that is not in the table is
not run by guess. The routing sidecar's, of the same kind, is in `sidecars`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

import yaml

from components.endpoint_picker import EndpointPickerArgs
from operate.errors import OperateError

__all__ = ["BuiltPicker", "Invocation", "Need", "Step", "built_picker", "need_of", "set_flag", "translated"]


class Need(StrEnum):
    """What a picker is there for, as far as no one of those that can be built does it all."""

    SCHEDULING = "scheduling"
    """One server for each request."""
    DISAGGREGATION = "prefill/decode"
    """A server of either role."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What a container is started with."""

    args: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """Mounted configuration, by path in the container."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One difference between image and built picker."""

    what: str
    why: str
    apply: Callable[[Invocation], Invocation] = lambda before: before
    """None where it is not in how the container is started."""


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
    watches: tuple[str, ...] = ()
    """Resources of inference.networking.x-k8s.io that the image does not watch: its account may, in the lab alone."""

    @property
    def differences(self) -> tuple[Step, ...]:
        """All that is to be told: its rights, too."""
        rights = [f"its account may watch {resource}" for resource in self.watches]
        return (*self.steps, *(Step(what=right, why="the image does not, and has no right to") for right in rights))


def translated(before: Invocation, steps: tuple[Step, ...]) -> Invocation:
    """With every step taken."""
    for step in steps:
        before = step.apply(before)
    return before


def set_flag(flag: str) -> Callable[[Invocation], Invocation]:
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


def _renamed(key: str, new: str, gate: str) -> Callable[[dict[str, object]], None]:
    """Give a section of a config another name, and open the feature gate that it stands behind."""

    def change(document: dict[str, object]) -> None:
        document[new] = document.pop(key)
        gates = document.get("featureGates")
        document["featureGates"] = sorted({gate, *(gates if isinstance(gates, list) else ())})

    return change


def _retyped(plugin: str, new: str) -> Callable[[dict[str, object]], None]:
    """Give a plugin of the data layer, and the references to it, another name."""

    def change(document: dict[str, object]) -> None:
        for item in _items(document["plugins"]):
            item["type"] = new if item["type"] == plugin else item["type"]
        layer = document["data"]
        for source in _items(layer["sources"] if isinstance(layer, dict) else None):
            for item in _items(source["extractors"]):
                item["pluginRef"] = new if item["pluginRef"] == plugin else item["pluginRef"]

    return change


def _first_plugin(kind: str) -> Callable[[dict[str, object]], None]:
    """Add a plugin in front of the others, which may then name it."""

    def change(document: dict[str, object]) -> None:
        document["plugins"] = [{"type": kind}, *_items(document["plugins"])]

    return change


def _decided_always(document: dict[str, object]) -> None:
    """Say a threshold of 0, that prefill is always disaggregated, by the plugin that decides so."""
    _first_plugin(_ALWAYS)(document)
    for item in _items(document["plugins"]):
        parameters = item.get("parameters")
        if (
            item["type"] == "pd-profile-handler"
            and isinstance(parameters, dict)
            and parameters.pop("threshold", 1) == 0
        ):
            parameters["deciderPluginName"] = _ALWAYS


_METRIC_FLAGS = {
    "--total-queued-requests-metric": "queuedRequestsSpec",
    "--kv-cache-usage-percentage-metric": "kvUsageSpec",
    "--lora-info-metric": "loraSpec",
    "--cache-info-metric": "cacheInfoSpec",
}
_PATH_FLAG = "--model-server-metrics-path"


def _metrics_by_plugin(before: Invocation) -> Invocation:
    """Say the metric map, that flags say, by the plugins of the data layer."""
    given = dict(argument.split("=", 1) for argument in before.args if "=" in argument)
    engine = {"name": "as-flagged"} | {key: given[flag] for flag, key in _METRIC_FLAGS.items() if given.get(flag)}
    source = {"type": "metrics-data-source", "parameters": {"scheme": "http", "path": given[_PATH_FLAG]}}
    extractor = {"type": _EXTRACTOR, "parameters": {"defaultEngine": engine["name"], "engineConfigs": [engine]}}

    def change(document: dict[str, object]) -> None:
        document["plugins"] = [*_items(document["plugins"]), source, extractor]
        document["dataLayer"] = {"sources": [{"pluginRef": source["type"], "extractors": [{"pluginRef": _EXTRACTOR}]}]}
        _renamed("dataLayer", "data", "dataLayer")(document)

    flags = {*_METRIC_FLAGS, _PATH_FLAG}
    others = tuple(argument for argument in before.args if argument.partition("=")[0] not in flags)
    return _config(change)(replace(before, args=others))


def _items(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_FLUSH = Step(
    what="--refresh-prometheus-metrics-interval=200ms",
    why="its figures are read several times a second; it renews them every 5 s otherwise",
    apply=set_flag("--refresh-prometheus-metrics-interval=200ms"),
)
_OPEN_METRICS = Step(
    what="--metrics-endpoint-auth=false",
    why="the API server's proxy, through which they are read, passes no token on",
    apply=set_flag("--metrics-endpoint-auth=false"),
)

_OLD_GROUP = Step(
    what="config apiVersion llm-d.ai/v1alpha1 -> inference.networking.x-k8s.io/v1alpha1",
    why="the same format before the move",
    apply=_config(_old_group),
)
_EXTRACTOR = "model-server-protocol-metrics"
_ALWAYS = "always-disagg-pd-decider"
_GAIE_CRDS = (
    "config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
    "config/crd/bases/inference.networking.x-k8s.io_inferencemodelrewrites.yaml",
)
_LLM_D = "llm-d-inference-scheduler"
_LLM_D_TITLE = "llm-d-inference-scheduler v0.7.1, llm-d's own picker of the lines between"

_BUILT: Mapping[tuple[str, Need], BuiltPicker] = MappingProxyType(
    {
        ("llm-d-inference-scheduler:v0.4.0", Need.SCHEDULING): BuiltPicker(
            tool="epp-gaie-1.2",
            title="GAIE EPP v1.2.0, the library that the image is built on",
            steps=(_FLUSH, _OPEN_METRICS),
        ),
        ("llm-d-inference-scheduler:v0.4.0", Need.DISAGGREGATION): BuiltPicker(
            tool=_LLM_D,
            title=_LLM_D_TITLE,
            steps=(
                _FLUSH,
                _OPEN_METRICS,
                Step(
                    what="pd-profile-handler's threshold 0 -> always-disagg-pd-decider",
                    why="a handler of 0.7 asks a plugin of its own whether to disaggregate",
                    apply=_config(_decided_always),
                ),
                Step(
                    what="flags of the metric map -> metrics-data-source and model-server-protocol-metrics",
                    why="it refuses the flags, and is told the same names by plugins",
                    apply=_metrics_by_plugin,
                ),
            ),
            watches=("inferencemodelrewrites",),
        ),
        ("llm-d-router-endpoint-picker:v0.10.0", Need.DISAGGREGATION): BuiltPicker(
            tool=_LLM_D,
            title=_LLM_D_TITLE,
            steps=(
                _FLUSH,
                _OPEN_METRICS,
                _OLD_GROUP,
                Step(
                    what="config dataLayer -> data, behind feature gate dataLayer",
                    why="the same section while it was an experiment",
                    apply=_config(_renamed("dataLayer", "data", "dataLayer")),
                ),
                Step(
                    what="core-metrics-extractor -> model-server-protocol-metrics",
                    why="the same plugin under its earlier name",
                    apply=_config(_retyped("core-metrics-extractor", _EXTRACTOR)),
                ),
                Step(
                    what="with disagg-headers-handler",
                    why="0.7's profile handler leaves the header that names the prefill server to it",
                    apply=_config(_first_plugin("disagg-headers-handler")),
                ),
            ),
            crds=_GAIE_CRDS,
            objectives_group="inference.networking.x-k8s.io",
        ),
        ("llm-d-router-endpoint-picker:v0.10.0", Need.SCHEDULING): BuiltPicker(
            tool="epp-gaie-1.5",
            title="GAIE EPP v1.5.0, the last before llm-d's router took its code over",
            steps=(
                _FLUSH,
                _OPEN_METRICS,
                _OLD_GROUP,
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
            crds=_GAIE_CRDS,
            objectives_group="inference.networking.x-k8s.io",
        ),
    }
)


def need_of(args: EndpointPickerArgs) -> Need:
    """What a model's picker is needed for."""
    return Need.DISAGGREGATION if args.disaggregated else Need.SCHEDULING


def built_picker(image: str, need: Need = Need.SCHEDULING) -> BuiltPicker:
    """The picker to run for an image, whatever registry it comes from, where it is needed for this.

    Raises:
        OperateError: if there is none.
    """
    name = image.rpartition("/")[2]
    if (name, need) not in _BUILT:
        known = ", ".join(sorted(image for image, of in _BUILT if of is need))
        raise OperateError(f"no picker for {need} can be built for image {image}; there is one for {known}")
    return _BUILT[name, need]
