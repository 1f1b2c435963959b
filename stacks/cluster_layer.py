"""ClusterLayer: network, EKS cluster and GPU node pools, each made here or taken as it is.

In the order that does not deadlock: network, control plane, network add-ons, system pool, other add-ons; GPU pools once
a node can join. It builds the Kubernetes provider of a cluster that it makes, and hands it out: what the other layers
deploy depends on it, so a destroy takes workloads first, then Karpenter's pools, then nodes, then the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.eks_cluster import EksCluster, EksClusterArgs
from components.gpu_node_pool import GpuNodePool, GpuNodePoolArgs, PoolPlace
from components.gpu_node_pool import summarize as summarize_pool
from components.karpenter_node_pool import KarpenterNodePool, KarpenterNodePoolArgs
from components.network import Network
from components.objects import create
from stacks.cluster_plan import ClusterPlan
from stacks.provider import build_eks_provider

__all__ = ["GP3_CLASS", "ClusterLayer", "ClusterLayerArgs"]

GP3_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp3", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "ebs.csi.aws.com",
    "parameters": {"type": "gp3", "encrypted": "true"},
    # A disk is made in the zone of the pod that asks for it.
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
    "reclaimPolicy": "Delete",
}


@dataclass(frozen=True, kw_only=True)
class ClusterLayerArgs:
    """What to make of a cluster."""

    plan: ClusterPlan
    """The plan."""
    provider: kubernetes.Provider | None
    """Kubernetes provider of a cluster that is there; `None` where the layer makes it, and the provider with it."""
    provider_version: str | None
    """Version of the Kubernetes provider plugin."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The cluster as its pools see it."""

    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnets: Mapping[str, pulumi.Input[str]]
    security_group_id: pulumi.Input[str] | None

    def of(self, zones: Sequence[str]) -> PoolPlace:
        return PoolPlace(
            cluster_name=self.cluster_name,
            node_role_arn=self.node_role_arn,
            vpc_id=self.vpc_id,
            subnet_ids=[self.subnets[zone] for zone in zones],
            security_group_id=self.security_group_id,
        )


class ClusterLayer(pulumi.ComponentResource):
    """A cluster with GPU nodes."""

    kubeconfig: pulumi.Output[str | None]
    """How to reach a cluster that this layer made; no secret is in it."""
    identifier: pulumi.Output[str | None]
    """ARN of a cluster that this layer made."""

    def __init__(self, name: str, args: ClusterLayerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:ClusterLayer", name, summarize(args.plan), opts)
        own = pulumi.ResourceOptions(parent=self)
        plan = args.plan
        vpc_id, subnets = _network(name, plan, own)
        cluster = _cluster(name, plan, subnets, own)
        place = _place(plan, cluster, vpc_id, subnets)
        groups = [
            GpuNodePool(f"{name}-{pool}", GpuNodePoolArgs(spec=spec, place=place.of(spec.zones)), own)
            for pool, spec in plan.pools.items()
        ]
        self.provider = args.provider or _provider(cluster, args.provider_version, own)
        inside = pulumi.ResourceOptions(parent=self, provider=self.provider)
        if cluster is not None:
            create(f"{name}-gp3", GP3_CLASS, inside)
        # Karpenter's controller runs on nodes of a group: its pools go first.
        after_groups = pulumi.ResourceOptions(parent=self, provider=self.provider, depends_on=groups)
        _karpenter_pools(name, plan, after_groups)
        self.kubeconfig = pulumi.Output.from_input(cluster.kubeconfig if cluster else None)
        self.identifier = pulumi.Output.from_input(cluster.arn if cluster else None)
        self.register_outputs({"kubeconfig": self.kubeconfig, "identifier": self.identifier})


def summarize(plan: ClusterPlan) -> dict[str, object]:
    """The plan of this layer as plain data: known in the first preview."""
    pools = {name: summarize_pool(spec) for name, spec in sorted({**plan.pools, **plan.karpenter_pools}.items())}
    return {
        "cluster": plan.eks.name,
        "region": plan.eks.region,
        "version": plan.eks.version,
        "isNew": plan.cluster is not None,
        "pools": pools,
    }


def _network(
    name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Input[str], Mapping[str, pulumi.Input[str]]]:
    """VPC, and private subnet by zone."""
    if plan.network is None:
        there = plan.existing_network
        assert there is not None  # noqa: S101 - the settings have one of the two
        return there.vpc_id, there.subnets
    network = Network(f"{name}-network", plan.network, opts)
    return network.vpc_id, {zone: network.private_subnet_ids[zone] for zone in plan.network.zones}


def _cluster(
    name: str, plan: ClusterPlan, subnets: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> EksCluster | None:
    if plan.cluster is None:
        return None
    args = EksClusterArgs(spec=plan.cluster, subnet_ids=[subnets[zone] for zone in sorted(subnets)])
    return EksCluster(f"{name}-eks", args, opts)


def _place(
    plan: ClusterPlan,
    cluster: EksCluster | None,
    vpc_id: pulumi.Input[str],
    subnets: Mapping[str, pulumi.Input[str]],
) -> _Place:
    if cluster is not None:
        return _Place(
            cluster_name=cluster.name,
            node_role_arn=cluster.node_role_arn,
            vpc_id=vpc_id,
            subnets=subnets,
            security_group_id=cluster.security_group_id,
        )
    there = plan.eks.existing
    assert there is not None  # noqa: S101 - a cluster is new or there
    return _Place(
        cluster_name=plan.eks.name,
        node_role_arn=there.node_role_arn,
        vpc_id=vpc_id,
        subnets=subnets,
        security_group_id=there.security_group,
    )


def _provider(cluster: EksCluster | None, version: str | None, opts: pulumi.ResourceOptions) -> kubernetes.Provider:
    assert cluster is not None  # noqa: S101 - without a cluster of its own the layer is given a provider
    return build_eks_provider(cluster.kubeconfig, cluster.arn, version, opts)


def _karpenter_pools(name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions) -> None:
    there, karpenter, network = plan.eks.existing, plan.eks.karpenter, plan.existing_network
    if there is None or karpenter is None or network is None:
        return
    for pool, spec in plan.karpenter_pools.items():
        args = KarpenterNodePoolArgs(
            spec=spec,
            node_role=karpenter.node_role,
            subnet_ids=[network.subnets[zone] for zone in spec.zones],
            security_group_id=there.security_group or "",
            vpc_id=network.vpc_id,
        )
        KarpenterNodePool(f"{name}-{pool}", args, opts)
