"""The resources of a GpuNodePool, as data; pure."""

from typing import Any

import pulumi

from components.aws_plan import AwsResource, Ref
from components.gpu_node_pool.args import GpuNodePoolArgs, GpuNodePoolSpec
from components.gpu_node_pool.launch_template import EFA_GROUP, PLACEMENT_GROUP, launch_template
from settings.eks_pools import Capacity, PlacementGroup, PoolAutoscaler

__all__ = ["build", "efa_group", "node_group"]

TEMPLATE = "template"

# Kubernetes' words to the EKS API's.
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
_CAPACITY_TYPES = {
    Capacity.ON_DEMAND: "ON_DEMAND",
    Capacity.RESERVATION: "ON_DEMAND",
    Capacity.SPOT: "SPOT",
    Capacity.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}


def build(args: GpuNodePoolArgs) -> dict[str, AwsResource]:
    """Every resource by its suffix, in an order in which each finds those before it."""
    spec, place = args.spec, args.place
    resources: dict[str, AwsResource] = {}
    if spec.efa:
        resources |= efa_group(spec, place.vpc_id)
    if spec.placement_group is PlacementGroup.CLUSTER:
        resources[PLACEMENT_GROUP] = AwsResource(
            type="aws:ec2/placementGroup:PlacementGroup", inputs={"strategy": "cluster", "tags": dict(spec.tags)}
        )
    resources[TEMPLATE] = AwsResource(
        type="aws:ec2/launchTemplate:LaunchTemplate",
        inputs=launch_template(spec, place),
        after=tuple(suffix for suffix in resources if suffix.startswith(f"{EFA_GROUP}-")),
    )
    resources[""] = AwsResource(
        type="aws:eks/nodeGroup:NodeGroup",
        inputs=node_group(args),
        ignore_changes=() if spec.autoscaler is PoolAutoscaler.NONE else ("scalingConfig.desiredSize",),
        # A reservation holds just these nodes: a second group beside the first would find no capacity.
        delete_before_replace=spec.capacity.is_reserved,
    )
    return resources


def node_group(args: GpuNodePoolArgs) -> dict[str, Any]:
    """Inputs of the managed node group. It has no fixed name: a successor can be there before it goes."""
    spec, place = args.spec, args.place
    return {
        "clusterName": place.cluster_name,
        "nodeRoleArn": place.node_role_arn,
        "subnetIds": list(place.subnet_ids),
        "amiType": spec.ami.name,
        "releaseVersion": spec.release_version,
        "capacityType": _CAPACITY_TYPES[spec.capacity],
        "launchTemplate": {"id": Ref(suffix=TEMPLATE), "version": Ref(suffix=TEMPLATE, output="latest_version")},
        "scalingConfig": {"minSize": spec.min_size, "desiredSize": spec.desired_size, "maxSize": spec.max_size},
        "labels": dict(sorted(spec.labels.items())),
        "taints": [
            {"key": key, "value": value, "effect": _EFFECTS[effect]} for key, value, effect in sorted(spec.taints)
        ],
        # MINIMAL takes a node away before its successor comes: reserved GPUs have none to spare.
        "updateConfig": {
            "maxUnavailable": 1,
            "updateStrategy": "MINIMAL" if spec.capacity.is_reserved else "DEFAULT",
        },
        "nodeRepairConfig": {"enabled": True},
        "tags": {**spec.tags, "Name": spec.pool},
    }


def efa_group(spec: GpuNodePoolSpec, vpc_id: pulumi.Input[str]) -> dict[str, AwsResource]:
    """A group that lets everything pass between its own members, and nothing else: EFA asks for both directions."""
    rule = {
        "securityGroupId": Ref(suffix=EFA_GROUP),
        "referencedSecurityGroupId": Ref(suffix=EFA_GROUP),
        "ipProtocol": "-1",
        "tags": dict(spec.tags),
    }
    return {
        EFA_GROUP: AwsResource(
            type="aws:ec2/securityGroup:SecurityGroup",
            inputs={
                "description": f"EFA traffic between the nodes of pool {spec.pool}",
                "vpcId": vpc_id,
                "tags": {**spec.tags, "Name": f"{spec.pool}-efa"},
            },
        ),
        f"{EFA_GROUP}-ingress": AwsResource(
            type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", inputs=dict(rule)
        ),
        f"{EFA_GROUP}-egress": AwsResource(
            type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", inputs=dict(rule)
        ),
    }
