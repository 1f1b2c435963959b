"""From settings to the cluster layer's plan, as plain data; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog import AMI_TYPES, INSTANCE_TYPES
from components.eks_cluster import EksClusterSpec
from components.gpu_node_pool import GpuNodePoolSpec
from components.network import NetworkArgs
from settings import StackSettings
from settings.cluster import LayerName
from settings.eks import EksSettings, ExistingNetwork, NatGateways
from settings.eks_pools import Provisioner
from settings.gpu_pools import Advertiser, GpuPoolSettings
from settings.rules.eks_pools import DEFAULT_AMI_TYPE

__all__ = ["ClusterPlan", "plan_cluster"]

_GPU_PRESENT = "nvidia.com/gpu.present"
_MIG_CONFIG = "nvidia.com/mig.config"
_INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterPlan:
    """The cluster layer of a stack."""

    eks: EksSettings
    """Region, and what an existing cluster hands out."""
    network: NetworkArgs | None
    """A network of its own; `None` where it is there."""
    existing_network: ExistingNetwork | None
    """The network that is there."""
    cluster: EksClusterSpec | None
    """A cluster of its own; `None` where it is there."""
    pools: Mapping[str, GpuNodePoolSpec]
    """Managed node groups by pool."""
    karpenter_pools: Mapping[str, GpuNodePoolSpec]
    """Karpenter's pools."""


def plan_cluster(settings: StackSettings) -> ClusterPlan | None:
    """The plan of validated settings; `None` for a stack that has no cluster layer."""
    eks = settings.cluster.eks
    if eks is None or LayerName.CLUSTER not in settings.owned_layers:
        return None
    pools = {name: _pool(name, pool, eks) for name, pool in sorted(settings.gpu_pools.items())}
    by_karpenter = {name for name, pool in settings.gpu_pools.items() if pool.provisioner is Provisioner.KARPENTER}
    return ClusterPlan(
        eks=eks,
        network=_network(eks),
        existing_network=eks.network.existing,
        cluster=_cluster(eks) if eks.existing is None else None,
        pools={name: spec for name, spec in pools.items() if name not in by_karpenter},
        karpenter_pools={name: spec for name, spec in pools.items() if name in by_karpenter},
    )


def _network(eks: EksSettings) -> NetworkArgs | None:
    if eks.network.existing is not None:
        return None
    return NetworkArgs(
        cidr=eks.network.cidr,
        zones=eks.network.zone_names,
        region=eks.region,
        nat_per_zone=eks.network.nat_gateways is NatGateways.PER_ZONE,
        cluster=eks.name,
        tags=eks.tags,
    )


def _cluster(eks: EksSettings) -> EksClusterSpec:
    system = eks.system_pool
    return EksClusterSpec(
        name=eks.name,
        region=eks.region,
        version=eks.version,
        public_access_cidrs=eks.public_access_cidrs,
        administrators=eks.administrators,
        secrets_key_arn=eks.secrets_key_arn,
        deletion_protection=eks.deletion_protection,
        extended_support=eks.extended_support,
        system_instance_types=system.instance_types,
        system_sizes=(system.min_size, system.max_size),
        system_release_version=system.release_version,
        addon_versions=eks.addon_versions,
        tags=eks.tags,
    )


def _pool(name: str, pool: GpuPoolSettings, eks: EksSettings) -> GpuNodePoolSpec:
    taint = pool.taint
    return GpuNodePoolSpec(
        pool=name,
        instance=INSTANCE_TYPES[pool.instance_type],
        ami=AMI_TYPES[pool.ami_type or DEFAULT_AMI_TYPE],
        release_version=pool.release_version or "",
        min_size=pool.min_size,
        desired_size=pool.min_size if pool.desired_size is None else pool.desired_size,
        max_size=pool.max_size,
        capacity=pool.capacity,
        reservation_id=pool.reservation_id,
        zones=tuple(sorted(pool.zones)) or eks.network.zone_names,
        efa=pool.efa,
        local_storage=pool.local_storage,
        placement_group=pool.placement_group,
        autoscaler=pool.autoscaler,
        disk_size_gib=pool.disk_size_gib,
        labels=_labels(pool),
        taints=() if taint is None else ((taint.key, taint.value, str(taint.effect)),),
        tags=eks.tags,
    )


def _labels(pool: GpuPoolSettings) -> dict[str, str]:
    """What models and device plugin select the pool's nodes by, and what the node's own tools wait for."""
    labels = {key: value for key, value in (pool.node_selector or {}).items() if key != _INSTANCE_TYPE_LABEL}
    # nodeadm sets it from Kubernetes 1.35 on, and to the same; before, the device plugin's chart found no node without.
    labels[_GPU_PRESENT] = "true"
    if pool.mig_profile is not None and pool.advertised_by is Advertiser.GPU_OPERATOR:
        # The operator's MIG manager cuts the GPUs as this label says; its layouts are named like that.
        labels[_MIG_CONFIG] = f"all-{pool.mig_profile}"
    return labels
