"""The workloads of a model: what placement counts, and what becomes a Deployment each; pure.

A model is one workload, or two where prefill is disaggregated. Its own keys describe the decode role, for that is the
role which answers requests and which every model has; `prefill` describes the other (docs/adr/0012).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from naming import DECODE_ROLE, PREFILL_ROLE
from settings.base import GIB
from settings.models import ModelSettings, ResourcesSettings
from settings.parallelism import ParallelismSettings
from settings.stack import StackSettings

__all__ = ["ENGINE_MEMORY", "Workload", "workloads", "workloads_of"]


ENGINE_MEMORY = 24 * GIB
"""Memory of a pod beside a tier of the KV cache, for each GPU, /dev/shm included: half of what llm-d's guide without a
tier requests (96 GiB for two), an estimate on the safe side of what a process needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """One role of one model."""

    model: str
    role: str
    """`decode` or `prefill`."""
    replicas: int
    parallelism: ParallelismSettings
    pool: str | None
    """The pool that the config names."""
    resources: ResourcesSettings
    cpu_tier: int | None = None
    """Memory of a pod that is a tier of the KV cache, bytes."""
    has_sidecar: bool = False
    """Whether the routing sidecar stands before each of its servers."""
    is_disaggregated: bool = False
    """Whether the model has a role of its own for prefill."""

    @property
    def crosses_nodes(self) -> bool:
        """Whether its pods move caches or experts to and from pods of other nodes."""
        return self.is_disaggregated or self.parallelism.nodes > 1

    @property
    def pods(self) -> int:
        """Pods of all replicas."""
        return self.replicas * self.parallelism.nodes

    @property
    def gpus(self) -> int:
        """GPUs of a pod."""
        return self.parallelism.gpus_per_pod

    @property
    def least_memory(self) -> int | None:
        """What a pod with a tier in its memory takes at least, bytes; `None` where it has none."""
        return None if self.cpu_tier is None else self.cpu_tier + self.gpus * ENGINE_MEMORY

    @property
    def name(self) -> str:
        """As placement and messages name it: its config path below `models`."""
        return self.model if self.role == DECODE_ROLE else f"{self.model}.{self.role}"

    @property
    def path(self) -> str:
        """Config path of its keys."""
        return f"models.{self.name}"


def workloads_of(name: str, model: ModelSettings) -> tuple[Workload, ...]:
    """The workloads of one model, decode first."""
    decode = Workload(
        model=name,
        role=DECODE_ROLE,
        # What the pool has to have GPUs for, in the end.
        replicas=model.replicas if model.autoscaling is None else model.autoscaling.max_replicas,
        parallelism=model.parallelism,
        pool=model.pool,
        resources=model.resources,
        cpu_tier=None if model.tiered_prefix_cache is None else model.tiered_prefix_cache.cpu_memory,
        has_sidecar=model.prefill is not None,
        is_disaggregated=model.prefill is not None,
    )
    prefill = model.prefill
    if prefill is None:
        return (decode,)
    return (
        decode,
        Workload(
            model=name,
            role=PREFILL_ROLE,
            replicas=prefill.replicas,
            parallelism=prefill.parallelism,
            pool=prefill.pool,
            resources=prefill.resources,
            is_disaggregated=True,
        ),
    )


def workloads(settings: StackSettings) -> Iterable[Workload]:
    """Every workload of the stack."""
    return (workload for name, model in settings.models.items() for workload in workloads_of(name, model))
