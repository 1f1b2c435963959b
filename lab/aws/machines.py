"""Launch templates, placement groups, keys and roles."""

import json
from typing import Any

from botocore.exceptions import ClientError

from lab.aws.resource import Inputs, Kind, changed_paths, one
from lab.aws.session import NotFoundError, Session, found
from lab.aws.tags import arn, retag, tag_specifications, tags_of

__all__ = ["KINDS", "launch_template_data"]

# Inputs of the template itself; everything else is what it launches.
_OF_THE_TEMPLATE = frozenset({"name", "tags", "updateDefaultVersion", "description"})

# EC2's words where a capital letter alone does not make them.
_RENAMED = {"networkInterfaces.securityGroups": "Groups"}
_BOOLEANS = frozenset({"encrypted", "deleteOnTermination"})


def launch_template_data(inputs: Inputs) -> dict[str, Any]:
    """What a template launches, as EC2 takes it."""
    given = {key: value for key, value in inputs.items() if key not in _OF_THE_TEMPLATE}
    data: dict[str, Any] = _capitalized(given)
    for specification in data.get("TagSpecifications", []):
        tags = specification["Tags"]
        specification["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return data


def _capitalized(value: Any, path: str = "") -> Any:  # noqa: ANN401 - JSON-like
    if isinstance(value, dict):
        if path.endswith("tags"):
            return value
        result = {}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            name = next((new for old, new in _RENAMED.items() if inner == old), key[:1].upper() + key[1:])
            result[name] = item == "true" if key in _BOOLEANS else _capitalized(item, inner)
        return result
    if isinstance(value, list):
        return [_capitalized(item, path) for item in value]
    return value


def _create_template(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    made = session.ec2.create_launch_template(
        LaunchTemplateName=inputs["name"],
        LaunchTemplateData=launch_template_data(inputs),
        TagSpecifications=tag_specifications("launch-template", inputs),
    )
    template = made["LaunchTemplate"]
    id_ = template["LaunchTemplateId"]
    return id_, {
        "arn": arn(session, "launch-template", id_),
        "latestVersion": template["LatestVersionNumber"],
        "defaultVersion": 1,
    }


def _read_template(session: Session, id_: str, inputs: Inputs) -> Inputs:
    template = one(found(session.ec2.describe_launch_templates, LaunchTemplateIds=[id_])["LaunchTemplates"])
    versions = session.ec2.describe_launch_template_versions(LaunchTemplateId=id_, Versions=["$Latest"])
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return {
        "name": template["LaunchTemplateName"],
        "latestVersion": template["LatestVersionNumber"],
        "defaultVersion": template["DefaultVersionNumber"],
        "tags": tags_of(template),
        **({"instanceType": data.get("InstanceType")} if "instanceType" in inputs else {}),
        **({"userData": data.get("UserData")} if "userData" in inputs else {}),
    }


def _update_template(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    retag(session, id_, old, new)
    if launch_template_data(old) == launch_template_data(new):
        return {}
    made = session.ec2.create_launch_template_version(
        LaunchTemplateId=id_, LaunchTemplateData=launch_template_data(new)
    )
    version = made["LaunchTemplateVersion"]["VersionNumber"]
    if new.get("updateDefaultVersion"):
        session.ec2.modify_launch_template(LaunchTemplateId=id_, DefaultVersion=str(version))
    return {"latestVersion": version, "defaultVersion": version}


def _create_placement(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    # moto's placement groups end at botocore's: kept in the store, judged by EC2's own model.
    parameters = {
        "GroupName": inputs["name"],
        "Strategy": inputs["strategy"],
        "TagSpecifications": tag_specifications("placement-group", inputs),
    }
    session.validate("ec2", "CreatePlacementGroup", parameters)
    session.store.put(f"placement-group/{inputs['name']}", dict(inputs))
    return inputs["name"], {"placementGroupId": f"pg-{inputs['name']}"}


def _read_placement(session: Session, id_: str, _: Inputs) -> Inputs:
    record = session.store.get(f"placement-group/{id_}")
    if record is None:
        raise NotFoundError
    return record


def _update_placement(session: Session, id_: str, _: Inputs, new: Inputs) -> Inputs:
    session.store.put(f"placement-group/{id_}", dict(new))
    return {}


def _create_key(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    kms = session.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    made = kms.create_key(Description=inputs.get("description", ""), Tags=tags)["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}


def _read_key(session: Session, id_: str, _: Inputs) -> Inputs:
    kms = session.client("kms")
    metadata = found(kms.describe_key, KeyId=id_)["KeyMetadata"]
    if metadata["KeyState"] == "PendingDeletion":
        raise NotFoundError
    return {
        "description": metadata["Description"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"],
        "tags": {item["TagKey"]: item["TagValue"] for item in kms.list_resource_tags(KeyId=id_)["Tags"]},
    }


def _update_key(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    kms = session.client("kms")
    if old.get("description") != new.get("description"):
        kms.update_key_description(KeyId=id_, Description=new.get("description", ""))
    if old.get("enableKeyRotation") != new.get("enableKeyRotation"):
        (kms.enable_key_rotation if new.get("enableKeyRotation") else kms.disable_key_rotation)(KeyId=id_)
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if gone := sorted(before.keys() - after.keys()):
        kms.untag_resource(KeyId=id_, TagKeys=gone)
    if after != before and after:
        kms.tag_resource(KeyId=id_, Tags=[{"TagKey": key, "TagValue": value} for key, value in after.items()])
    return {}


def _delete_key(session: Session, id_: str, inputs: Inputs) -> None:
    window = inputs.get("deletionWindowInDays", 30)
    session.client("kms").schedule_key_deletion(KeyId=id_, PendingWindowInDays=window)


def _create_role(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    role = session.client("iam").create_role(
        RoleName=inputs["name"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Description=inputs.get("description", ""),
        Tags=[{"Key": key, "Value": value} for key, value in sorted((inputs.get("tags") or {}).items())],
    )["Role"]
    return inputs["name"], {"arn": role["Arn"], "uniqueId": role["RoleId"]}


def _read_role(session: Session, id_: str, _: Inputs) -> Inputs:
    iam = session.client("iam")
    role = found(iam.get_role, RoleName=id_)["Role"]
    return {
        "name": role["RoleName"],
        "arn": role["Arn"],
        "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"], sort_keys=True),
        "description": role.get("Description", ""),
        "tags": tags_of(role),
    }


def _update_role(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    iam = session.client("iam")
    iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
    iam.update_role(RoleName=id_, Description=new.get("description", ""))
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if gone := sorted(before.keys() - after.keys()):
        iam.untag_role(RoleName=id_, TagKeys=gone)
    if after:
        iam.tag_role(RoleName=id_, Tags=[{"Key": key, "Value": value} for key, value in after.items()])
    return {}


def _create_attachment(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    session.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}", {}


def _read_attachment(session: Session, _: str, inputs: Inputs) -> Inputs:
    attached = found(session.client("iam").list_attached_role_policies, RoleName=inputs["role"])["AttachedPolicies"]
    one([item for item in attached if item["PolicyArn"] == inputs["policyArn"]])
    return {"role": inputs["role"], "policyArn": inputs["policyArn"]}


def _delete_attachment(session: Session, _: str, inputs: Inputs) -> None:
    try:
        session.client("iam").detach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise


KINDS = (
    Kind(
        type="aws:ec2/launchTemplate:LaunchTemplate",
        replaces=frozenset({"name"}),
        source="ec2/ec2_launch_template.go@025e4f8",
        computed=("arn", "defaultVersion", "latestVersion"),
        name_input="name",
        create=_create_template,
        read=_read_template,
        update=_update_template,
        delete=lambda session, id_, _: session.ec2.delete_launch_template(LaunchTemplateId=id_),
        # As the provider's own CustomizeDiff has it: a change of tags makes no version, but a plan cannot tell.
        is_changed_by=lambda old, new: bool({*changed_paths(old, new)} - {"updateDefaultVersion", "description"}),
        changes=("defaultVersion", "latestVersion"),
    ),
    Kind(
        type="aws:ec2/placementGroup:PlacementGroup",
        replaces=frozenset({"name", "strategy"}),
        source="ec2/ec2_placement_group.go@05e34de",
        computed=("placementGroupId",),
        name_input="name",
        create=_create_placement,
        read=_read_placement,
        update=_update_placement,
        delete=lambda session, id_, _: session.store.delete(f"placement-group/{id_}"),
    ),
    Kind(
        type="aws:kms/key:Key",
        source="kms/key.go@00a3530",
        computed=("arn", "keyId"),
        create=_create_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
    ),
    Kind(
        type="aws:iam/role:Role",
        replaces=frozenset({"name"}),
        source="iam/role.go@0040ea6",
        computed=("arn", "uniqueId"),
        name_input="name",
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=lambda session, id_, _: session.client("iam").delete_role(RoleName=id_),
    ),
    Kind(
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        replaces=frozenset({"policyArn", "role"}),
        source="iam/role_policy_attachment.go@04c7984",
        create=_create_attachment,
        read=_read_attachment,
        delete=_delete_attachment,
    ),
)
