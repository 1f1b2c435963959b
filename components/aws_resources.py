"""From plain data to AWS resources: the only module that does, so builders, goldens and policies judge the same data.

Inputs are written as the engine sees them, in pulumi-aws' own camelCase, and by its type tokens. Always the raw
resources of pulumi-aws, never pulumi-eks: that one is a plug-in in Node, whose children no test here could hold.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import pulumi
import pulumi_aws as aws

from components.keywords import keywords

__all__ = ["AWS_TYPES", "create_aws"]

AWS_TYPES: Mapping[str, str] = {
    "aws:ec2/eip:Eip": "ec2.Eip",
    "aws:ec2/internetGateway:InternetGateway": "ec2.InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "ec2.LaunchTemplate",
    "aws:ec2/natGateway:NatGateway": "ec2.NatGateway",
    "aws:ec2/placementGroup:PlacementGroup": "ec2.PlacementGroup",
    "aws:ec2/route:Route": "ec2.Route",
    "aws:ec2/routeTable:RouteTable": "ec2.RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2.RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup": "ec2.SecurityGroup",
    "aws:ec2/subnet:Subnet": "ec2.Subnet",
    "aws:ec2/vpc:Vpc": "ec2.Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2.VpcEndpoint",
    "aws:eks/accessEntry:AccessEntry": "eks.AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "eks.AccessPolicyAssociation",
    "aws:eks/addon:Addon": "eks.Addon",
    "aws:eks/cluster:Cluster": "eks.Cluster",
    "aws:eks/nodeGroup:NodeGroup": "eks.NodeGroup",
    "aws:iam/role:Role": "iam.Role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam.RolePolicyAttachment",
    "aws:kms/key:Key": "kms.Key",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "vpc.SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "vpc.SecurityGroupIngressRule",
}
"""Every AWS resource type that this program makes: token to class. By name, for a stack without AWS loads none of
it."""


def create_aws(type_: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> Any:  # noqa: ANN401 - pulumi-aws' classes, untyped here
    """One AWS resource.

    Args:
        type_: Token of the type.
        name: Logical name, unique in the stack for the type.
        inputs: By pulumi-aws' own names.
        opts: Must carry the parent, through which the provider is inherited.
    """
    return attrgetter(AWS_TYPES[type_])(aws)(name, opts=opts, **keywords(inputs))
