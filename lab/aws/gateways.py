"""Ways out of a VPC: internet gateways, NAT gateways and the addresses of these."""

from lab.aws.resource import Inputs, Kind, one
from lab.aws.session import NotFoundError, Session, found
from lab.aws.tags import arn, retag, tag_specifications, tags_of

__all__ = ["KINDS"]


def _create_gateway(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_internet_gateway(TagSpecifications=tag_specifications("internet-gateway", inputs))
    id_ = made["InternetGateway"]["InternetGatewayId"]
    session.ec2.attach_internet_gateway(InternetGatewayId=id_, VpcId=inputs["vpcId"])
    return id_, {"arn": arn(session, "internet-gateway", id_)}


def _read_gateway(session: Session, id_: str, _: Inputs) -> Inputs:
    gateway = one(found(session.ec2.describe_internet_gateways, InternetGatewayIds=[id_])["InternetGateways"])
    attached = gateway["Attachments"]
    return {"vpcId": attached[0]["VpcId"] if attached else "", "tags": tags_of(gateway)}


def _delete_gateway(session: Session, id_: str, inputs: Inputs) -> None:
    session.ec2.detach_internet_gateway(InternetGatewayId=id_, VpcId=inputs["vpcId"])
    session.ec2.delete_internet_gateway(InternetGatewayId=id_)


def _create_eip(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.allocate_address(
        Domain=inputs["domain"], TagSpecifications=tag_specifications("elastic-ip", inputs)
    )
    return made["AllocationId"], {"allocationId": made["AllocationId"], "publicIp": made["PublicIp"]}


def _read_eip(session: Session, id_: str, _: Inputs) -> Inputs:
    address = one(found(session.ec2.describe_addresses, AllocationIds=[id_])["Addresses"])
    return {"domain": address["Domain"], "publicIp": address["PublicIp"], "tags": tags_of(address)}


def _create_nat(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_nat_gateway(
        AllocationId=inputs["allocationId"],
        SubnetId=inputs["subnetId"],
        TagSpecifications=tag_specifications("natgateway", inputs),
    )
    return made["NatGateway"]["NatGatewayId"], {}


def _read_nat(session: Session, id_: str, _: Inputs) -> Inputs:
    nat = one(found(session.ec2.describe_nat_gateways, NatGatewayIds=[id_])["NatGateways"])
    if nat["State"] == "deleted":
        raise NotFoundError
    return {"subnetId": nat["SubnetId"], "tags": tags_of(nat)}


KINDS = (
    Kind(
        type="aws:ec2/internetGateway:InternetGateway",
        source="ec2/vpc_internet_gateway.go@08923b6",
        computed=("arn",),
        create=_create_gateway,
        read=_read_gateway,
        update=retag,
        delete=_delete_gateway,
    ),
    Kind(
        type="aws:ec2/eip:Eip",
        replaces=frozenset({"domain"}),
        source="ec2/ec2_eip.go@0160692",
        computed=("allocationId", "publicIp"),
        create=_create_eip,
        read=_read_eip,
        update=retag,
        delete=lambda session, id_, _: session.ec2.release_address(AllocationId=id_),
    ),
    Kind(
        type="aws:ec2/natGateway:NatGateway",
        replaces=frozenset({"allocationId", "subnetId"}),
        source="ec2/vpc_nat_gateway.go@04088ea",
        create=_create_nat,
        read=_read_nat,
        update=retag,
        delete=lambda session, id_, _: session.ec2.delete_nat_gateway(NatGatewayId=id_),
    ),
)
