"""MIG, sharing, and whether models fit onto GPUs."""

from collections.abc import Iterator

from catalog import INSTANCE_TYPES, nearest
from settings.faults import Fault
from settings.gpu_pools import Advertiser, MigStrategy, Sharing
from settings.placement import PoolCapacity, format_memory, judged, place, pool_capacities
from settings.rules.rule import Rule
from settings.source import weights_bytes
from settings.stack import StackSettings
from settings.workloads import workloads

__all__ = ["RULES"]

# An engine takes about a tenth of a GPU's memory for itself before weights and KV cache (vLLM's default
# --gpu-memory-utilization is 0.9, SGLang's --mem-fraction-static about as much).
_USABLE_MEMORY = 0.9


def _mig(settings: StackSettings) -> Iterator[Fault]:
    """A MIG profile belongs to the pool's GPU, and the plugin advertises slices."""
    for name, pool in settings.gpu_pools.items():
        instance = INSTANCE_TYPES.get(pool.instance_type)
        if instance is None or pool.mig_profile is None:
            continue
        path = f"gpuPools.{name}.migProfile"
        profiles = list(instance.gpu.mig_profiles)
        if not profiles:
            problem = f"{pool.instance_type} has {instance.gpu.name} GPUs, which cannot be cut into MIG slices"
            yield Fault(path=path, problem=problem, given=pool.mig_profile)
            continue
        if pool.mig_profile not in profiles:
            near = nearest(pool.mig_profile, profiles)
            problem = f"{instance.gpu.name} has no such MIG profile"
            yield Fault(path=path, problem=problem, given=pool.mig_profile, allowed=", ".join(profiles), nearest=near)
        if settings.device_plugin.mig_strategy is MigStrategy.NONE and pool.advertised_by is Advertiser.DEVICE_PLUGIN:
            yield Fault(
                path="devicePlugin.migStrategy",
                problem=f"pool {name} is cut into MIG slices, but the device plugin does not advertise slices",
                given="none",
                allowed="single, mixed",
            )


def _tensor_parallelism(settings: StackSettings) -> Iterator[Fault]:
    """Tensor parallelism needs whole GPUs: NCCL crosses neither MIG slices nor pods that share a GPU."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    pool_of = place(settings).pool_of
    for workload in workloads(settings):
        tensor, name = workload.parallelism.tensor, workload.name
        if tensor == 1 or name not in pool_of:
            continue
        path = f"{workload.path}.parallelism.tensor"
        pool = settings.gpu_pools[pool_of[name]]
        shared = settings.device_plugin.sharing is not Sharing.NONE and pool.advertised_by is Advertiser.DEVICE_PLUGIN
        if pool.mig_profile is not None:
            yield Fault(
                path=path,
                problem=f"cannot cross the MIG slices of pool {pool_of[name]}",
                given=str(tensor),
                allowed="1",
            )
        elif shared:
            problem = (
                f"cannot cross GPUs that several pods share (devicePlugin.sharing {settings.device_plugin.sharing})"
            )
            yield Fault(path=path, problem=problem, given=str(tensor), allowed="1")
        widest = capacities[pool_of[name]].instance.gpu_count
        if tensor <= widest and widest % tensor:
            problem = f"does not divide the {widest} GPUs of a node of pool {pool_of[name]}: some would never be used"
            yield Fault(path=path, problem=problem, given=str(tensor))


def _pools_exist(settings: StackSettings) -> Iterator[Fault]:
    for workload in workloads(settings):
        if workload.pool is not None and workload.pool not in settings.gpu_pools:
            yield Fault(
                path=f"{workload.path}.pool",
                problem="unknown pool",
                given=workload.pool,
                allowed=", ".join(settings.gpu_pools) or None,
                nearest=nearest(workload.pool, list(settings.gpu_pools)),
            )


def _capacity(settings: StackSettings) -> Iterator[Fault]:
    """Every replica finds its GPUs."""
    settings = judged(settings)
    unplaced = place(settings).unplaced
    for workload in workloads(settings):
        if workload.name in unplaced and (workload.pool is None or workload.pool in settings.gpu_pools):
            allowed = "fewer replicas, less parallelism, a larger maxSize or another pool"
            yield Fault(path=workload.path, problem=unplaced[workload.name], allowed=allowed)


def _gpu_memory(settings: StackSettings) -> Iterator[Fault]:
    """The weights fit into the memory of one replica's GPUs."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    pool_of = place(settings).pool_of
    for workload in workloads(settings):
        pool = pool_of.get(workload.name)
        if pool is None:
            continue
        try:
            weights = weights_bytes(settings.models[workload.model])
        except ValueError:
            continue
        parallelism = workload.parallelism
        # Of a mixture of experts that is spread, each GPU of the replica holds a part; of anything else every copy all.
        tensor = parallelism.tensor * (parallelism.copies if parallelism.expert else 1)
        usable = _usable_memory(capacities[pool], tensor)
        if weights is not None and weights > usable:
            yield Fault(
                path=f"{workload.path}.parallelism.tensor",
                problem=f"{format_memory(weights)} of weights do not fit into the {format_memory(usable)} that are"
                f" usable of {tensor} x {capacities[pool].instance.gpu.name} (90 %)",
                given=str(tensor),
                allowed="more GPUs per replica, or a pool whose GPUs have more memory",
            )


def _usable_memory(capacity: PoolCapacity, tensor: int) -> int:
    return int(tensor * capacity.memory_per_gpu * _USABLE_MEMORY)


_POOLS = frozenset({"gpuPools", "devicePlugin"})
_SIZE = frozenset({"source", "weights", "parallelism", "pool", "replicas", "autoscaling", "prefill"})

RULES = (
    Rule(needs=_POOLS, check=_mig),
    Rule(needs=frozenset({"gpuPools"}), check=_pools_exist),
    Rule(needs=_POOLS, of_model=_SIZE, check=_tensor_parallelism),
    Rule(needs=_POOLS, of_model=_SIZE, check=_capacity),
    Rule(needs=_POOLS, of_model=_SIZE, check=_gpu_memory),
)
