"""KarpenterNodePool: the other way to a pool of GPU nodes, as a NodePool and an EC2NodeClass of Karpenter.

It owns the two objects and, with EFA, the security group of its nodes. It does not own the controller, which has to run
in the cluster, nor the nodes' role. Karpenter makes nodes for pods that wait and takes them away when they are empty;
it holds none in reserve. Fields as in Karpenter 1.14 (`networkInterfaces` since 1.11, aws/karpenter-provider-aws#9027).

    KarpenterNodePool("cluster-h100", KarpenterNodePoolArgs(spec=..., ...), ResourceOptions(parent=..., provider=...))
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from catalog import AmiFamily
from components.aws_nodes import METADATA_OPTIONS
from components.aws_plan import create_all_aws
from components.gpu_node_pool import GpuNodePoolSpec
from components.gpu_node_pool.launch_template import EFA_GROUP, network_interfaces, user_data
from components.gpu_node_pool.objects import efa_group
from components.objects import create
from settings.eks_pools import Capacity, LocalStorage

__all__ = ["KarpenterNodePool", "KarpenterNodePoolArgs", "build"]

_CAPACITY_TYPES = {Capacity.ON_DEMAND: "on-demand", Capacity.SPOT: "spot"}
_RESERVED = "reserved"

# A model takes long to load: a node that is empty for a moment between two rollouts is kept.
_EMPTY_FOR = "300s"

# Draining ends when the last pod has ended, and a server that drains takes its grace period for that.
_DELETE_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class KarpenterNodePoolArgs:
    """A pool in its place."""

    spec: GpuNodePoolSpec
    """The pool."""
    node_role: str
    """Name of the IAM role of its nodes."""
    subnet_ids: Sequence[str]
    """Private subnets, one per zone of the pool."""
    security_group_id: str
    """The cluster's security group."""
    vpc_id: str
    """VPC of the cluster, for the group of EFA traffic."""


class KarpenterNodePool(pulumi.ComponentResource):
    """A pool of GPU nodes that Karpenter makes."""

    node_pool_name: pulumi.Output[str]
    """Name of the NodePool."""

    def __init__(self, name: str, args: KarpenterNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        summary = {"pool": args.spec.pool, "instanceType": args.spec.instance.name, "maxSize": args.spec.max_size}
        super().__init__("llmd:index:KarpenterNodePool", name, summary, opts)
        group = create_all_aws(name, efa_group(args.spec, args.vpc_id), self) if args.spec.efa else {}
        objects = build(args, group[EFA_GROUP].id if group else None)
        slow = pulumi.CustomTimeouts(delete=f"{_DELETE_SECONDS}s")
        own = pulumi.ResourceOptions(parent=self, custom_timeouts=slow)
        node_class = create(f"{name}-class", objects["class"], own)
        # The pool goes first: Karpenter drains its nodes by their class.
        create(
            name, objects["pool"], pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(depends_on=[node_class]))
        )
        self.node_pool_name = pulumi.Output.from_input(args.spec.pool)
        self.register_outputs({"node_pool_name": self.node_pool_name})


def build(args: KarpenterNodePoolArgs, efa_group_id: pulumi.Input[str] | None = None) -> dict[str, dict[str, Any]]:
    """NodePool and EC2NodeClass.

    Args:
        args: The pool.
        efa_group_id: Security group of its EFA traffic; the nodes' interfaces are in it and in the cluster's.
    """
    groups = [args.security_group_id, *([] if efa_group_id is None else [efa_group_id])]
    return {
        "class": {
            "apiVersion": "karpenter.k8s.aws/v1",
            "kind": "EC2NodeClass",
            "metadata": {"name": args.spec.pool},
            "spec": _class_spec(args, groups),
        },
        "pool": {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": args.spec.pool},
            "spec": _pool_spec(args.spec),
        },
    }


def _class_spec(args: KarpenterNodePoolArgs, groups: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    spec = args.spec
    disk = {
        "volumeType": "gp3",
        "volumeSize": f"{spec.disk_size_gib}Gi",
        "encrypted": True,
        "deleteOnTermination": True,
    }
    device = "/dev/xvdb" if spec.ami.family is AmiFamily.BOTTLEROCKET else "/dev/xvda"
    content: dict[str, Any] = {
        "amiSelectorTerms": [{"alias": _alias(spec)}],
        "role": args.node_role,
        "subnetSelectorTerms": [{"id": subnet} for subnet in args.subnet_ids],
        "securityGroupSelectorTerms": [{"id": group} for group in groups],
        "metadataOptions": dict(METADATA_OPTIONS),
        "blockDeviceMappings": [{"deviceName": device, "ebs": disk}],
        "tags": dict(spec.tags),
    }
    if spec.local_storage is LocalStorage.RAID0:
        content["instanceStorePolicy"] = "RAID0"
    if spec.efa:
        content["networkInterfaces"] = network_interfaces(spec.instance)
        if spec.ami.family is AmiFamily.AL2023:
            # Karpenter adds how to join, and joins the disks of itself.
            content["userData"] = user_data(replace(spec, local_storage=LocalStorage.NONE))
    if spec.reservation_id is not None:
        content["capacityReservationSelectorTerms"] = [{"id": spec.reservation_id}]
    return content


def _alias(spec: GpuNodePoolSpec) -> str:
    """Karpenter's name of a pinned AMI: `al2023@v20260810`, `bottlerocket@v1.63.0`."""
    if spec.ami.family is AmiFamily.BOTTLEROCKET:
        return f"bottlerocket@v{spec.release_version.partition('-')[0]}"
    return f"al2023@v{spec.release_version.rpartition('-')[2]}"


def _pool_spec(spec: GpuNodePoolSpec) -> dict[str, Any]:
    def requirement(key: str, *values: str) -> dict[str, Any]:
        return {"key": key, "operator": "In", "values": list(values)}

    requirements = [
        requirement("node.kubernetes.io/instance-type", spec.instance.name),
        requirement("karpenter.sh/capacity-type", _CAPACITY_TYPES.get(spec.capacity, _RESERVED)),
        requirement("topology.kubernetes.io/zone", *spec.zones),
        requirement("kubernetes.io/arch", str(spec.instance.architecture)),
    ]
    template = {
        "metadata": {"labels": dict(sorted(spec.labels.items()))},
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": spec.pool},
            "requirements": requirements,
            "taints": [{"key": key, "value": value, "effect": effect} for key, value, effect in sorted(spec.taints)],
            # Nodes end when their AMI changes, not after a month: a rollout of models is the operator's to plan.
            "expireAfter": "Never",
        },
    }
    is_block = spec.capacity is Capacity.CAPACITY_BLOCK
    return {
        "template": template,
        "limits": {"nvidia.com/gpu": str(spec.max_size * spec.instance.gpu_count)},
        "disruption": {
            "consolidationPolicy": "WhenEmpty",
            # A block is paid for whether a node runs or not.
            "consolidateAfter": "Never" if is_block else _EMPTY_FOR,
        },
    }
