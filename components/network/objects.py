"""The resources of a Network, as data; pure."""

import ipaddress

from components.aws_plan import AwsResource, Ref
from components.network.args import NetworkArgs

__all__ = ["build", "subnet_cidr"]

# A sixteenth of the VPC each: eight slots for private subnets, eight for public ones, by the zone's letter.
_SLOT_BITS = 4
_PUBLIC_SLOT = 8

_EVERYWHERE = "0.0.0.0/0"


def subnet_cidr(vpc: str, zone: str, *, public: bool = False) -> str:
    """Range of a zone's subnet: fixed by the zone's letter, so that a zone more or less moves no other."""
    slots = list(ipaddress.IPv4Network(vpc).subnets(prefixlen_diff=_SLOT_BITS))
    return str(slots[ord(zone[-1]) - ord("a") + (_PUBLIC_SLOT if public else 0)])


def build(args: NetworkArgs) -> dict[str, AwsResource]:
    """Every resource by its suffix, in an order in which each finds those before it."""
    zones = sorted(args.zones)
    resources = {
        "": AwsResource(
            type="aws:ec2/vpc:Vpc",
            inputs={
                "cidrBlock": args.cidr,
                "enableDnsHostnames": True,
                "enableDnsSupport": True,
                "tags": _tags(args, args.cluster),
            },
        ),
        "internet": AwsResource(
            type="aws:ec2/internetGateway:InternetGateway",
            inputs={"vpcId": Ref(suffix=""), "tags": _tags(args, args.cluster)},
        ),
        **_table(args, "public", {"gatewayId": Ref(suffix="internet")}),
    }
    for zone in zones:
        resources |= _subnet(args, zone, "public", public=True)
    for zone in args.nat_zones:
        resources |= _nat(args, zone)
    for zone in zones:
        gateway = zone if zone in args.nat_zones else args.nat_zones[0]
        resources |= _table(args, f"private-{zone}", {"natGatewayId": Ref(suffix=f"nat-{gateway}")})
        resources |= _subnet(args, zone, f"private-{zone}")
    tables = ["public-table", *(f"private-{zone}-table" for zone in zones)]
    resources["s3"] = AwsResource(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs={
            "vpcId": Ref(suffix=""),
            "serviceName": f"com.amazonaws.{args.region}.s3",
            "vpcEndpointType": "Gateway",
            "routeTableIds": [Ref(suffix=table) for table in tables],
            "tags": _tags(args, f"{args.cluster}-s3"),
        },
    )
    return resources


def _tags(args: NetworkArgs, name: str, **more: str) -> dict[str, str]:
    return {**args.tags, "Name": name, **more}


def _table(args: NetworkArgs, name: str, target: dict[str, Ref]) -> dict[str, AwsResource]:
    """A route table and its way out, as a route of its own: the S3 endpoint adds routes to the same table."""
    tags = _tags(args, f"{args.cluster}-{name}")
    return {
        f"{name}-table": AwsResource(
            type="aws:ec2/routeTable:RouteTable", inputs={"vpcId": Ref(suffix=""), "tags": tags}
        ),
        f"{name}-route": AwsResource(
            type="aws:ec2/route:Route",
            inputs={"routeTableId": Ref(suffix=f"{name}-table"), "destinationCidrBlock": _EVERYWHERE, **target},
        ),
    }


def _subnet(args: NetworkArgs, zone: str, table: str, *, public: bool = False) -> dict[str, AwsResource]:
    """A subnet in its route table; the role tag is what load balancer controllers look for."""
    kind = "public" if public else "private"
    role = "kubernetes.io/role/elb" if public else "kubernetes.io/role/internal-elb"
    name = f"{kind}-{zone}"
    return {
        name: AwsResource(
            type="aws:ec2/subnet:Subnet",
            inputs={
                "vpcId": Ref(suffix=""),
                "availabilityZone": zone,
                "cidrBlock": subnet_cidr(args.cidr, zone, public=public),
                "mapPublicIpOnLaunch": False,
                "tags": _tags(args, f"{args.cluster}-{name}", **{role: "1"}),
            },
        ),
        f"{name}-association": AwsResource(
            type="aws:ec2/routeTableAssociation:RouteTableAssociation",
            inputs={"subnetId": Ref(suffix=name), "routeTableId": Ref(suffix=f"{table}-table")},
            after=(f"{table}-route",),
        ),
    }


def _nat(args: NetworkArgs, zone: str) -> dict[str, AwsResource]:
    name = f"{args.cluster}-nat-{zone}"
    return {
        f"nat-{zone}-address": AwsResource(
            type="aws:ec2/eip:Eip", inputs={"domain": "vpc", "tags": _tags(args, name)}, after=("internet",)
        ),
        f"nat-{zone}": AwsResource(
            type="aws:ec2/natGateway:NatGateway",
            inputs={
                "allocationId": Ref(suffix=f"nat-{zone}-address"),
                "subnetId": Ref(suffix=f"public-{zone}"),
                "tags": _tags(args, name),
            },
            after=(f"public-{zone}-association",),
        ),
    }
