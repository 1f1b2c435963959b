"""Whether a pool's nodes have the CPU, the memory and the disk that a model's pods ask for."""

from collections.abc import Iterator

from settings.base import GIB, MIB, parse_cpu
from settings.disk import CACHES_BYTES, IMAGES_GIB, WEIGHTS_HEADROOM, pod_disk_bytes
from settings.faults import Fault
from settings.models import ModelSettings
from settings.placement import PoolCapacity, format_memory, judged, place, pool_capacities
from settings.rules.rule import Rule
from settings.sidecar import SIDECAR_CPU_MILLICORES, SIDECAR_MEMORY_MIB
from settings.source import SourceScheme, downloads, parse_source, weights_bytes
from settings.stack import StackSettings
from settings.workloads import Workload, workloads

__all__ = ["RULES"]


def _resources(settings: StackSettings) -> Iterator[Fault]:
    """A pod's own requests fit onto a node, and all replicas onto the pool's nodes."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    pool_of = place(settings).pool_of
    for workload in workloads(settings):
        if workload.name not in pool_of:
            continue
        capacity, resources = capacities[pool_of[workload.name]], workload.resources
        allocatable = capacity.instance.allocatable
        path = f"{workload.path}.resources"
        if resources.cpu is not None:
            wanted = parse_cpu(resources.cpu)
            default = f"{capacity.cpu_millicores_for(workload.gpus)}m"
            offered = allocatable.cpu_millicores - (SIDECAR_CPU_MILLICORES if workload.has_sidecar else 0)
            yield from _unfit(f"{path}.cpu", workload, capacity, wanted, offered, "m of CPU", default)
        if resources.memory is not None:
            wanted = -(-resources.memory // MIB)
            default = f"{capacity.memory_bytes_for(workload.gpus) // MIB}Mi"
            offered = allocatable.memory_mib - (SIDECAR_MEMORY_MIB if workload.has_sidecar else 0)
            yield from _unfit(f"{path}.memory", workload, capacity, wanted, offered, "Mi of memory", default)


def _unfit(
    path: str, workload: Workload, capacity: PoolCapacity, wanted: int, offered: int, unit: str, default: str
) -> Iterator[Fault]:
    each = min(offered // wanted, capacity.gpus_per_node // workload.gpus)
    if each * capacity.nodes >= workload.pods:
        return
    problem = f"{wanted}{unit} do not fit onto a node of pool {capacity.name}"
    if each:
        problem = f"{workload.pods} x {wanted}{unit} do not fit onto {capacity.nodes} nodes of pool {capacity.name}"
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
    pool_of = place(settings).pool_of
    for workload in workloads(settings):
        pool = pool_of.get(workload.name)
        if pool is None:
            continue
        model = settings.models[workload.model]
        try:
            weights = weights_bytes(model)
        except ValueError:
            continue
        on_disk = downloads(model)
        if weights is None and on_disk:
            continue
        pods = min(workload.pods, capacities[pool].gpus_per_node // workload.gpus)
        each = -(-pod_disk_bytes(weights if on_disk else None) // GIB)
        images, held = _images_gib(model, weights)
        size = settings.gpu_pools[pool].ephemeral_gib
        if pods * each > size - images:
            caches = f"{CACHES_BYTES // GIB} GiB of caches"
            parts = f"{caches} and {WEIGHTS_HEADROOM} x {format_memory(weights or 0)} of weights" if on_disk else caches
            yield Fault(
                path=f"gpuPools.{pool}.diskSizeGib",
                problem=f"{pods} x {each} GiB for pods of model {workload.name} on one node ({parts} each) do not fit"
                f" into the {size - images} GiB that {held} leave",
                given=str(size),
                allowed=f"{pods * each + images} or more",
            )


def _images_gib(model: ModelSettings, weights: int | None) -> tuple[int, str]:
    """What a node keeps in images, GiB, and in words: weights that are an image are there once, for all pods."""
    if parse_source(model.source).scheme is not SourceScheme.OCI or weights is None:
        return IMAGES_GIB, f"{IMAGES_GIB} GiB of images"
    held = -(-weights // GIB)
    return IMAGES_GIB + held, f"{IMAGES_GIB} GiB of images and {held} GiB of weights in one"


_POOLS = frozenset({"gpuPools", "devicePlugin"})
_PLACED = frozenset({"parallelism", "pool", "replicas", "autoscaling", "prefill"})

RULES = (
    Rule(needs=_POOLS, of_model=_PLACED | {"resources"}, check=_resources),
    Rule(needs=_POOLS, of_model=_PLACED | {"source", "weights", "cache"}, check=_disk),
)
