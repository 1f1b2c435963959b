"""What a release line is: versions that were tested together, and the dialect that goes with them.

Lines differ in data, never in `if` statements spread over components. A field that a line does not have is empty,
and the builder that reads it emits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

__all__ = [
    "Blank",
    "BodyRouterDialect",
    "CrdBundle",
    "CrdFile",
    "DisaggregationDialect",
    "DisaggregationPins",
    "EnginePins",
    "FlowControlDialect",
    "ImagePin",
    "LabelKeys",
    "PickerDialect",
    "Plugin",
    "PrecisePrefixDialect",
    "Release",
    "SidecarDialect",
    "TensorPairs",
    "TieredPrefixDialect",
]

_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePin:
    """A container image at a fixed version."""

    reference: str
    """`registry/path:tag`."""
    source: str
    """Where the version is taken from."""
    engine_version: str = ""
    """Version of the engine in an engine's image: it decides which flags and metrics there are."""
    lacks: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Of an engine's image: feature that the engine has (`engines.Feature`) -> why it does not work in this image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrdFile:
    """One file of a CRD bundle."""

    path: str
    """Path in the project's repository at the bundle's tag; the same file lies in its Go module, where it has one."""
    sha256: str
    """Of the file's bytes, hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrdBundle:
    """CRDs of one project at one version, file by file.

    The single files are pinned rather than the project's combined release manifest: a file is the same, byte for
    byte, in the tagged repository and in the tagged Go module, so one checksum holds for both ways to get it.
    """

    name: str
    repository: str
    """GitHub `owner/name`."""
    go_module: str | None
    """`None` where the project's module cannot be had: the lab then derives the files (operate/lab_crds.py)."""
    version: str
    """Tag, and Go module version."""
    files: tuple[CrdFile, ...]

    def url(self, file: CrdFile) -> str:
        """Where a user's machine gets the file."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.version}/{file.path}"


class TensorPairs(StrEnum):
    """Which tensor parallelisms of prefill and decode an engine's KV transfer can bring together."""

    EQUAL = "equal"
    DECODE_MULTIPLE = "decode-multiple"
    """Decode's is prefill's, or a multiple of it."""
    EITHER_MULTIPLE = "either-multiple"
    """One is the other, or a multiple of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisaggregationPins:
    """How an engine's version disaggregates prefill."""

    tensor: TensorPairs
    why: str
    """What becomes of other pairs, with its source."""
    args: tuple[str, ...] = ()
    """Arguments of both roles, before the user's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnginePins:
    """The images of one engine in a release line."""

    images: Mapping[str, ImagePin]
    """By the name that the stack's config uses."""
    default: str
    """Name of the image that is taken where the config names none."""
    model_command: str
    """How the line starts it: `vllmServe`, `imageDefault` or `custom` (the chart's words)."""
    disaggregation: DisaggregationPins | None = None
    """`None` where the line does not disaggregate this engine."""
    event_block_tokens: int | None = None
    """Tokens of a block of the KV cache, where servers publish what they have cached: the guide's, for engine and
    picker alike. `None` where the line's picker follows no events of this engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelKeys:
    """Label keys of a line's pods."""

    inference_serving: str
    """Marks a pod that serves inference; its value is `true`."""
    engine_type: str | None
    """Tells the picker which engine's metrics a pod has; `None` where the line's picker knows no such label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugin:
    """A plugin of the endpoint picker."""

    type: str
    name: str = ""
    """Where there are several of a type; empty: the type."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


