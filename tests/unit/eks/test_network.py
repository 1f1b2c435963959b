"""A network's resources as data: ranges that never move, and a way to the outside before anything needs it."""

from dataclasses import replace

import pytest

from components.aws_plan import AwsResource, Ref
from components.network import NetworkArgs, build, summarize
from components.network.objects import subnet_cidr

ARGS = NetworkArgs(
    cidr="10.0.0.0/16",
    zones=("us-west-2b", "us-west-2a"),
    region="us-west-2",
    cluster="test",
    tags={"team": "infra"},
)


def _of(resources: dict[str, AwsResource], type_: str) -> list[str]:
    return [suffix for suffix, resource in resources.items() if resource.type.endswith(f":{type_}")]


@pytest.mark.parametrize(
    ("zone", "public", "expected"),
    [
        ("us-west-2a", False, "10.0.0.0/20"),
        ("us-west-2c", False, "10.0.32.0/20"),
        ("us-west-2a", True, "10.0.128.0/20"),
        ("us-west-2f", True, "10.0.208.0/20"),
    ],
)
def test_a_range_follows_from_the_zones_letter(zone: str, expected: str, *, public: bool) -> None:
    """A zone that is added or removed changes no other zone's range, so no node group is replaced by it."""
    assert subnet_cidr("10.0.0.0/16", zone, public=public) == expected


def test_a_network_is_made_of_these() -> None:
    """Two zones: four subnets, a route table for the public ones and one per private one, one NAT gateway."""
    resources = build(ARGS)

    assert len(_of(resources, "Subnet")) == 4
    assert _of(resources, "NatGateway") == ["nat-us-west-2a"]
    assert _of(resources, "RouteTable") == ["public-table", "private-us-west-2a-table", "private-us-west-2b-table"]
    assert len(resources) == 19
    assert summarize(ARGS) == {
        "cidr": "10.0.0.0/16",
        "privateSubnets": {"us-west-2a": "10.0.0.0/20", "us-west-2b": "10.0.16.0/20"},
        "natGateways": 1,
    }


def test_each_zone_may_have_a_nat_gateway_of_its_own() -> None:
    """With one per zone every private subnet leaves through its own zone."""
    resources = build(replace(ARGS, nat_per_zone=True))

    ways = {zone: resources[f"private-{zone}-route"].inputs["natGatewayId"] for zone in ARGS.zones}
    assert ways == {"us-west-2a": Ref(suffix="nat-us-west-2a"), "us-west-2b": Ref(suffix="nat-us-west-2b")}


def test_every_resource_refers_to_what_comes_before_it() -> None:
    """The order of the plan is one in which everything that is named is there."""
    seen: set[str] = set()
    resources = build(ARGS)
    assert len(resources) == 19
    for suffix, resource in resources.items():
        values = [
            item for value in resource.inputs.values() for item in (value if isinstance(value, list) else [value])
        ]
        refs = {value.suffix for value in values if isinstance(value, Ref)}
        assert refs | set(resource.after) <= seen, suffix
        seen.add(suffix)


def test_private_subnets_give_no_public_addresses() -> None:
    """No node gets a public address, in a public subnet neither."""
    subnets = [item for item in build(ARGS).values() if item.type.endswith(":Subnet")]

    assert {subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets} == {False}


def test_s3_is_reached_past_the_nat_gateway() -> None:
    """Weights and image layers come from S3: its endpoint is in every route table."""
    endpoint = build(ARGS)["s3"].inputs

    assert endpoint["serviceName"] == "com.amazonaws.us-west-2.s3"
    assert [ref.suffix for ref in endpoint["routeTableIds"]] == [
        "public-table",
        "private-us-west-2a-table",
        "private-us-west-2b-table",
    ]


def test_everything_that_takes_tags_has_the_stacks() -> None:
    """Routes and associations take none; everything else carries the stack's tags."""
    untagged = {
        resource.type.rpartition(":")[2]
        for resource in build(ARGS).values()
        if resource.inputs.get("tags", {}).get("team") != "infra"
    }
    assert untagged == {"Route", "RouteTableAssociation"}
