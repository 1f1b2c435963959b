"""The contract of an engine: a pure adapter from (model, release) to everything that differs between engines.

One switch in the stack's config changes command, ports, probes, caches and the picker's metric map together,
because all of them come from one object. Nothing outside this package asks which engine it is.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

__all__ = [
    "FILES_FOLDER",
    "LORA_SLOTS",
    "NO_KEY",
    "PLAIN_HTTP",
    "PLAIN_PATHS",
    "POD_IP",
    "CpuTier",
    "Engine",
    "EngineContainer",
    "Feature",
    "KvEvents",
    "KvProtocol",
    "KvTransfer",
    "LoraAdapter",
    "LoraServing",
    "MetricMap",
    "NoCpuTier",
    "NoKvEvents",
    "NoKvTransfer",
    "NoLora",
    "ProbePaths",
    "Role",
    "ServingRequest",
    "VersionFloor",
    "event_topic",
]

FILES_FOLDER = "/etc/llm-d"
"""Where the files of an engine are found in its container."""

NO_KEY = "it would be plain text in the pod, and the probes have no key"
"""Why no engine is given a key of its own."""

PLAIN_HTTP = "probes, picker and gateway speak plain HTTP to the pod"
"""Why no engine ends TLS."""

PLAIN_PATHS = "the gateway takes the model's path off before the pod sees it"
"""Why no engine is told a path that it is served below."""

POD_IP = "POD_IP"
"""Environment variable with the pod's address, where a server has to say it."""

_EMPTY: Mapping[str, str] = MappingProxyType({})


class Role(StrEnum):
    """What an engine is asked to do of a request."""

    AGGREGATED = "aggregated"
    """All of it."""
    PREFILL = "prefill"
    """The KV cache of its prompt, for a decode server to fetch."""
    DECODE = "decode"
    """Its answer, from a KV cache that a prefill server has computed."""


class KvProtocol(StrEnum):
    """How the routing sidecar leads a request through prefill and decode."""

    NIXL = "nixl"
    """Prefill first; what it answers tells decode where the blocks are."""
    SGLANG = "sglang"
    """Both at once; they meet at the prefill server's bootstrap server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KvTransfer:
    """How an engine moves KV caches from prefill to decode."""

    protocol: KvProtocol
    port_name: str
    """Name of the port on which decode finds prefill's caches."""
    port: int
    """The data itself goes over ports that the transport picks when it connects."""
    sidecar_env: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """What the sidecar has to know of it."""
    owned_flags: frozenset[str]
    """The engine's flags that say all this: config cannot."""
    agreed_flags: frozenset[str]
    """The engine's flags that have to be alike in both roles: the layout of the cache follows from them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoKvTransfer:
    """An engine whose prefill cannot be disaggregated."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KvEvents:
    """How an engine publishes which blocks its KV cache holds, for the picker to route by."""

    port: int = 5556
    """Where subscribers find each server (the port of llm-d's guide)."""
    owned_flags: Mapping[str, str]
    """The engine's flags that config cannot say then, and what stands in the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoKvEvents:
    """An engine whose cache the picker cannot follow."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraAdapter:
    """A LoRA adapter that an engine is to load."""

    name: str
    path: str
    """Repository id, or path in the container."""
    rank: int


LORA_SLOTS = 8
"""Adapters on a GPU at once, where a model has more: SGLang's own default, each takes memory from the KV cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraServing:
    """How an engine serves LoRA adapters."""

    form: str
    """What clients write as `model` to have an adapter, of `{model}` and `{adapter}`."""
    not_in_served_name: str = ""
    """A character that the model's own name cannot hold then; empty: any."""
    owned_flags: frozenset[str]
    """The engine's flags that say it: config cannot."""

    def named(self, served_name: str, adapter: str) -> str:
        """The `model` that clients ask for."""
        return self.form.format(model=served_name, adapter=adapter)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoLora:
    """An engine that serves no adapters."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuTier:
    """How an engine keeps in a pod's memory what its GPUs' KV cache has no room for."""

    owned_flags: Mapping[str, str]
    """The engine's flags that config cannot say then, and what says it."""
    above_gpu: str | None = None
    """Why the tier has to be larger than the KV cache of the GPUs; `None` where it need not."""
    gpu_flags: frozenset[str] = frozenset()
    """The engine's flags that make that one smaller than the GPUs' memory would."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoCpuTier:
    """An engine that keeps nothing there."""

    reason: str


class Feature(StrEnum):
    """What not every engine, or not every image of one, can do."""

    REVISION = "revision"
    OBJECT_STORAGE = "object-storage"
    PREFETCH = "prefetch"
    LIBFABRIC = "libfabric"

    @property
    def action(self) -> str:
        """The feature in words, behind "can"."""
        return _ACTIONS[self]


_ACTIONS: Mapping[Feature, str] = MappingProxyType(
    {
        Feature.REVISION: "be told a revision of the repository",
        Feature.OBJECT_STORAGE: "stream weights from object storage",
        Feature.LIBFABRIC: "send data over EFA",
        Feature.PREFETCH: "fill a cache: its image is not known to hold Python with huggingface_hub",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingRequest:
    """What an engine is asked to serve."""

    model: str
    """Repository id, path of the weights in the container, or their URL in object storage."""
    served_name: str
    """The `model` that clients ask for."""
    port: int
    """Port to listen on."""
    tensor_parallelism: int
    """GPUs that one copy of the model is spread over."""
    model_command: str
    """`vllmServe`, `imageDefault` or `custom`."""
    version: str
    """Version of the engine: it decides which flags and workarounds there are."""
    role: Role = Role.AGGREGATED
    revision: str | None = None
    """Commit, tag or branch of the repository."""
    streams: bool = False
    """Whether the weights are streamed from object storage."""
    copies: int = 1
    """Copies of the model in one replica."""
    copies_per_pod: int = 1
    """Copies in one pod."""
    pods_per_replica: int = 1
    """Pods of one replica. Each has LWS_LEADER_ADDRESS and LWS_WORKER_INDEX where there are several."""
    expert_parallelism: bool = False
    """Whether experts are spread over all GPUs of a replica."""
    event_block_tokens: int | None = None
    """Tokens of a block of the KV cache, where it publishes what it has cached."""
    adapters: tuple[LoraAdapter, ...] = ()
    """LoRA adapters to serve beside the model."""
    libfabric: bool = False
    """Whether pods reach each other by libfabric, as EFA is spoken; else by what the engine itself takes."""
    cpu_tier_bytes: int | None = None
    """Memory of the pod that holds blocks of the KV cache which its GPUs have no room for."""
    extra_args: tuple[str, ...] = ()
    """The user's own arguments, last."""


