"""Network: a VPC for an EKS cluster, with a private and a public subnet per zone.

Nodes live in private subnets and reach the outside through NAT; public subnets hold the NAT gateways and, for those who
ask for one, load balancers. A gateway endpoint takes S3 traffic off the NAT gateways: weights and image layers come
from there. It does not own a VPC that is there already (`cluster.eks.network.existing`), nor peering, DNS zones or flow
logs.

    Network("network", NetworkArgs(cidr="10.0.0.0/16", zones=("us-west-2a", "us-west-2b"), ...), opts)
"""

from collections.abc import Mapping

import pulumi

from components.aws_plan import create_all_aws
from components.network.args import NetworkArgs
from components.network.objects import build, subnet_cidr

__all__ = ["Network", "NetworkArgs", "build", "summarize"]


class Network(pulumi.ComponentResource):
    """A VPC with subnets."""

    vpc_id: pulumi.Output[str]
    """The VPC."""
    private_subnet_ids: pulumi.Output[Mapping[str, str]]
    """Private subnet by zone, known once its way to the outside is there."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:Network", name, summarize(args), opts)
        made = create_all_aws(name, build(args), self)
        self.vpc_id = made[""].id
        # A node that starts before its route is there never joins: so the ids come from what comes last.
        routed = {zone: made[f"private-{zone}-association"].subnet_id for zone in args.zones}
        self.private_subnet_ids = pulumi.Output.all(**routed)
        self.register_outputs({"vpc_id": self.vpc_id, "private_subnet_ids": self.private_subnet_ids})


def summarize(args: NetworkArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "cidr": args.cidr,
        "privateSubnets": {zone: subnet_cidr(args.cidr, zone) for zone in sorted(args.zones)},
        "natGateways": len(args.nat_zones),
    }
