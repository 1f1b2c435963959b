"""What pods on several nodes speak to each other over: whether nodes, images and roles have it alike."""

from collections.abc import Iterator

from catalog import INSTANCE_TYPES
from engines import ENGINES, Feature
from releases import RELEASES
from settings.faults import Fault
from settings.gpu_pools import EfaAdvertiser, Fabric
from settings.placement import EFA_RESOURCE, judged, place, pool_capacities
from settings.rules.rule import Rule
from settings.rules.sources import pin_of
from settings.stack import StackSettings
from settings.workloads import workloads, workloads_of

__all__ = ["RULES"]


def _pools(settings: StackSettings) -> Iterator[Fault]:
    """The nodes have the fabric that their pool names, and one advertiser of its devices."""
    eks = settings.cluster.eks
    for name, pool in sorted(settings.gpu_pools.items()):
        path, fabric = f"gpuPools.{name}.fabric", pool.spoken_over
        instance = INSTANCE_TYPES.get(pool.instance_type)
        if fabric is Fabric.RDMA and eks is not None:
            yield Fault(
                path=path,
                problem="AWS has neither InfiniBand nor RoCE",
                given=fabric,
                allowed=f"{Fabric.EFA}, {Fabric.NONE}",
            )
        if fabric is Fabric.EFA and not pool.efa and instance is not None:
            if not instance.efa_interfaces:
                allowed = "none, or a type that has EFA"
                yield Fault(path=path, problem=f"{instance.name} has no EFA interface", given=fabric, allowed=allowed)
            elif eks is not None:
                problem = "the pool's nodes would have no EFA interface: nothing attaches one"
                yield Fault(path=path, problem=problem, given=fabric, allowed=f"gpuPools.{name}.efa: true")
        if pool.efa_advertiser is not None and fabric is not Fabric.EFA:
            yield Fault(
                path=f"gpuPools.{name}.efaAdvertiser",
                problem=f"has no meaning with fabric {fabric}",
                given=pool.efa_advertiser,
                allowed="remove the key, or set fabric: efa",
            )
        elif pool.efa_advertiser is EfaAdvertiser.EXTERNAL and eks is not None and eks.existing is None:
            yield Fault(
                path=f"gpuPools.{name}.efaAdvertiser",
                problem="nothing would advertise the EFA interfaces: the cluster is new, and no AMI has a plugin",
                given=pool.efa_advertiser,
                allowed=EfaAdvertiser.DEVICE_PLUGIN,
            )


def _shares(settings: StackSettings) -> Iterator[Fault]:
    """A pod that speaks over EFA gets a whole interface at least."""
    settings = judged(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    pool_of = place(settings).pool_of
    for workload in workloads(settings):
        if not workload.crosses_nodes or workload.name not in pool_of:
            continue
        capacity = capacities[pool_of[workload.name]]
        if capacity.fabric is Fabric.EFA and capacity.fabric_devices(workload.gpus) == (EFA_RESOURCE, 0):
            count = capacity.instance.efa_interfaces
            yield Fault(
                path=f"{workload.path}.parallelism",
                problem=f"a pod of {workload.gpus} of a node's {capacity.gpus_per_node} GPUs has a right to less than"
                f" one of the {count} EFA interfaces of {capacity.instance.name}",
                given=str(workload.gpus),
                allowed=f"GPUs for a whole interface, another type, or gpuPools.{capacity.name}.fabric: none",
            )


def _images(settings: StackSettings) -> Iterator[Fault]:
    """The engine and its image speak EFA where the model's pods are to."""
    settings = judged(settings)
    pool_of = place(settings).pool_of
    for name, model in settings.models.items():
        over_efa = [
            workload
            for workload in workloads_of(name, model)
            if workload.crosses_nodes
            and workload.name in pool_of
            and settings.gpu_pools[pool_of[workload.name]].spoken_over is Fabric.EFA
        ]
        engine = model.engine or settings.engine
        pin = pin_of(settings, model)
        if not over_efa or engine not in ENGINES or pin is None or Feature.LIBFABRIC not in pin.lacks:
            continue
        pool = pool_of[over_efa[0].name]
        yield Fault(
            path=f"models.{name}.image",
            problem=f"image {pin.reference} cannot {Feature.LIBFABRIC.action}: {pin.lacks[Feature.LIBFABRIC]}",
            given=model.image,
            allowed=f"{_able(settings, engine)}; or gpuPools.{pool}.fabric: none, for TCP",
        )


def _able(settings: StackSettings, engine: str) -> str:
    """The images of the line that can, and whatever else there is."""
    release = RELEASES.get(settings.release)
    pins = release.engines[engine].images if release is not None and engine in release.engines else {}
    names = [name for name, pin in sorted(pins.items()) if Feature.LIBFABRIC not in pin.lacks]
    return ", ".join([*names, "an image of your own that holds libfabric"])


def _roles(settings: StackSettings) -> Iterator[Fault]:
    """Prefill and decode speak over one fabric."""
    settings = judged(settings)
    pool_of = place(settings).pool_of
    for name, model in settings.models.items():
        pools = [pool_of[item.name] for item in workloads_of(name, model) if item.name in pool_of]
        if model.prefill is None or len(set(pools)) < 2:  # noqa: PLR2004 - the two roles
            continue
        decode, prefill = pools
        fabrics = [settings.gpu_pools[pool].spoken_over for pool in pools]
        if fabrics[0] is not fabrics[1]:
            yield Fault(
                path=f"models.{name}.prefill.pool",
                problem=f"pool {prefill} has fabric {fabrics[1]}, but decode's pool {decode} has {fabrics[0]}: the"
                " roles would not reach each other",
                given=prefill,
                allowed=f"a pool of fabric {fabrics[0]}, such as {decode}",
            )
        elif fabrics[0] is Fabric.EFA and settings.cluster.eks is not None:
            yield Fault(
                path=f"models.{name}.prefill.pool",
                problem="EFA does not leave a pool: each pool's interfaces admit those of their own security group",
                given=prefill,
                allowed=f"{decode}, as for decode",
            )


_PLACED = frozenset({"cluster", "gpuPools", "devicePlugin"})
_OF_MODEL = frozenset({"parallelism", "pool", "replicas", "autoscaling", "prefill"})

RULES = (
    Rule(needs=frozenset({"cluster", "gpuPools"}), check=_pools),
    Rule(needs=_PLACED, of_model=_OF_MODEL, check=_shares),
    Rule(needs=_PLACED | {"release", "engine", "engines"}, of_model=_OF_MODEL | {"engine", "image"}, check=_images),
    Rule(needs=_PLACED, of_model=_OF_MODEL, check=_roles),
)
