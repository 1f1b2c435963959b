"""Which pool serves which model, and whether everything fits.

Pure arithmetic on the catalogue's numbers: GPUs per node, nodes at most, GPUs per replica. The scheduler has the
last word on a live cluster; this refuses what no scheduler could place.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from catalog import INSTANCE_TYPES, InstanceType
from settings.base import GIB, MIB
from settings.gpu_pools import Advertiser, DevicePluginSettings, Fabric, GpuPoolSettings, MigStrategy, Sharing
from settings.stack import StackSettings
from settings.workloads import Workload, workloads, workloads_of

__all__ = [
    "EFA_RESOURCE",
    "RDMA_RESOURCE",
    "Placement",
    "PoolCapacity",
    "format_memory",
    "judged",
    "node_selector",
    "nodes_needed",
    "pack",
    "place",
    "pod_memory",
    "pool_capacities",
    "replica_gpus",
    "surely_fits",
]

GPU_RESOURCE = "nvidia.com/gpu"

EFA_RESOURCE = "vpc.amazonaws.com/efa"
"""Extended resource of an EFA interface."""

RDMA_RESOURCE = "rdma/ib"
"""Extended resource of llm-d's guides for InfiniBand: one per pod, whatever its size."""

# In percent of what a node offers to pods; the rest is for DaemonSets and for what the estimate is off.
_SHARE_OF_ALLOCATABLE = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolCapacity:
    """What a pool offers to models."""

    name: str
    instance: InstanceType
    nodes: int
    """Nodes at most."""
    gpu_resource: str
    """Extended resource to ask for."""
    gpus_per_node: int
    """Units of `gpu_resource` on a node: GPUs, MIG slices, or GPUs times the pods that share one."""
    memory_per_gpu: int
    """Memory of one unit, bytes; of a time-sliced GPU it is the whole GPU's, which nothing divides."""
    node_selector: Mapping[str, str]
    fabric: Fabric
    """What its nodes speak to each other over."""

    def fabric_devices(self, gpus: int) -> tuple[str, int] | None:
        """Extended resource and amount for a pod of `gpus` units that speaks to other nodes; `None` over TCP.

        EFA interfaces go with the GPUs that they stand beside, as in llm-d's guide: of a p5en's sixteen, two per GPU.
        """
        if self.fabric is Fabric.EFA:
            return EFA_RESOURCE, self.instance.efa_interfaces * gpus // self.gpus_per_node
        return (RDMA_RESOURCE, 1) if self.fabric is Fabric.RDMA else None

    def share(self, gpus: int) -> float:
        """The part of a node that `gpus` units are."""
        return gpus / self.gpus_per_node

    def cpu_millicores_for(self, gpus: int) -> int:
        """Default CPU request of a pod with `gpus` units."""
        return self.instance.allocatable.cpu_millicores * _SHARE_OF_ALLOCATABLE * gpus // (100 * self.gpus_per_node)

    def memory_bytes_for(self, gpus: int) -> int:
        """Default memory request of a pod with `gpus` units, whole MiB."""
        mib = self.instance.allocatable.memory_mib * _SHARE_OF_ALLOCATABLE * gpus // (100 * self.gpus_per_node)
        return mib * MIB


