"""EKS: clusters, node groups, add-ons, access.

moto knows clusters and node groups, and of those not everything: what it lacks (add-ons, access entries, policies,
upgrade policy, deletion protection, versions of a running group) is in the stand-in's store, judged by botocore's own
model of the EKS API. A cluster's endpoint is the lab's API server, and a node group's nodes are simulated ones.
"""

from typing import Any

from lab.aws.capacity import show_nodes
from lab.aws.control_plane import authority, endpoint
from lab.aws.resource import Inputs, Kind
from lab.aws.session import NotFoundError, Refused, Session, found

__all__ = ["KINDS"]


def _cluster_parameters(inputs: Inputs) -> dict[str, Any]:
    """The call that makes a cluster, as the real API takes it."""
    vpc = inputs["vpcConfig"]
    enabled = inputs.get("enabledClusterLogTypes") or []
    encryption = inputs["encryptionConfig"]
    return {
        "name": inputs["name"],
        "version": inputs["version"],
        "roleArn": inputs["roleArn"],
        "resourcesVpcConfig": dict(vpc),
        "logging": {"clusterLogging": [{"types": list(enabled), "enabled": True}]},
        "encryptionConfig": [{"resources": encryption["resources"], "provider": encryption["provider"]}],
        "accessConfig": inputs["accessConfig"],
        "bootstrapSelfManagedAddons": inputs["bootstrapSelfManagedAddons"],
        "upgradePolicy": inputs["upgradePolicy"],
        "deletionProtection": inputs["deletionProtection"],
        "tags": inputs.get("tags") or {},
    }


# Parameters that moto's CreateCluster takes.
_KNOWN_TO_MOTO = ("name", "version", "roleArn", "resourcesVpcConfig", "logging", "encryptionConfig", "tags")


