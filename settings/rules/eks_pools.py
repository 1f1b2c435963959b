"""GPU pools that EKS is to make: AMI, capacity, network interfaces, disks, and whether models find their nodes."""

from collections.abc import Iterator

from catalog import AMI_TYPES, INSTANCE_TYPES, AmiType, InstanceType, driver_branch, nearest
from releases import RELEASES
from settings.cluster import LayerName
from settings.eks import EksSettings
from settings.eks_pools import Capacity, LocalStorage, PlacementGroup, PoolAutoscaler, Provisioner
from settings.faults import Fault
from settings.gpu_pools import Advertiser, GpuPoolSettings
from settings.placement import judged, nodes_needed, place, pool_capacities
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["DEFAULT_AMI_TYPE", "RULES"]

DEFAULT_AMI_TYPE = "AL2023_x86_64_NVIDIA"
"""The AMI of a pool that names none."""

# EKS keeps these for itself; it refuses a node group with such a label.
_RESERVED_LABELS = ("kubernetes.io", "k8s.io", "eks.amazonaws.com")


def _each(settings: StackSettings) -> Iterator[tuple[str, GpuPoolSettings, InstanceType, EksSettings]]:
    eks = settings.cluster.eks
    for name, pool in sorted(settings.gpu_pools.items()):
        instance = INSTANCE_TYPES.get(pool.instance_type)
        if eks is not None and instance is not None:
            yield f"gpuPools.{name}", pool, instance, eks


def _ami_types(settings: StackSettings) -> Iterator[Fault]:
    for path, pool, instance, _ in _each(settings):
        name = pool.ami_type or DEFAULT_AMI_TYPE
        allowed = ", ".join(ami.name for ami in AMI_TYPES.values() if ami.architecture is instance.architecture)
        ami = AMI_TYPES.get(name)
        problem = None
        if name.startswith("AL2_"):
            problem = "Amazon Linux 2 ended with Kubernetes 1.32: EKS publishes no such AMI any more"
        elif ami is None:
            problem = "is no EKS AMI with NVIDIA's driver"
        elif ami.architecture is not instance.architecture:
            problem = f"is for {ami.architecture} nodes, but {instance.name} has {instance.architecture} CPUs"
        if problem is not None:
            yield Fault(
                path=f"{path}.amiType",
                problem=problem,
                given=name,
                allowed=allowed,
                nearest=None if name in AMI_TYPES else nearest(name, list(AMI_TYPES)),
            )
        elif ami is not None and instance.family not in ami.instance_families:
            yield Fault(
                path=f"{path}.instanceType",
                problem=f"EKS' AMI {name} has no driver for the GPUs of family {instance.family}",
                given=instance.name,
                allowed=", ".join(sorted(ami.instance_families)),
            )


def _ami(pool: GpuPoolSettings) -> AmiType | None:
    return AMI_TYPES.get(pool.ami_type or DEFAULT_AMI_TYPE)


def _releases(settings: StackSettings) -> Iterator[Fault]:
    """The AMI is pinned, and its driver serves the images of the release line."""
    for pool_path, pool, _, eks in _each(settings):
        ami = _ami(pool)
        if ami is None:
            continue
        path = f"{pool_path}.releaseVersion"
        example = "1.63.0-a3e8bda1" if ami.has_device_plugin else f"{eks.version}.1-20260810"
        if pool.release_version is None:
            problem = f"is required: without a pinned release of {ami.name} an `up` may roll the nodes"
            yield Fault(path=path, problem=problem, allowed=f"a release such as {example}")
        elif not ami.is_release_version(pool.release_version, eks.version):
            yield Fault(
                path=path,
                problem=f"is no release of {ami.name} for Kubernetes {eks.version}",
                given=pool.release_version,
                allowed=f"a release such as {example}",
            )
        else:
            yield from _driver(settings, path, ami, pool.release_version, eks.version)


def _driver(settings: StackSettings, path: str, ami: AmiType, release_version: str, version: str) -> Iterator[Fault]:
    release = RELEASES.get(settings.release)
    wanted = None if release is None else release.minimum_nvidia_driver
    found = driver_branch(ami, release_version, version)
    if wanted is not None and found < wanted:
        yield Fault(
            path=path,
            problem=f"has NVIDIA driver {found}, but the images of release line {settings.release} need {wanted}",
            given=release_version,
            allowed="a release of the AMI with that driver: AL2023 from 20251120 on, Bottlerocket from 1.34 on",
        )


def _advertisers(settings: StackSettings) -> Iterator[Fault]:
    """Exactly one advertises a node's GPUs, and its AMI says who may."""
    for path, pool, _, eks in _each(settings):
        ami = _ami(pool)
        if ami is None:
            continue
        given = pool.advertised_by
        if ami.has_device_plugin and given is not Advertiser.EXTERNAL:
            problem = f"would be the second one: {ami.name} has a device plugin built in"
            yield Fault(path=f"{path}.advertiser", problem=problem, given=given, allowed=Advertiser.EXTERNAL)
        if not ami.has_device_plugin and given is Advertiser.EXTERNAL and eks.existing is None:
            yield Fault(
                path=f"{path}.advertiser",
                problem=f"nothing would advertise the GPUs: {ami.name} has no device plugin, and the cluster is new",
                given=given,
                allowed=f"{Advertiser.DEVICE_PLUGIN}, {Advertiser.GPU_OPERATOR}",
            )
        if pool.mig_profile is not None and given is not Advertiser.GPU_OPERATOR:
            yield Fault(
                path=f"{path}.migProfile",
                problem=f"nothing on {ami.name} cuts GPUs into slices; the GPU operator's MIG manager does",
                given=pool.mig_profile,
                allowed=f"advertiser: {Advertiser.GPU_OPERATOR}",
            )