def pod_memory(workload: Workload, capacity: PoolCapacity) -> int:
    """Memory request of a pod, bytes: the config's, or its share of a node, or more where a tier takes more."""
    share = capacity.memory_bytes_for(workload.gpus)
    return workload.resources.memory or max(share, workload.least_memory or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where the workloads go, by their names: a model's is its own, its prefill role's `<model>.prefill`."""

    pool_of: Mapping[str, str]
    """Workload -> pool."""
    surging: frozenset[str]
    """Workloads for which the pool has GPUs to spare for one more replica while it rolls."""
    crowded: frozenset[str]
    """Workloads whose pods may find no node, though all fit: the scheduler spreads the smaller pods."""
    unplaced: Mapping[str, str]
    """Workload -> why no pool holds it."""


def pool_capacities(pools: Mapping[str, GpuPoolSettings], plugin: DevicePluginSettings) -> dict[str, PoolCapacity]:
    """Capacity of each pool whose instance type and MIG profile the catalogue knows, by name."""
    return {name: _capacity(name, pool, plugin) for name, pool in sorted(pools.items()) if _is_known(pool)}


def _is_known(pool: GpuPoolSettings) -> bool:
    instance = INSTANCE_TYPES.get(pool.instance_type)
    return instance is not None and (pool.mig_profile is None or pool.mig_profile in instance.gpu.mig_profiles)


def _capacity(name: str, pool: GpuPoolSettings, plugin: DevicePluginSettings) -> PoolCapacity:
    instance = INSTANCE_TYPES[pool.instance_type]
    resource = GPU_RESOURCE
    units = instance.gpu_count
    memory = instance.gpu.memory_mib * 2**20
    if pool.mig_profile is not None:
        slices = instance.gpu.mig_profiles[pool.mig_profile]
        units *= slices
        memory //= slices
        if plugin.mig_strategy is MigStrategy.MIXED:
            resource = f"nvidia.com/mig-{pool.mig_profile}"
    if pool.advertised_by is Advertiser.DEVICE_PLUGIN:
        units *= plugin.replicas
        memory //= plugin.replicas if plugin.sharing is Sharing.MPS else 1
    return PoolCapacity(
        name=name,
        instance=instance,
        nodes=pool.max_size,
        gpu_resource=resource,
        gpus_per_node=units,
        memory_per_gpu=memory,
        node_selector=node_selector(pool),
        fabric=pool.spoken_over,
    )


def node_selector(pool: GpuPoolSettings) -> Mapping[str, str]:
    """Labels that a pool's nodes have: its own, or the one that every cloud sets."""
    return pool.node_selector or MappingProxyType({"node.kubernetes.io/instance-type": pool.instance_type})


def place(settings: StackSettings) -> Placement:
    """Assign every workload to a pool.

    A workload that names its pool gets it; the others follow in the order of their names, each into the pool with the
    fewest GPUs per node that still holds all its replicas. The order is fixed, so the same config is always placed
    alike; name the `pool` where adding a model must not move another.
    """
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    loads: dict[str, list[int]] = {name: [] for name in capacities}
    pool_of: dict[str, str] = {}
    unplaced: dict[str, str] = {}
    by_name = {workload.name: workload for workload in workloads(settings)}
    for name, workload in sorted(by_name.items(), key=lambda item: (item[1].pool is None, item[0])):
        found = _find_pool(workload, capacities, loads)
        if found is None:
            unplaced[name] = _why_not(workload, capacities, loads)
        else:
            pool_of[name] = found
            loads[found] += replica_gpus(workload)
    surging = frozenset(
        name
        for name, pool in pool_of.items()
        if surely_fits([*_rolling(by_name[name].model, by_name, pool, pool_of)], loads[pool], capacities[pool])
    )
    crowded = frozenset(name for pool in capacities.values() for name in _crowded(by_name, pool_of, pool))
    return Placement(
        pool_of=MappingProxyType(pool_of), surging=surging, crowded=crowded, unplaced=MappingProxyType(unplaced)
    )


def _crowded(by_name: Mapping[str, Workload], pool_of: Mapping[str, str], capacity: PoolCapacity) -> set[str]:
    """Workloads with a pod for which there is no node where the small pods come first, each to the emptiest node.

    That is how the scheduler scores by default (NodeResourcesFit, LeastAllocated), so it is what is to be expected.
    """
    free = [capacity.gpus_per_node] * capacity.nodes
    mine = [workload for name, workload in by_name.items() if pool_of.get(name) == capacity.name]
    left_over = set()
    for gpus, name in sorted((gpus, one.name) for one in mine for gpus in replica_gpus(one)):
        emptiest = free.index(max(free))
        if free[emptiest] < gpus:
            left_over.add(name)
        else:
            free[emptiest] -= gpus
    return left_over


def judged(settings: StackSettings) -> StackSettings:
    """The settings without the models that might go to a pool of unknown capacity, which is a fault of its own."""
    unknown = settings.gpu_pools.keys() - pool_capacities(settings.gpu_pools, settings.device_plugin).keys()
    models = {
        name: model
        for name, model in settings.models.items()
        if not unknown or all(workload.pool not in {None, *unknown} for workload in workloads_of(name, model))
    }
    return settings.model_copy(update={"models": models})


def pack(gpus: Sequence[int], capacity: PoolCapacity) -> bool:
    """Whether pods that ask for so many GPUs each fit on the pool's nodes: the largest first, each where it fits."""
    free = [capacity.gpus_per_node] * capacity.nodes
    for wanted in sorted(gpus, reverse=True):
        index = next((index for index, left in enumerate(free) if left >= wanted), None)
        if index is None:
            return False
        free[index] -= wanted
    return True


def surely_fits(arriving: Sequence[int], there: Sequence[int], capacity: PoolCapacity) -> bool:
    """Whether pods find a node each, wherever the scheduler has put those that are there already.

    It spreads, where `pack` fills up: two pods of one GPU take a GPU of two nodes each, and none is left with all of
    its GPUs free. A rollout that waits for such a node waits for ever, because it takes no old pod away.
    """
    return all(
        _closed_at_most([*there, *arriving[:index], *arriving[index + 1 :]], wanted, capacity) < capacity.nodes
        for index, wanted in enumerate(arriving)
    )


def _closed_at_most(others: Sequence[int], wanted: int, capacity: PoolCapacity) -> int:
    """An upper bound for the nodes on which so many pods leave fewer than `wanted` GPUs free."""
    closing = max(capacity.gpus_per_node - wanted + 1, 1)
    small = [gpus for gpus in others if gpus < closing]
    # What small pods take of a node is a multiple of what they have in common.
    step = math.gcd(*small) if small else 1
    return len(others) - len(small) + sum(small) // (-(-closing // step) * step)


def nodes_needed(settings: StackSettings, placement: Placement, capacity: PoolCapacity) -> int:
    """The fewest nodes of a pool that hold every replica that is placed there."""
    pods = [
        gpus
        for workload in workloads(settings)
        if placement.pool_of.get(workload.name) == capacity.name
        for gpus in replica_gpus(workload)
    ]
    return next(count for count in range(capacity.nodes + 1) if pack(pods, replace(capacity, nodes=count)))


def _rolling(model: str, by_name: Mapping[str, Workload], pool: str, pool_of: Mapping[str, str]) -> Iterator[int]:
    """GPUs of a replica of each of a model's workloads in a pool: they roll together."""
    mine = (one for name, one in by_name.items() if one.model == model and pool_of.get(name) == pool)
    return (one.gpus for one in mine for _ in range(one.parallelism.nodes))


def replica_gpus(workload: Workload) -> list[int]:
    """GPUs of each pod of all replicas."""
    return [workload.gpus] * workload.pods


def _candidates(workload: Workload, capacities: Mapping[str, PoolCapacity]) -> list[PoolCapacity]:
    wanted = [capacity for capacity in capacities.values() if workload.pool in (None, capacity.name)]
    return sorted(wanted, key=lambda capacity: (capacity.gpus_per_node, capacity.name))


def _find_pool(
    workload: Workload, capacities: Mapping[str, PoolCapacity], loads: Mapping[str, list[int]]
) -> str | None:
    fitting = (c for c in _candidates(workload, capacities) if pack([*loads[c.name], *replica_gpus(workload)], c))
    return next((capacity.name for capacity in fitting), None)


def _why_not(workload: Workload, capacities: Mapping[str, PoolCapacity], loads: Mapping[str, list[int]]) -> str:
    """The arithmetic of each pool that was looked at."""
    gpus = workload.gpus
    looked_at = _candidates(workload, capacities)
    widest = max((capacity.gpus_per_node for capacity in looked_at), default=0)
    if gpus > widest:
        what = "replica" if workload.parallelism.nodes == 1 else "pod of a replica"
        return f"one {what} needs {gpus} GPUs of one node, the widest node has {widest}"
    rows = [f"{c.name} has {c.nodes} x {c.gpus_per_node} GPUs, {sum(loads[c.name])} of them taken" for c in looked_at]
    return f"{workload.pods} x {gpus} GPUs fit no pool: " + "; ".join(rows)


def format_memory(size_bytes: int) -> str:
    """Gibibytes with one decimal, for messages."""
    return f"{size_bytes / GIB:.1f} GiB"
