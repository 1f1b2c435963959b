"""The cluster on EKS: its version, its network, and what its pools draw on."""

from collections.abc import Iterator

from catalog import EKS_VERSIONS, VERSIONS_AS_OF, is_in_support
from settings.controllers import Controller
from settings.eks import EksSettings
from settings.eks_pools import Provisioner
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _version(settings: StackSettings) -> Iterator[Fault]:
    """A new cluster starts in standard support; a live one is the policy pack's to judge, for plans have no clock."""
    eks = settings.cluster.eks
    if eks is None:
        return
    allowed = ", ".join(version for version in EKS_VERSIONS if is_in_support(version))
    path = "cluster.eks.version"
    if eks.version not in EKS_VERSIONS:
        problem = f"is not in the table of EKS versions of {VERSIONS_AS_OF}"
        yield Fault(path=path, problem=problem, given=eks.version, allowed=allowed)
    elif eks.existing is None and not eks.extended_support and not is_in_support(eks.version):
        yield Fault(
            path=path,
            problem=f"left standard support on {EKS_VERSIONS[eks.version]} (table of {VERSIONS_AS_OF}): a new cluster"
            " would be upgraded at once or cost the surcharge",
            given=eks.version,
            allowed=f"{allowed}; or extendedSupport: true",
        )


def _network(settings: StackSettings) -> Iterator[Fault]:
    eks = settings.cluster.eks
    if eks is None:
        return
    network = eks.network
    where = "zones" if network.existing is None else "existing.subnets"
    for zone in network.zone_names:
        if not _is_in(zone, eks):
            yield Fault(
                path=f"cluster.eks.network.{where}",
                problem=f"{zone} is not a zone of region {eks.region}",
                given=zone,
                allowed=f"{eks.region}a to {eks.region}f",
            )
    if eks.existing is None and len(network.zone_names) < 2:  # noqa: PLR2004 - EKS' own minimum
        yield Fault(
            path=f"cluster.eks.network.{where}",
            problem="a new cluster needs subnets in two zones at least",
            given=", ".join(network.zone_names),
        )
    if eks.existing is not None and network.existing is None:
        yield Fault(
            path="cluster.eks.network.zones",
            problem="would make a VPC, but the cluster is there and so is its network",
            given=", ".join(network.zones),
            allowed="cluster.eks.network.existing",
        )


def _is_in(zone: str, eks: EksSettings) -> bool:
    return zone[:-1] == eks.region


def _pools_of_an_existing_cluster(settings: StackSettings) -> Iterator[Fault]:
    eks = settings.cluster.eks
    if eks is None:
        return
    for name, pool in sorted(settings.gpu_pools.items()):
        path = f"gpuPools.{name}"
        is_karpenter = pool.provisioner is Provisioner.KARPENTER
        if eks.existing is not None and eks.existing.security_group is None and (pool.efa or is_karpenter):
            yield Fault(
                path="cluster.eks.existing.securityGroup",
                problem=f"is required by pool {name}: its nodes' interfaces have to name the cluster's security group",
            )
        if is_karpenter and eks.existing is None:
            yield Fault(
                path=f"{path}.provisioner",
                problem="needs Karpenter in the cluster, but this stack only makes the cluster",
                given=Provisioner.KARPENTER,
                allowed=f"{Provisioner.MANAGED_NODE_GROUP}; or a stack of its own with cluster.eks.existing, once"
                " Karpenter runs",
            )
        elif is_karpenter and settings.controllers.karpenter is Controller.NONE:
            yield Fault(
                path="controllers.karpenter",
                problem=f"nobody would make nodes of pool {name}: the stack makes Karpenter's objects, not Karpenter",
                given=Controller.NONE,
                allowed=f"{Controller.EXISTING}, where the cluster has it; or gpuPools.{name}.provisioner:"
                f" {Provisioner.MANAGED_NODE_GROUP}",
            )
        if is_karpenter and (pool.min_size or pool.desired_size):
            yield Fault(
                path=f"{path}.minSize",
                problem="Karpenter makes nodes for pods that wait and holds none in reserve",
                given=str(pool.desired_size or pool.min_size),
                allowed="0, and no desiredSize",
            )
        if is_karpenter and eks.karpenter is None:
            problem = f"is required by pool {name}: Karpenter's nodes need an IAM role"
            yield Fault(path="cluster.eks.karpenter", problem=problem)


_EKS = frozenset({"cluster"})

RULES = (
    Rule(needs=_EKS, check=_version),
    Rule(needs=_EKS, check=_network),
    Rule(needs=_EKS | {"gpuPools", "controllers.karpenter"}, check=_pools_of_an_existing_cluster),
)