def _capacities(settings: StackSettings) -> Iterator[Fault]:
    for path, pool, instance, _ in _each(settings):
        reserved = pool.capacity.is_reserved
        if reserved and pool.reservation_id is None:
            problem = f"is required by capacity {pool.capacity}"
            yield Fault(path=f"{path}.reservationId", problem=problem, allowed="the reservation's id, cr-...")
        if not reserved and pool.reservation_id is not None:
            yield Fault(
                path=f"{path}.capacity",
                problem=f"{pool.capacity} draws on no reservation, but reservationId names one",
                given=pool.capacity,
                allowed=f"{Capacity.CAPACITY_BLOCK}, {Capacity.RESERVATION}",
            )
        if reserved and pool.placement_group is PlacementGroup.CLUSTER:
            yield Fault(
                path=f"{path}.placementGroup",
                problem="a reservation that was not made in the group finds no capacity in it",
                given=PlacementGroup.CLUSTER,
                allowed=PlacementGroup.NONE,
            )
        if pool.local_storage is LocalStorage.RAID0 and not instance.local_nvme_gb:
            yield Fault(
                path=f"{path}.localStorage",
                problem=f"{instance.name} has no NVMe disks",
                given=LocalStorage.RAID0,
                allowed=LocalStorage.NONE,
            )
        if pool.provisioner is Provisioner.KARPENTER and pool.autoscaler is not PoolAutoscaler.NONE:
            problem = "a second autoscaler beside Karpenter"
            yield Fault(path=f"{path}.autoscaler", problem=problem, given=pool.autoscaler, allowed=PoolAutoscaler.NONE)


def _zones(settings: StackSettings) -> Iterator[Fault]:
    """The pool's zones are the network's, and one where the hardware asks for one."""
    for path, pool, instance, eks in _each(settings):
        known = eks.network.zone_names
        for zone in pool.zones:
            if zone not in known:
                yield Fault(
                    path=f"{path}.zones",
                    problem=f"there is no subnet in {zone}",
                    given=zone,
                    allowed=", ".join(known),
                    nearest=nearest(zone, list(known)),
                )
        if pool.efa and not instance.efa_interfaces:
            problem = f"{instance.name} has no EFA interface"
            allowed = "false, or a type that has EFA"
            yield Fault(path=f"{path}.efa", problem=problem, given="true", allowed=allowed)
        reasons = (
            ("EFA does not cross zones", pool.efa),
            ("a reservation is in one zone", pool.capacity.is_reserved),
            ("a placement group is in one zone", pool.placement_group is PlacementGroup.CLUSTER),
        )
        wanted = [reason for reason, applies in reasons if applies]
        zones = pool.zones or known
        if wanted and len(set(zones)) != 1:
            yield Fault(
                path=f"{path}.zones",
                problem=f"must be exactly one: {', '.join(wanted)}",
                given=", ".join(zones),
                allowed="one zone",
            )


def _labels(settings: StackSettings) -> Iterator[Fault]:
    for path, pool, _, _ in _each(settings):
        for key in sorted(pool.node_selector or {}):
            domain = key.rpartition("/")[0]
            if any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED_LABELS):
                yield Fault(
                    path=f"{path}.nodeSelector",
                    problem=f"{key} is not a label that a node group may set on its nodes",
                    given=key,
                    allowed="a label of a domain of yours, such as example.com/pool",
                )


def _desired(settings: StackSettings) -> Iterator[Fault]:
    """Models find nodes: without an autoscaler there are as many as the stack asks for."""
    settings = judged(settings)
    if settings.cluster.eks is None or LayerName.SERVING not in settings.owned_layers:
        return
    placement = place(settings)
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    for name in sorted(set(placement.pool_of.values())):
        pool = settings.gpu_pools[name]
        if pool.autoscaler is not PoolAutoscaler.NONE or pool.provisioner is Provisioner.KARPENTER:
            continue
        desired = pool.min_size if pool.desired_size is None else pool.desired_size
        needed = nodes_needed(settings, placement, capacities[name])
        if needed > desired:
            yield Fault(
                path=f"gpuPools.{name}.desiredSize",
                problem=f"the models on pool {name} need {needed} nodes, and without an autoscaler no more come",
                given=str(desired),
                allowed=f"{needed} or more, up to maxSize {pool.max_size}; or autoscaler: cluster-autoscaler",
            )


_POOLS = frozenset({"cluster", "gpuPools"})

RULES = (
    Rule(needs=_POOLS, check=_ami_types),
    Rule(needs=_POOLS | {"release"}, check=_releases),
    Rule(needs=_POOLS, check=_advertisers),
    Rule(needs=_POOLS, check=_capacities),
    Rule(needs=_POOLS, check=_zones),
    Rule(needs=_POOLS, check=_labels),
    Rule(
        needs=_POOLS | {"devicePlugin", "layers"},
        of_model=frozenset({"parallelism", "pool", "replicas", "autoscaling", "prefill"}),
        check=_desired,
    ),
)
