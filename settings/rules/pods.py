"""Whether a pool's nodes have the CPU, the memory and the disk that a model's pods ask for."""

from collections.abc import Iterator

from settings.base import GIB, MIB, parse_cpu
from settings.disk import CACHES_BYTES, IMAGES_GIB, WEIGHTS_HEADROOM, pod_disk_bytes
from settings.faults import Fault
from settings.models import ModelSettings
from settings.placement import PoolCapacity, format_memory, judged, place, pool_capacities
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source, weights_bytes
from settings.stack import StackSettings

__all__ = ["RULES"]


def _resources(settings: StackSettings) -> Iterator[Fault]:
    """A pod's own requests fit onto a node, and all replicas onto the pool's nodes."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    for name, pool in place(settings).pool_of.items():
        model, capacity = settings.models[name], capacities[pool]
        allocatable = capacity.instance.allocatable
        tensor = model.parallelism.tensor
        path = f"models.{name}.resources"
        if model.resources.cpu is not None:
            wanted = parse_cpu(model.resources.cpu)
            default = f"{capacity.cpu_millicores_for(tensor)}m"
            offered = allocatable.cpu_millicores
            yield from _unfit(f"{path}.cpu", model, capacity, wanted, offered, "m of CPU", default)
        if model.resources.memory is not None:
            wanted = -(-model.resources.memory // MIB)
            default = f"{capacity.memory_bytes_for(tensor) // MIB}Mi"
            yield from _unfit(
                f"{path}.memory", model, capacity, wanted, allocatable.memory_mib, "Mi of memory", default
            )


def _unfit(
    path: str, model: ModelSettings, capacity: PoolCapacity, wanted: int, offered: int, unit: str, default: str
) -> Iterator[Fault]:
    each = min(offered // wanted, capacity.gpus_per_node // model.parallelism.tensor)
    if each * capacity.nodes >= model.replicas:
        return
    problem = f"{wanted}{unit} do not fit onto a node of pool {capacity.name}"
    if each:
        problem = f"{model.replicas} x {wanted}{unit} do not fit onto {capacity.nodes} nodes of pool {capacity.name}"
    yield Fault(
        path=path,
        problem=f"{problem}: {capacity.instance.name} offers {offered}{unit} to pods",
        given=f"{wanted}{unit.partition(' ')[0]}",
        allowed=f"less; the share of a node that the pod's GPUs are is {default}, which is the default",
    )


def _disk(settings: StackSettings) -> Iterator[Fault]:
    """The pods that may land on one node find room on its disk beside the images."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    for name, pool in place(settings).pool_of.items():
        model = settings.models[name]
        try:
            weights = weights_bytes(model)
        except ValueError:
            continue
        is_claim = parse_source(model.source).scheme is SourceScheme.PVC
        if weights is None and not is_claim:
            continue
        pods = min(model.replicas, capacities[pool].gpus_per_node // model.parallelism.tensor)
        each = -(-pod_disk_bytes(None if is_claim else weights) // GIB)
        size = settings.gpu_pools[pool].ephemeral_gib
        if pods * each > size - IMAGES_GIB:
            caches = f"{CACHES_BYTES // GIB} GiB of caches"
            parts = (
                caches if is_claim else f"{caches} and {WEIGHTS_HEADROOM} x {format_memory(weights or 0)} of weights"
            )
            yield Fault(
                path=f"gpuPools.{pool}.diskSizeGib",
                problem=f"{pods} x {each} GiB for pods of model {name} on one node ({parts} each) do not fit into the"
                f" {size - IMAGES_GIB} GiB that {IMAGES_GIB} GiB of images leave",
                given=str(size),
                allowed=f"{pods * each + IMAGES_GIB} or more",
            )


_POOLS = frozenset({"gpuPools", "devicePlugin"})
_PLACED = frozenset({"parallelism", "pool", "replicas"})

RULES = (
    Rule(needs=_POOLS, of_model=_PLACED | {"resources"}, check=_resources),
    Rule(needs=_POOLS, of_model=_PLACED | {"source", "weights"}, check=_disk),
)