def _create_cluster(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    parameters = _cluster_parameters(inputs)
    session.validate("eks", "CreateCluster", parameters)
    made = session.eks.create_cluster(**{key: parameters[key] for key in _KNOWN_TO_MOTO})["cluster"]
    vpc_id = session.ec2.describe_subnets(SubnetIds=[inputs["vpcConfig"]["subnetIds"][0]])["Subnets"][0]["VpcId"]
    group = session.ec2.create_security_group(
        GroupName=f"eks-cluster-sg-{inputs['name']}", Description="EKS created security group", VpcId=vpc_id
    )["GroupId"]
    record = {**inputs, "securityGroupId": group}
    session.store.put(f"cluster/{inputs['name']}", record)
    return inputs["name"], {"arn": made["arn"], **_computed(session, record, vpc_id)}


def _computed(session: Session, record: Inputs, vpc_id: str) -> Inputs:
    vpc = {**record["vpcConfig"], "clusterSecurityGroupId": record["securityGroupId"], "vpcId": vpc_id}
    return {
        "endpoint": endpoint(session.root),
        "certificateAuthority": {"data": authority(session.root)},
        "vpcConfig": vpc,
        "status": "ACTIVE",
    }


def _record(session: Session, key: str) -> Inputs:
    record = session.store.get(key)
    if record is None:
        raise NotFoundError(key)
    return record


def _read_cluster(session: Session, id_: str, inputs: Inputs) -> Inputs:
    cluster = found(session.eks.describe_cluster, name=id_)["cluster"]
    record = _record(session, f"cluster/{id_}")
    vpc_id = session.ec2.describe_subnets(SubnetIds=[inputs["vpcConfig"]["subnetIds"][0]])["Subnets"][0]["VpcId"]
    config = cluster["resourcesVpcConfig"]
    observed = {key: config[key] for key in ("endpointPublicAccess", "endpointPrivateAccess") if key in config}
    computed = _computed(session, record, vpc_id)
    return {
        **{key: record[key] for key in ("version", "upgradePolicy", "deletionProtection", "accessConfig")},
        **computed,
        "vpcConfig": {**computed["vpcConfig"], **observed},
        "arn": cluster["arn"],
        "roleArn": cluster["roleArn"],
        "tags": cluster.get("tags") or {},
    }


def _update_cluster(session: Session, id_: str, _: Inputs, new: Inputs) -> Inputs:
    session.eks.update_cluster_config(name=id_, resourcesVpcConfig=new["vpcConfig"])
    record = {**new, "securityGroupId": _record(session, f"cluster/{id_}")["securityGroupId"]}
    session.store.put(f"cluster/{id_}", record)
    vpc_id = session.ec2.describe_subnets(SubnetIds=[new["vpcConfig"]["subnetIds"][0]])["Subnets"][0]["VpcId"]
    return _computed(session, record, vpc_id)


def _delete_cluster(session: Session, id_: str, _: Inputs) -> None:
    record = _record(session, f"cluster/{id_}")
    if record["deletionProtection"]:
        raise Refused(f"InvalidRequestException: cluster {id_} has deletion protection; switch it off first")
    session.eks.delete_cluster(name=id_)
    session.ec2.delete_security_group(GroupId=record["securityGroupId"])
    session.store.delete(f"cluster/{id_}")


def _group_parameters(inputs: Inputs) -> dict[str, Any]:
    template = inputs["launchTemplate"]
    names = {
        "clusterName": "clusterName",
        "nodeGroupName": "nodegroupName",
        "nodeRoleArn": "nodeRole",
        "subnetIds": "subnets",
        "amiType": "amiType",
        "capacityType": "capacityType",
        "instanceTypes": "instanceTypes",
        "labels": "labels",
        "taints": "taints",
        "releaseVersion": "releaseVersion",
        "scalingConfig": "scalingConfig",
        "updateConfig": "updateConfig",
        "nodeRepairConfig": "nodeRepairConfig",
        "tags": "tags",
    }
    parameters = {theirs: inputs[ours] for ours, theirs in names.items() if ours in inputs}
    return {**parameters, "launchTemplate": {"id": template["id"], "version": str(template["version"])}}


def _create_group(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
    parameters = _group_parameters(inputs)
    session.validate("eks", "CreateNodegroup", parameters)
    if "instanceTypes" in inputs and _template_type(session, inputs) is not None:
        raise Refused("InvalidParameterException: the instance type is in the launch template and in the node group")
    unknown_to_moto = ("updateConfig", "nodeRepairConfig")
    made = session.eks.create_nodegroup(**{k: v for k, v in parameters.items() if k not in unknown_to_moto})
    cluster, name = inputs["clusterName"], inputs["nodeGroupName"]
    session.store.put(f"nodegroup/{cluster}/{name}", dict(inputs))
    show_nodes(session, inputs, _instance_type(session, inputs))
    return f"{cluster}:{name}", {"arn": made["nodegroup"]["nodegroupArn"], "status": "ACTIVE"}


def _template_type(session: Session, inputs: Inputs) -> str | None:
    template = inputs["launchTemplate"]
    versions = session.ec2.describe_launch_template_versions(
        LaunchTemplateId=template["id"], Versions=[str(template["version"])]
    )
    found_type: str | None = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"].get("InstanceType")
    return found_type


def _instance_type(session: Session, inputs: Inputs) -> str:
    return _template_type(session, inputs) or inputs["instanceTypes"][0]


def _read_group(session: Session, id_: str, inputs: Inputs) -> Inputs:
    cluster, _, name = id_.partition(":")
    group = found(session.eks.describe_nodegroup, clusterName=cluster, nodegroupName=name)["nodegroup"]
    record = _record(session, f"nodegroup/{cluster}/{name}")
    kept = ("launchTemplate", "releaseVersion", "updateConfig", "nodeRepairConfig")
    return {
        **{key: record[key] for key in kept if key in record},
        "amiType": group["amiType"],
        "capacityType": group["capacityType"],
        "labels": group.get("labels") or {},
        "taints": group.get("taints") or [],
        "scalingConfig": group["scalingConfig"],
        "subnetIds": group["subnets"],
        "nodeGroupName": name,
        "tags": group.get("tags") or {},
        "arn": group["nodegroupArn"],
        **({"instanceTypes": group["instanceTypes"]} if "instanceTypes" in inputs else {}),
    }


def _update_group(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    cluster, _, name = id_.partition(":")
    before, after = old.get("labels") or {}, new.get("labels") or {}
    old_taints, new_taints = old.get("taints") or [], new.get("taints") or []
    parameters = {
        "clusterName": cluster,
        "nodegroupName": name,
        "labels": {"addOrUpdateLabels": after, "removeLabels": sorted(before.keys() - after.keys())},
        "taints": {
            "addOrUpdateTaints": new_taints,
            "removeTaints": [taint for taint in old_taints if taint not in new_taints],
        },
        "scalingConfig": new["scalingConfig"],
    }
    session.eks.update_nodegroup_config(**parameters)
    session.store.put(f"nodegroup/{cluster}/{name}", dict(new))
    show_nodes(session, new, _instance_type(session, new))
    return {}


def _delete_group(session: Session, id_: str, inputs: Inputs) -> None:
    cluster, _, name = id_.partition(":")
    session.eks.delete_nodegroup(clusterName=cluster, nodegroupName=name)
    session.store.delete(f"nodegroup/{cluster}/{name}")
    empty = {"minSize": 0, "desiredSize": 0, "maxSize": 1}
    show_nodes(session, {**inputs, "scalingConfig": empty}, "m7i.xlarge")


def _stored(
    kind: str,
    operation: str,
    keys: tuple[str, ...],
    parameters: dict[str, str],
    **more: Any,  # noqa: ANN401
) -> Kind:
    """A kind that moto lacks: judged by botocore's model of the operation that makes it, kept in the store.

    Args:
        kind: Token.
        operation: Operation of the EKS API that makes it.
        keys: Inputs that identify it.
        parameters: Inputs to the operation's parameters, where the names differ.
        more: The rest of the Kind.
    """
    folder = kind.rpartition(":")[2]

    def key_of(inputs: Inputs) -> str:
        return "/".join([folder, *(str(inputs[key]) for key in keys)])

    def judge(session: Session, inputs: Inputs) -> None:
        given = {parameters.get(key, key): value for key, value in inputs.items() if parameters.get(key, key)}
        session.validate("eks", operation, given)

    def create(session: Session, inputs: Inputs) -> tuple[str, Inputs]:
        judge(session, inputs)
        found(session.eks.describe_cluster, name=inputs["clusterName"])
        if session.store.get(key_of(inputs)) is not None:
            raise Refused(f"ResourceInUseException: {key_of(inputs)} is there already")
        session.store.put(key_of(inputs), dict(inputs))
        id_ = ":".join(str(inputs[key]) for key in keys)
        return id_, {"arn": f"arn:aws:eks:{session.region}::{id_}"} if "arn" in more.get("computed", ()) else {}

    def read(session: Session, _: str, inputs: Inputs) -> Inputs:
        return _record(session, key_of(inputs))

    def update(session: Session, _: str, __: Inputs, new: Inputs) -> Inputs:
        judge(session, new)
        session.store.put(key_of(new), dict(new))
        return {}

    return Kind(
        type=kind,
        create=create,
        read=read,
        update=update,
        delete=lambda session, _, inputs: session.store.delete(key_of(inputs)),
        **more,
    )


KINDS = (
    Kind(
        type="aws:eks/cluster:Cluster",
        replaces=frozenset(
            {
                "accessConfig.bootstrapClusterCreatorAdminPermissions",
                "bootstrapSelfManagedAddons",
                "name",
                "roleArn",
            }
        ),
        source="eks/cluster.go@00555dc",
        computed=(
            "arn",
            "certificateAuthority",
            "endpoint",
            "status",
            "vpcConfig.clusterSecurityGroupId",
            "vpcConfig.vpcId",
        ),
        create=_create_cluster,
        read=_read_cluster,
        update=_update_cluster,
        delete=_delete_cluster,
    ),
    Kind(
        type="aws:eks/nodeGroup:NodeGroup",
        replaces=frozenset(
            {
                "amiType",
                "capacityType",
                "clusterName",
                "instanceTypes",
                "launchTemplate.id",
                "nodeGroupName",
                "nodeRoleArn",
                "subnetIds",
            }
        ),
        source="eks/node_group.go@012e0a3",
        computed=("arn", "status"),
        name_input="nodeGroupName",
        create=_create_group,
        read=_read_group,
        update=_update_group,
        delete=_delete_group,
    ),
    _stored(
        "aws:eks/addon:Addon",
        "CreateAddon",
        ("clusterName", "addonName"),
        {"resolveConflictsOnCreate": "resolveConflicts", "resolveConflictsOnUpdate": ""},
        replaces=frozenset({"addonName", "clusterName"}),
        source="eks/addon.go@af55dfb",
        computed=("arn",),
    ),
    _stored(
        "aws:eks/accessEntry:AccessEntry",
        "CreateAccessEntry",
        ("clusterName", "principalArn"),
        {},
        replaces=frozenset({"clusterName", "principalArn", "type"}),
        source="eks/access_entry.go@01f4311",
    ),
    _stored(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "AssociateAccessPolicy",
        ("clusterName", "principalArn", "policyArn"),
        {},
        replaces=frozenset({"accessScope", "clusterName", "policyArn", "principalArn"}),
        source="eks/access_policy_association.go@01f4311",
    ),
)
