"""Security groups and their rules."""

from typing import Any

from botocore.exceptions import ClientError

from lab.aws.resource import Inputs, Kind, one
from lab.aws.session import Session, found
from lab.aws.tags import arn, retag, tag_specifications, tags_of

__all__ = ["KINDS"]


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
    return id_, {"arn": arn(session, "security-group", id_)}


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
        return id_, {"securityGroupRuleId": id_, "arn": arn(session, "security-group-rule", id_)}

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