def event_topic(request: ServingRequest) -> str:
    """Under what a server publishes: the picker reads its address, as the pool has it, and the model out of it."""
    return f"kv@$({POD_IP}):{request.port}@{request.served_name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbePaths:
    """HTTP paths that tell an engine's state."""

    liveness: str
    """Answers as long as the process works; never waits for a model."""
    readiness: str
    """Answers once the model can serve; startup asks for it too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricMap:
    """Names under which an engine tells its load; an empty name means that it does not tell."""

    path: str
    """HTTP path of the metrics, in the Prometheus text format."""
    queued_requests: str
    """Gauge: requests that wait."""
    running_requests: str = ""
    """Gauge: requests that run."""
    kv_cache_usage: str
    """Gauge: share of the KV cache in use, 0 to 1."""
    lora_info: str = ""
    """Info metric: LoRA adapters that are loaded or waited for."""
    cache_info: str = ""
    """Info metric: block size and number of blocks of the KV cache, as vLLM's labels `block_size`, `num_gpu_blocks`."""
    cache_block_size: str = ""
    """Gauge: tokens of a block of the KV cache, where it is no label of an info metric."""
    cache_blocks: str = ""
    """Gauge: number of blocks of the KV cache, likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineContainer:
    """What differs between engines in a model server's container."""

    command: tuple[str, ...]
    """Empty: the image's own entry point."""
    args: tuple[str, ...]
    probes: ProbePaths
    env: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    files: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Files that the engine reads, by name, in FILES_FOLDER; never a secret. A change of one rolls the pods."""
    field_env: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """Environment variable -> field of the pod that it takes its value from, such as `status.podIP`."""
    run_as_user: int
    """Uid; never 0. The images' files are readable for everybody, so any uid can run them (llm-d's own guides run
    them under OpenShift's random uids)."""
    cache_variables: tuple[str, ...]
    """Environment variables that name a cache directory; each gets a writable one of its own below the home."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionFloor:
    """The oldest version of an engine that can be served."""

    version: str
    why: str
    """What older ones lack."""


class Engine(Protocol):
    """An inference engine."""

    @property
    def name(self) -> str:
        """As the stack's config names it."""
        ...

    @property
    def engine_type(self) -> str:
        """As llm-d's picker names it: the value of a line's engine label, and the key of the metric map."""
        ...

    @property
    def default_port(self) -> int:
        """Port that this engine serves on in our stacks."""
        ...

    @property
    def health_path(self) -> str:
        """HTTP path on that port by which it says that it lives: for the kubelet, and for load balancers of a cloud."""
        ...

    @property
    def model_commands(self) -> Sequence[str]:
        """The modelCommand words that it can be started with."""
        ...

    @property
    def own_flags(self) -> Mapping[str, str]:
        """Flags that this program sets, in every spelling, and what says their value: a user's own would contradict."""
        ...

    @property
    def streaming_flags(self) -> AbstractSet[str]:
        """Flags that this program sets for a model alone whose weights are streamed from object storage."""
        ...

    @property
    def version_floor(self) -> VersionFloor | None:
        """The oldest version that works; `None` where every one does that a line could pin."""
        ...

    @property
    def no_data_parallelism(self) -> str | None:
        """Why it cannot run several copies, or spread experts, as one server; `None` where it can."""
        ...

    @property
    def kv_transfer(self) -> KvTransfer | NoKvTransfer:
        """How its prefill can be disaggregated, or why it cannot."""
        ...

    @property
    def kv_events(self) -> KvEvents | NoKvEvents:
        """How the picker can follow what it has cached, or why it cannot."""
        ...

    @property
    def lora(self) -> LoraServing | NoLora:
        """How it serves LoRA adapters, or why it does not."""
        ...

    @property
    def cpu_tier(self) -> CpuTier | NoCpuTier:
        """How it keeps KV caches in memory, or why it does not."""
        ...

    @property
    def features(self) -> AbstractSet[Feature]:
        """What it can do of what not every engine can."""
        ...

    def container(self, request: ServingRequest) -> EngineContainer:
        """The container that serves the request."""
        ...

    def metrics(self, version: str) -> MetricMap:
        """Where the picker finds the load of this version of the engine."""
        ...
