"""EksCluster: a control plane, its add-ons, and a pool of nodes without GPUs for everything that is no model server.

Private by default: a public endpoint only where networks are named for it. Access by access entries alone, Secrets
encrypted by a key of its own, all logs on. It hands out a kubeconfig without a secret in it and an identifier that no
edit of the kubeconfig changes; providers are built elsewhere. It does not own the network, GPU nodes, or anything in
Kubernetes.

    EksCluster("cluster", EksClusterArgs(spec=..., subnet_ids=[...]), ResourceOptions(parent=...))
"""

import pulumi

from components.aws_plan import create_all_aws
from components.eks_cluster.args import EksClusterArgs, EksClusterSpec
from components.eks_cluster.kubeconfig import kubeconfig
from components.eks_cluster.objects import ADDONS_BEFORE_NODES, NODE_ROLE, build

__all__ = ["EksCluster", "EksClusterArgs", "EksClusterSpec", "build", "kubeconfig", "summarize"]


class EksCluster(pulumi.ComponentResource):
    """A cluster on EKS that takes nodes."""

    name: pulumi.Output[str]
    """Name of the cluster, known once it takes nodes: its network add-ons are there."""
    arn: pulumi.Output[str]
    """Its ARN, which identifies it whatever its kubeconfig says."""
    kubeconfig: pulumi.Output[str]
    """How to reach it; the token comes from `aws eks get-token` at each use."""
    node_role_arn: pulumi.Output[str]
    """Role for nodes, which has its rights."""
    security_group_id: pulumi.Output[str]
    """The security group that EKS made for control plane and nodes."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:EksCluster", name, summarize(args.spec), opts)
        made = create_all_aws(name, build(args), self)
        cluster = made[""]
        # Whoever uses these waits for what stands behind them, without naming it.
        ready = [made[f"addon-{addon}"].id for addon in ADDONS_BEFORE_NODES]
        rights = [made[f"{NODE_ROLE}-{policy}"].id for policy in ("worker", "registry")]
        self.name = pulumi.Output.all(cluster.name, *ready).apply(lambda values: values[0])
        self.arn = cluster.arn
        self.kubeconfig = pulumi.Output.all(cluster.arn, cluster.endpoint, cluster.certificate_authority.data).apply(
            lambda values: kubeconfig(args.spec, arn=values[0], endpoint=values[1], authority=values[2])
        )
        self.node_role_arn = pulumi.Output.all(made[NODE_ROLE].arn, *rights).apply(lambda values: values[0])
        self.security_group_id = cluster.vpc_config.cluster_security_group_id
        self.register_outputs(
            {
                "name": self.name,
                "arn": self.arn,
                "kubeconfig": self.kubeconfig,
                "node_role_arn": self.node_role_arn,
                "security_group_id": self.security_group_id,
            }
        )


def summarize(spec: EksClusterSpec) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "name": spec.name,
        "region": spec.region,
        "version": spec.version,
        "publicAccessCidrs": sorted(spec.public_access_cidrs),
        "administrators": list(spec.administrators),
        "deletionProtection": spec.deletion_protection,
        "supportType": "EXTENDED" if spec.extended_support else "STANDARD",
    }
