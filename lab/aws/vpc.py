"""VPCs, their subnets, and their endpoints to services of AWS."""

from lab.aws.resource import Inputs, Kind, one
from lab.aws.session import NotFoundError, Session, found
from lab.aws.tags import arn, retag, tag_specifications, tags_of

__all__ = ["KINDS"]


def _create_vpc(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_vpc(CidrBlock=inputs["cidrBlock"], TagSpecifications=tag_specifications("vpc", inputs))
    id_ = made["Vpc"]["VpcId"]
    _set_dns(session, id_, inputs)
    return id_, {"arn": arn(session, "vpc", id_)}


def _set_dns(session: Session, id_: str, inputs: Inputs) -> None:
    session.ec2.modify_vpc_attribute(VpcId=id_, EnableDnsSupport={"Value": inputs.get("enableDnsSupport", True)})
    session.ec2.modify_vpc_attribute(VpcId=id_, EnableDnsHostnames={"Value": inputs.get("enableDnsHostnames", False)})


def _read_vpc(session: Session, id_: str, _: Inputs) -> Inputs:
    vpc = one(found(session.ec2.describe_vpcs, VpcIds=[id_])["Vpcs"])

    def attribute(name: str, key: str) -> bool:
        return bool(session.ec2.describe_vpc_attribute(VpcId=id_, Attribute=name)[key]["Value"])

    return {
        "cidrBlock": vpc["CidrBlock"],
        "enableDnsSupport": attribute("enableDnsSupport", "EnableDnsSupport"),
        "enableDnsHostnames": attribute("enableDnsHostnames", "EnableDnsHostnames"),
        "tags": tags_of(vpc),
    }


def _update_vpc(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    _set_dns(session, id_, new)
    return retag(session, id_, old, new)


def _create_subnet(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_subnet(
        VpcId=inputs["vpcId"],
        CidrBlock=inputs["cidrBlock"],
        AvailabilityZone=inputs["availabilityZone"],
        TagSpecifications=tag_specifications("subnet", inputs),
    )
    id_ = made["Subnet"]["SubnetId"]
    _set_public(session, id_, inputs)
    return id_, {"arn": arn(session, "subnet", id_)}


def _set_public(session: Session, id_: str, inputs: Inputs) -> None:
    value = {"Value": inputs.get("mapPublicIpOnLaunch", False)}
    session.ec2.modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch=value)


def _read_subnet(session: Session, id_: str, _: Inputs) -> Inputs:
    subnet = one(found(session.ec2.describe_subnets, SubnetIds=[id_])["Subnets"])
    return {
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "tags": tags_of(subnet),
    }


def _update_subnet(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    _set_public(session, id_, new)
    return retag(session, id_, old, new)


def _create_endpoint(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_vpc_endpoint(
        VpcId=inputs["vpcId"],
        ServiceName=inputs["serviceName"],
        VpcEndpointType=inputs["vpcEndpointType"],
        RouteTableIds=inputs["routeTableIds"],
        TagSpecifications=tag_specifications("vpc-endpoint", inputs),
    )
    id_ = made["VpcEndpoint"]["VpcEndpointId"]
    return id_, {"arn": arn(session, "vpc-endpoint", id_)}


def _read_endpoint(session: Session, id_: str, _: Inputs) -> Inputs:
    endpoint = one(found(session.ec2.describe_vpc_endpoints, VpcEndpointIds=[id_])["VpcEndpoints"])
    if endpoint.get("State") == "deleted":
        raise NotFoundError
    return {"vpcId": endpoint["VpcId"], "serviceName": endpoint["ServiceName"], "tags": tags_of(endpoint)}


def _update_endpoint(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    before, after = set(old["routeTableIds"]), set(new["routeTableIds"])
    if before != after:
        session.ec2.modify_vpc_endpoint(
            VpcEndpointId=id_, AddRouteTableIds=sorted(after - before), RemoveRouteTableIds=sorted(before - after)
        )
    return retag(session, id_, old, new)


KINDS = (
    Kind(
        type="aws:ec2/vpc:Vpc",
        replaces=frozenset({"cidrBlock"}),
        source="ec2/vpc_.go@00081ce",
        computed=("arn",),
        create=_create_vpc,
        read=_read_vpc,
        update=_update_vpc,
        delete=lambda session, id_, _: session.ec2.delete_vpc(VpcId=id_),
    ),
    Kind(
        type="aws:ec2/subnet:Subnet",
        replaces=frozenset({"availabilityZone", "cidrBlock", "vpcId"}),
        source="ec2/vpc_subnet.go@00cda12",
        computed=("arn",),
        create=_create_subnet,
        read=_read_subnet,
        update=_update_subnet,
        delete=lambda session, id_, _: session.ec2.delete_subnet(SubnetId=id_),
    ),
    Kind(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        replaces=frozenset({"serviceName", "vpcEndpointType", "vpcId"}),
        source="ec2/vpc_endpoint.go@008db85",
        computed=("arn",),
        create=_create_endpoint,
        read=_read_endpoint,
        update=_update_endpoint,
        delete=lambda session, id_, _: session.ec2.delete_vpc_endpoints(VpcEndpointIds=[id_]),
    ),
)
