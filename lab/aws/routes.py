"""Route tables, their routes, and which subnets follow them."""

from typing import Any

from lab.aws.resource import Inputs, Kind, one
from lab.aws.session import Session, found
from lab.aws.tags import arn, retag, tag_specifications, tags_of

__all__ = ["KINDS"]


_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


def _create_table(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_route_table(
        VpcId=inputs["vpcId"], TagSpecifications=tag_specifications("route-table", inputs)
    )
    id_ = made["RouteTable"]["RouteTableId"]
    return id_, {"arn": arn(session, "route-table", id_)}


def _table(session: Session, id_: str) -> dict[str, Any]:
    table: dict[str, Any] = one(found(session.ec2.describe_route_tables, RouteTableIds=[id_])["RouteTables"])
    return table


def _read_table(session: Session, id_: str, _: Inputs) -> Inputs:
    table = _table(session, id_)
    return {"vpcId": table["VpcId"], "tags": tags_of(table)}


def _route(inputs: Inputs) -> dict[str, Any]:
    target = {theirs: inputs[ours] for ours, theirs in _TARGETS.items() if inputs.get(ours)}
    return {
        "RouteTableId": inputs["routeTableId"],
        "DestinationCidrBlock": inputs["destinationCidrBlock"],
        **target,
    }


def _create_route(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    session.ec2.create_route(**_route(inputs))
    return f"r-{inputs['routeTableId']}-{inputs['destinationCidrBlock']}", {}


def _read_route(session: Session, _: str, inputs: Inputs) -> Inputs:
    routes = _table(session, inputs["routeTableId"])["Routes"]
    wanted = [item for item in routes if item.get("DestinationCidrBlock") == inputs["destinationCidrBlock"]]
    route = one(wanted)
    return {ours: route.get(theirs) for ours, theirs in _TARGETS.items() if inputs.get(ours)}


def _update_route(session: Session, _: str, __: Inputs, new: Inputs) -> Inputs:
    session.ec2.replace_route(**_route(new))
    return {}


def _delete_route(session: Session, _: str, inputs: Inputs) -> None:
    destination = inputs["destinationCidrBlock"]
    session.ec2.delete_route(RouteTableId=inputs["routeTableId"], DestinationCidrBlock=destination)


def _create_association(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.associate_route_table(RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])
    return made["AssociationId"], {}


def _read_association(session: Session, id_: str, inputs: Inputs) -> Inputs:
    associations = _table(session, inputs["routeTableId"])["Associations"]
    association = one([item for item in associations if item["RouteTableAssociationId"] == id_])
    return {"subnetId": association["SubnetId"], "routeTableId": inputs["routeTableId"]}


KINDS = (
    Kind(
        type="aws:ec2/routeTable:RouteTable",
        replaces=frozenset({"vpcId"}),
        source="ec2/vpc_route_table.go@0220924",
        computed=("arn",),
        create=_create_table,
        read=_read_table,
        update=retag,
        delete=lambda session, id_, _: session.ec2.delete_route_table(RouteTableId=id_),
    ),
    Kind(
        type="aws:ec2/route:Route",
        replaces=frozenset({"destinationCidrBlock", "routeTableId"}),
        source="ec2/vpc_route.go@0128541",
        create=_create_route,
        read=_read_route,
        update=_update_route,
        delete=_delete_route,
    ),
    Kind(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        # routeTableId is changed in place, by an association with another id.
        replaces=frozenset({"subnetId"}),
        source="ec2/vpc_route_table_association.go@0be71be",
        create=_create_association,
        read=_read_association,
        delete=lambda session, id_, _: session.ec2.disassociate_route_table(AssociationId=id_),
    ),
)
