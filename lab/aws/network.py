"""EC2's network: VPC, subnets, routes, gateways, security groups."""

from typing import Any

from botocore.exceptions import ClientError

from lab.aws.resource import Inputs, Kind, one
from lab.aws.session import ACCOUNT, NotFoundError, Session, found

__all__ = ["KINDS", "retag", "tag_specifications", "tags_of"]


def tag_specifications(kind: str, inputs: Inputs) -> list[dict[str, Any]]:
    """Tags as a creating call takes them."""
    tags = [{"Key": key, "Value": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def tags_of(described: dict[str, Any]) -> dict[str, str]:
    """Tags as a describing call tells them, AWS' own left out."""
    tags = {item["Key"]: item["Value"] for item in described.get("Tags") or []}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def retag(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    """Make the tags the new ones."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if gone := [{"Key": key} for key in sorted(before.keys() - after.keys())]:
        session.ec2.delete_tags(Resources=[id_], Tags=gone)
    if after != before and after:
        session.ec2.create_tags(Resources=[id_], Tags=[{"Key": key, "Value": value} for key, value in after.items()])
    return {}


def _arn(session: Session, kind: str, id_: str) -> str:
    return f"arn:aws:ec2:{session.region}:{ACCOUNT}:{kind}/{id_}"


def _create_vpc(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_vpc(CidrBlock=inputs["cidrBlock"], TagSpecifications=tag_specifications("vpc", inputs))
    id_ = made["Vpc"]["VpcId"]
    _set_dns(session, id_, inputs)
    return id_, {"arn": _arn(session, "vpc", id_)}


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
    return id_, {"arn": _arn(session, "subnet", id_)}


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


def _create_gateway(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_internet_gateway(TagSpecifications=tag_specifications("internet-gateway", inputs))
    id_ = made["InternetGateway"]["InternetGatewayId"]
    session.ec2.attach_internet_gateway(InternetGatewayId=id_, VpcId=inputs["vpcId"])
    return id_, {"arn": _arn(session, "internet-gateway", id_)}


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


def _create_table(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_route_table(
        VpcId=inputs["vpcId"], TagSpecifications=tag_specifications("route-table", inputs)
    )
    id_ = made["RouteTable"]["RouteTableId"]
    return id_, {"arn": _arn(session, "route-table", id_)}


def _table(session: Session, id_: str) -> dict[str, Any]:
    table: dict[str, Any] = one(found(session.ec2.describe_route_tables, RouteTableIds=[id_])["RouteTables"])
    return table


def _read_table(session: Session, id_: str, _: Inputs) -> Inputs:
    table = _table(session, id_)
    return {"vpcId": table["VpcId"], "tags": tags_of(table)}


_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


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


def _create_endpoint(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_vpc_endpoint(
        VpcId=inputs["vpcId"],
        ServiceName=inputs["serviceName"],
        VpcEndpointType=inputs["vpcEndpointType"],
        RouteTableIds=inputs["routeTableIds"],
        TagSpecifications=tag_specifications("vpc-endpoint", inputs),
    )
    id_ = made["VpcEndpoint"]["VpcEndpointId"]
    return id_, {"arn": _arn(session, "vpc-endpoint", id_)}


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


def _create_group(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_security_group(
        GroupName=inputs["name"],
        Description=inputs["description"],
        VpcId=inputs["vpcId"],
        TagSpecifications=tag_specifications("security-group", inputs),
    )
    id_ = made["GroupId"]
    # pulumi-aws takes AWS' rule away that lets everything out.
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    session.ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=everything)
    return id_, {"arn": _arn(session, "security-group", id_)}


def _read_group(session: Session, id_: str, _: Inputs) -> Inputs:
    group = one(found(session.ec2.describe_security_groups, GroupIds=[id_])["SecurityGroups"])
    return {
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "tags": tags_of(group),
    }


def _permission(inputs: Inputs) -> list[dict[str, Any]]:
    pair = {"GroupId": inputs["referencedSecurityGroupId"]}
    return [{"IpProtocol": inputs["ipProtocol"], "UserIdGroupPairs": [pair]}]


def _rule_kind(direction: str) -> Kind:
    """A rule of a security group; moto has no tags for these that last, so they are only sent."""

    def call(session: Session, verb: str) -> Any:  # noqa: ANN401
        return getattr(session.ec2, f"{verb}_security_group_{direction}")

    def create(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
        made = call(session, "authorize")(GroupId=inputs["securityGroupId"], IpPermissions=_permission(inputs))
        id_ = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return id_, {"securityGroupRuleId": id_, "arn": _arn(session, "security-group-rule", id_)}

    def read(session: Session, id_: str, inputs: Inputs) -> Inputs:
        filters = [{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
        rules = found(session.ec2.describe_security_group_rules, Filters=filters)["SecurityGroupRules"]
        rule = one([item for item in rules if item["SecurityGroupRuleId"] == id_])
        return {"ipProtocol": rule["IpProtocol"], "securityGroupId": rule["GroupId"]}

    def update(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
        delete(session, id_, old)
        create(session, new)
        return {}

    def delete(session: Session, _: str, inputs: Inputs) -> None:
        try:
            call(session, "revoke")(GroupId=inputs["securityGroupId"], IpPermissions=_permission(inputs))
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    name = direction.capitalize()
    return Kind(
        type=f"aws:vpc/securityGroup{name}Rule:SecurityGroup{name}Rule",
        replaces=frozenset({"securityGroupId"}),
        source=f"ec2/vpc_security_group_ingress_rule.go@00a3220 ({direction} alike)",
        computed=("arn", "securityGroupRuleId"),
        create=create,
        read=read,
        update=update,
        delete=delete,
    )


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
    Kind(
        type="aws:ec2/securityGroup:SecurityGroup",
        replaces=frozenset({"description", "name", "vpcId"}),
        source="ec2/vpc_security_group.go@0160692",
        computed=("arn",),
        name_input="name",
        create=_create_group,
        read=_read_group,
        update=retag,
        delete=lambda session, id_, _: session.ec2.delete_security_group(GroupId=id_),
    ),
    _rule_kind("ingress"),
    _rule_kind("egress"),
)
