"""What a ModelService needs to know: plain data, so that its objects are built and judged without Pulumi."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.model_service.adapters import Adapter
from components.model_service.weights import ObjectStorage, Weights
from engines import Engine, LoraServing, Role
from naming import DECODE_ROLE, PREFILL_ROLE
from releases import LabelKeys, SidecarDialect

__all__ = ["Adapter", "EventStream", "ModelServiceArgs", "ObjectStorage", "RoleArgs", "RoutingSidecar", "Weights"]


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """The servers of one role, a Deployment."""

    role: Role
    """What they do of a request; `AGGREGATED` where there is no other role."""
    replicas: int
    """Replicas: pods, or groups of pods; with an autoscaler, at most."""
    tensor_parallelism: int
    """GPUs that one copy of the model is spread over."""
    copies: int = 1
    """Copies of the model in a replica: its data parallelism."""
    copies_per_pod: int = 1
    """Copies in a pod."""
    pods_per_replica: int = 1
    """Pods of a replica; more than one are a group of a LeaderWorkerSet."""
    expert_parallelism: bool = False
    """Whether the experts of a mixture of experts are spread over all GPUs of a replica."""
    gpu_resource: str
    """Extended resource that a GPU is asked for by."""
    cpu: str
    """CPU request of the engine."""
    memory_bytes: int
    """Memory request and limit of the engine, /dev/shm included, bytes."""
    node_selector: Mapping[str, str]
    """Labels of the pool's nodes."""
    taint_keys: Sequence[str]
    """Taints of the pool's nodes: tolerated whatever their value, for values differ between clouds."""
    fabric_devices: tuple[str, int] | None = None
    """Extended resource and amount that a pod asks for to speak to other nodes."""
    libfabric: bool = False
    """Whether it speaks by libfabric, which is how EFA is spoken."""
    autoscaled: bool = False
    """Whether an autoscaler owns the number of pods."""
    surge: bool
    """Whether the pool has GPUs to spare while the pods roll."""
    extra_args: Sequence[str] = ()
    """Arguments to the engine that are not its adapter's, the user's own last."""

    @property
    def gpus_per_pod(self) -> int:
        """GPUs of a pod."""
        return self.tensor_parallelism * self.copies_per_pod

    @property
    def pods(self) -> int:
        """Pods of all replicas."""
        return self.replicas * self.pods_per_replica

    @property
    def label(self) -> str:
        """Value of the role label; a server that does everything is one that answers."""
        return PREFILL_ROLE if self.role is Role.PREFILL else DECODE_ROLE


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingSidecar:
    """What stands before each decode server and sends prompts to the prefill server that the picker chose."""

    image: str
    """Mirror applied."""
    dialect: SidecarDialect
    """How the line's is started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStream:
    """What each server publishes of its cache, and to whom."""

    block_tokens: int
    """Tokens of a block."""
    port: int
    """Where subscribers find it."""
    subscribers: Sequence[Mapping[str, Any]]
    """NetworkPolicy peers that may subscribe: the picker."""


@dataclass(frozen=True, kw_only=True)
class ModelServiceArgs:
    """One model's servers."""

    namespace: str
    """Namespace of all objects."""
    model: str
    """Name of the model: in every label, path and selector."""
    served_name: str
    """The `model` that clients ask for."""
    engine: Engine
    """What serves it."""
    model_command: str
    """How it is started: `vllmServe`, `imageDefault` or `custom`."""
    image: str
    """Image of the engine, mirror applied."""
    engine_version: str
    """Version of the engine in that image."""
    weights: Weights
    """Where the weights come from."""
    decode: RoleArgs
    """The servers that answer: all of a request, or what prefill leaves of it."""
    labels: LabelKeys
    """Label keys of the release line."""
    clients: Sequence[Mapping[str, Any]]
    """NetworkPolicy peers that may speak to the servers: the gateway and the picker."""
    adapters: Sequence[Adapter] = ()
    """LoRA adapters that are served beside the model, by name."""
    prefill: RoleArgs | None = None
    """Servers that compute prompts for the ones that answer."""
    events: EventStream | None = None
    """`None`: nobody follows what they have cached."""
    cpu_tier_bytes: int | None = None
    """Memory of each pod that holds what its GPUs' KV cache has no room for."""
    sidecar: RoutingSidecar | None = None
    """There where `prefill` is."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets."""
    runtime_class: str | None = None
    """RuntimeClass, where NVIDIA's runtime is not the node's default."""
    pod_monitor: bool = False
    """Whether the Prometheus operator scrapes the servers."""

    @property
    def roles(self) -> tuple[RoleArgs, ...]:
        """Every role, decode first."""
        return (self.decode,) if self.prefill is None else (self.decode, self.prefill)

    @property
    def adapter_names(self) -> tuple[str, ...]:
        """What clients ask for to have one of the adapters."""
        lora = self.engine.lora
        if not isinstance(lora, LoraServing):
            return ()
        return tuple(lora.named(self.served_name, adapter.name) for adapter in self.adapters)

    @property
    def gpus(self) -> int:
        """GPUs of all pods."""
        return sum(role.pods * role.gpus_per_pod for role in self.roles)