class Blank(StrEnum):
    """What the parameters of a line's plugins leave blank, for each model's own value."""

    BLOCK_TOKENS = "<block tokens>"
    CPU_BLOCKS = "<blocks of the CPU tier>"
    ENGINE_TYPE = "<engine type>"
    EVENTS_PORT = "<events port>"
    RENDER_URL = "<render url>"
    SERVED_NAME = "<served name>"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecisePrefixDialect:
    """How a line's picker is made to route by what servers have cached: they publish it, and it subscribes to each."""

    plugins: tuple[Plugin, ...]
    """In the order of the guide's file, with `Blank`s in their parameters; scorers without any are not among them."""
    scorers: tuple[tuple[str, int], ...]
    """In the place of the baseline's."""
    sources: tuple[tuple[str, str], ...]
    """Data source plugin, and the plugin that it feeds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TieredPrefixDialect:
    """How a line's picker takes a second tier of the KV cache into account, of which engines tell no size."""

    plugins: tuple[Plugin, ...]
    """In the order of the guide's file, with `Blank`s in their parameters; scorers without any are not among them."""
    scorers: tuple[tuple[str, int], ...]
    """In the place of the baseline's."""
    block_tokens: int
    """Tokens of the blocks that it counts the tier in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisaggregationDialect:
    """How a line's picker is configured where prefill is disaggregated."""

    plugins: tuple[Plugin, ...]
    """In the order of the guide's file; the scorers of both profiles among them."""
    prefill: tuple[tuple[str, int | None], ...]
    """Plugins of the profile that picks the prefill server, with the weights of the scorers."""
    decode: tuple[tuple[str, int | None], ...]
    """The same of the profile that picks the decode server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SidecarDialect:
    """How a line's routing sidecar is started: in front of a decode server, it sends prompts to prefill first."""

    port_flag: str
    """Flag for the port that it listens on, which is the pool's."""
    engine_port_flag: str
    """Flag for the port of the engine behind it."""
    connector_flag: str
    """Flag for the protocol between prefill and decode."""
    connectors: Mapping[str, str]
    """Protocol of an engine (engines.KvProtocol) -> the sidecar's word for it."""
    args: tuple[str, ...]
    """What is always said."""
    engine_port: int
    """Port of the engine behind it, as the line's guide has it."""
    source: str
    """Where the flags are read from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowControlDialect:
    """How a line's picker is made to hold requests while there is no room, or no server, the highest priority first."""

    feature_gate: str
    """In its config."""
    queue_metric: str
    """Gauge: requests that it holds, of the pool that its label `inference_pool` tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PickerDialect:
    """How a line's endpoint picker is configured."""

    config_api_version: str
    """apiVersion of EndpointPickerConfig."""
    objectives_api_group: str
    """API group of InferenceObjective, which the picker watches."""
    watched_api_groups: tuple[str, ...]
    """API groups that the picker may find its objects in: where a cluster brings the CRDs, it takes what is there."""
    watched_resources: tuple[str, ...]
    """Resources of those groups that it watches; without the right to, its caches never fill and it never serves."""
    metric_flags: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """MetricMap field -> picker flag, where the metric map is said by flags."""
    metrics_path_flag: str | None = None
    """Flag for the path that metrics are scraped from, where it is said by a flag."""
    metrics_source_plugin: str | None = None
    """Plugin that scrapes metrics, where it is said by plugins."""
    metrics_extractor_plugin: str | None = None
    """Plugin that maps an engine's metrics, where it is said by plugins."""
    metric_parameters: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """MetricMap field -> key of an engine's entry in the extractor's `engineConfigs`, where it is said by plugins."""
    scorers: tuple[tuple[str, int], ...]
    """Scorer plugins and their weights, as the line's baseline guide has them."""
    prefix_scorer: str = "prefix-cache-scorer"
    """Scorer that looks at what a server has of a prompt."""
    prefix_plugin: str
    """Plugin that cuts prompts into blocks and remembers who has them."""
    untuned_prefix: Mapping[str, object]
    """Its parameters for an engine that tells neither block size nor number of blocks."""
    lora_scorer: tuple[str, int]
    """Scorer that looks for a server which has a request's LoRA adapter, and its weight; for a model with adapters
    whose engine tells which are loaded."""
    disaggregation: DisaggregationDialect | None = None
    """Plugins and profiles of the line's prefill/decode guide."""
    tiered_prefix: TieredPrefixDialect | str
    """Plugins of the line's guide for a tiered prefix cache, or why it cannot be had here."""
    precise_prefix: PrecisePrefixDialect | str
    """Plugins of the line's guide for precise prefix cache routing, or why it cannot be had here."""
    pool_metrics: Mapping[str, str]
    """`queue-size` and `kv-cache-utilization` -> the picker's own gauge of them, averaged over the pool that its label
    `name` tells."""
    flow_control: FlowControlDialect | None = None
    """How it is made to hold requests; `None` where the line's cannot be told apart by pool."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyRouterDialect:
    """How a line's gateways route by the model in a request's body; the program is the image `body-router`."""

    args: tuple[str, ...]
    header: str
    """The header that it puts the model into."""
    reads_config_maps: bool
    """Whether it watches ConfigMaps, and never serves without the right to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A release line of llm-d."""

    name: str
    pool_api_version: str
    """apiVersion of InferencePool; the HTTPRoute's backend group is taken from it too."""
    labels: LabelKeys
    picker: PickerDialect
    body_router: BodyRouterDialect
    refused_gateways: Mapping[str, str]
    """Gateway provider -> why this line cannot be had with it, and which one can."""
    images: Mapping[str, ImagePin]
    """Images other than engines: `picker`, `sidecar`, `envoy`, `body-router`, `device-plugin`, `efa-device-plugin`;
    `render` where prompts are tokenized for the picker."""
    engines: Mapping[str, EnginePins]
    refused_engines: Mapping[str, str]
    """Engine -> why this line cannot run it, and which one can."""
    crd_bundles: tuple[CrdBundle, ...]
    minimum_nvidia_driver: int | None = None
    """NVIDIA driver branch that the line's engine images need at least; `None` where upstream states none."""
    sidecar: SidecarDialect | None = None
    """The routing sidecar; `None` where the line's is not known here."""

    @property
    def pool_api_group(self) -> str:
        """Group part of `pool_api_version`."""
        return self.pool_api_version.partition("/")[0]
