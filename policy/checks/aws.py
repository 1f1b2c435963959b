"""AWS: node groups, launch templates, the control plane, roles; pure. Property names are pulumi-aws' wire names."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policy.checks.cost import gpu_types, is_gpu_group
from policy.checks.instances import INSTANCES
from policy.checks.pods import count_of
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import UNKNOWN, Subject, at, children, mapping, present
from policy.checks.world import World

__all__ = ["RULES"]

_GROUP = "aws:eks/nodeGroup:NodeGroup"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_CLUSTER = "aws:eks/cluster:Cluster"
_ROLE_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_POLICIES = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role")
_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
_STATEFUL = (
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:efs/fileSystem:FileSystem",
    "aws:fsx/lustreFileSystem:LustreFileSystem",
)
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_GPU_TAINT = "nvidia.com/gpu"
_GPU_LABEL = "nvidia.com/gpu.present"
_TRUE = (True, "true")
_LABELLED_BY_NODEADM = 35
"""Minor version of Kubernetes."""


def _of_type(*types: str) -> Any:  # noqa: ANN401 - a predicate
    return lambda subject: subject.type in types


def _template(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    properties = subject.properties
    options = mapping(properties, "metadataOptions")
    if options.get("httpTokens") != "required":
        yield "answers IMDSv1: a request that a model is tricked into reads the node's credentials"
    hops = count_of(options.get("httpPutResponseHopLimit") or 1) or 1
    if hops > settings["hopLimit"]:
        yield f"lets metadata travel {hops} hops, so that pods get the node's role; {settings['hopLimit']:g} is allowed"
    for device in children(properties, "blockDeviceMappings"):
        if present(device, "ebs") and at(device, "ebs", "encrypted") not in _TRUE:
            yield f"disk {at(device, 'deviceName')} is not encrypted"
    for interface in children(properties, "networkInterfaces"):
        if at(interface, "associatePublicIpAddress") in _TRUE:
            yield "gives nodes a public address"
    if present(properties, "keyName"):
        yield "has an SSH key; use Session Manager"


def _group(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    properties = subject.properties
    ami = str(at(properties, "amiType") or "")
    if ami.startswith("AL2_"):
        yield f"AMI type {ami} is at its end: there is none after Kubernetes 1.32"
    if present(properties, "remoteAccess"):
        yield "has remoteAccess: its nodes take SSH"
    if not is_gpu_group(subject):
        return
    taints = [at(taint, "key") for taint in children(properties, "taints")]
    if _GPU_TAINT not in taints:
        yield f"has no taint {_GPU_TAINT}: any pod may sit on its GPU nodes"
    if not _labels_itself(properties) and at(properties, "labels", _GPU_LABEL) != "true":
        yield f"has no label {_GPU_LABEL}=true: before Kubernetes 1.35 the device plugin finds no node by itself"
    yield from _architecture(ami, gpu_types(subject))


def _labels_itself(properties: Mapping[str, Any]) -> bool:
    """Whether nodeadm sets the label, as it does from 1.35 on; Bottlerocket needs none, its plugin is built in."""
    ami = str(at(properties, "amiType") or "")
    stated = str(at(properties, "version") or (at(properties, "releaseVersion") if ami.startswith("AL2023") else ""))
    minor = count_of(stated.partition(".")[2].partition(".")[0])
    return ami.startswith("BOTTLEROCKET") or (minor or 0) >= _LABELLED_BY_NODEADM


def _architecture(ami: str, types: list[str]) -> Iterator[str]:
    is_arm = "ARM_64" in ami
    for name in types:
        if ami and ami != "CUSTOM" and "NVIDIA" not in ami and not ami.startswith("AL2_"):
            yield f"AMI type {ami} has no NVIDIA driver, {name} has GPUs"
        elif ami and ami != "CUSTOM" and is_arm != (INSTANCES[name].arch == "arm64"):
            yield f"AMI type {ami} does not run on {name}, which is {INSTANCES[name].arch}"


def _reserved(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    if subject.type == _GROUP:
        yield from _capacity_block_group(subject)
    else:
        yield from _capacity_block_template(subject)
        yield from _efa(subject)


def _capacity_block_group(subject: Subject) -> Iterator[str]:
    if at(subject.properties, "capacityType") != "CAPACITY_BLOCK":
        return
    subnets = subject.properties.get("subnetIds")
    if isinstance(subnets, list) and len(subnets) != 1:
        yield f"has a capacity block, which is in one zone, and {len(subnets)} subnets"
    if not present(subject.properties, "launchTemplate"):
        yield "has a capacity block and no launch template, which alone can name the reservation"


def _capacity_block_template(subject: Subject) -> Iterator[str]:
    properties = subject.properties
    market = at(properties, "instanceMarketOptions", "marketType")
    target = (
        mapping(properties, "capacityReservationSpecification", "capacityReservationTarget")
        if present(properties, "capacityReservationSpecification")
        else {}
    )
    if market == "capacity-block" and not target:
        yield "buys from a capacity block and names no reservation"


def _efa(subject: Subject) -> Iterator[str]:
    properties = subject.properties
    interfaces = children(properties, "networkInterfaces")
    efa = [item for item in interfaces if str(at(item, "interfaceType") or "").startswith("efa")]
    if not efa:
        return
    if present(properties, "vpcSecurityGroupIds"):
        yield "has network interfaces and vpcSecurityGroupIds, which exclude each other"
    for item in efa:
        if not present(item, "securityGroups"):
            yield "has an EFA interface without security group: EFA needs one that admits itself"
            break
    instance = INSTANCES.get(str(at(properties, "instanceType")))
    if instance and len(efa) != instance.efa:
        yield f"has {len(efa)} EFA interfaces, {at(properties, 'instanceType')} has {instance.efa}"


def _cluster(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    properties = subject.properties
    vpc = mapping(properties, "vpcConfig") if _is_known(properties, "vpcConfig") else properties.get("vpcConfig") or {}
    if at(vpc, "endpointPrivateAccess") not in _TRUE:
        yield "has no private endpoint: nodes reach the control plane over the internet"
    if at(vpc, "endpointPublicAccess") is not False:
        ranges = [str(item) for item in children(vpc, "publicAccessCidrs")]
        if not settings["publicEndpoint"]:
            yield "has a public endpoint, which this environment does not allow"
        elif not ranges or set(ranges) & set(_EVERYWHERE):
            yield "has a public endpoint that the whole internet reaches"
    if not present(properties, "encryptionConfig"):
        yield "keeps Secrets without a KMS key of yours"
    logs = children(properties, "enabledClusterLogTypes")
    missing = [name for name in ("audit", "authenticator") if name not in logs]
    if missing:
        yield f"does not log {' and '.join(missing)}: nobody can tell who did it"
    if at(properties, "accessConfig", "authenticationMode") != "API":
        yield "grants access by the aws-auth ConfigMap, which one wrong edit locks everybody out of"
    version = at(properties, "version")
    if version is None or str(version) not in settings["versions"]:
        yield f"runs Kubernetes {version or 'of the day'}; in standard support: {', '.join(settings['versions'])}"
    if settings["deletionProtection"] and at(properties, "deletionProtection") not in _TRUE:
        yield "has no deletion protection"


def _is_known(properties: Mapping[str, Any], key: str) -> bool:
    value = properties.get(key)
    return isinstance(value, Mapping) and not any(item is UNKNOWN for item in value.values())


def _iam(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    if subject.type == _ROLE_ATTACHMENT:
        arn = str(at(subject.properties, "policyArn"))
        if arn.rpartition("/")[2] in settings["forbiddenPolicies"]:
            yield f"attaches {arn.rpartition('/')[2]}, which is more than any node or workload needs"
    elif subject.type in _POLICIES:
        for document in _documents(subject):
            for statement in _statements(document):
                yield from _statement(statement)
    elif subject.type == _ACCOUNT:
        yield from _account(subject)
    else:
        yield from _pod_account(subject, world)


def _documents(subject: Subject) -> Iterator[Any]:
    if subject.type != "aws:iam/role:Role":
        yield at(subject.properties, "policy")
    else:
        for policy in children(subject.properties, "inlinePolicies"):
            yield at(policy, "policy")


def _statements(document: object) -> list[Mapping[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    found = at(parsed, "Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    if at(statement, "Effect") != "Allow":
        return
    actions, resources = (_listed(at(statement, part)) for part in ("Action", "Resource"))
    if "*" in actions and "*" in resources:
        yield "allows every action on everything"
    elif "*" in resources:
        services = sorted({action.partition(":")[0] for action in actions if action.endswith(":*")})
        if services:
            yield f"allows everything of {', '.join(services)} on every resource"


def _listed(value: object) -> list[str]:
    return [str(value)] if isinstance(value, str) else [str(item) for item in value or ()]  # type: ignore[attr-defined]


def _account(subject: Subject) -> Iterator[str]:
    if (
        at(subject.properties, "metadata", "name") == "default"
        and at(subject.properties, "automountServiceAccountToken") is not False
    ):
        yield "hands the token of account default to every pod that names no account"


def _pod_account(subject: Subject, _world: World) -> Iterator[str]:
    spec = at(subject.properties, "spec", "template", "spec")
    account = at(spec, "serviceAccountName")
    if account in (None, "default") and at(spec, "automountServiceAccountToken") is not False:
        yield "runs with account default and its token: give it an account of its own, or no token"


def _identities(subject: Subject) -> bool:
    return subject.type in (*_POLICIES, _ROLE_ATTACHMENT, _ACCOUNT) or subject.is_a("Deployment", "StatefulSet")


def _protect(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    if not subject.protected:
        yield "holds data and is not protected: a wrong destroy deletes it"


def _holds_state(subject: Subject) -> bool:
    return subject.type in _STATEFUL or subject.is_a("PersistentVolumeClaim")


RULES = (
    Rule(
        number=16,
        id="launch-template",
        group=Group.AWS,
        reason="A node that answers IMDSv1, has an open disk or a public address gives its role and weights away.",
        severity=Severity.MANDATORY,
        remediation="httpTokens required, hop limit 1, encrypted disks, no public address, no SSH key.",
        key="(always built so)",
        applies=_of_type(_TEMPLATE),
        check=_template,
        settings=setting_table(
            hopLimit=(1, "most hops of a metadata answer; 2 lets pods off the host network have it")
        ),
    ),
    Rule(
        number=17,
        id="gpu-node-group",
        group=Group.AWS,
        reason="A GPU node without taint fills with other pods; with the wrong AMI it has no driver.",
        severity=Severity.MANDATORY,
        remediation="Taint nvidia.com/gpu, label nvidia.com/gpu.present=true, an NVIDIA AMI of the right architecture.",
        key="gpuPools.<name>",
        applies=_of_type(_GROUP),
        check=_group,
    ),
    Rule(
        number=18,
        id="reserved-capacity",
        group=Group.AWS,
        reason="A capacity block or EFA that is half configured fails when the reservation starts, and is paid anyway.",
        severity=Severity.MANDATORY,
        remediation="One subnet, market type and reservation together; as many EFA interfaces as the type has.",
        key="gpuPools.<name>.capacity",
        applies=_of_type(_GROUP, _TEMPLATE),
        check=_reserved,
    ),
    Rule(
        number=19,
        id="cluster",
        group=Group.AWS,
        reason="The control plane is private, logged, encrypted and in support, or the next incident starts there.",
        severity=Severity.MANDATORY,
        remediation="Private endpoint, narrowed public CIDRs, a KMS key, audit logs, mode API, a supported version.",
        key="cluster.eks",
        applies=_of_type(_CLUSTER),
        check=_cluster,
        settings=setting_table(
            publicEndpoint=(True, "whether a public endpoint may exist, with CIDRs that narrow it"),
            versions=(["1.34", "1.35", "1.36"], "Kubernetes versions in standard support (AWS' calendar, mid-2026)"),
            deletionProtection=(False, "whether the cluster needs deletion protection"),
        ),
    ),
    Rule(
        number=20,
        id="identity",
        group=Group.AWS,
        reason="A role that may do everything, or a token that every pod gets, turns one hole into all of them.",
        severity=Severity.MANDATORY,
        remediation="Name actions and resources; give workloads their own account and Pod Identity.",
        key="(always built so)",
        applies=_identities,
        check=_iam,
        settings=setting_table(
            forbiddenPolicies=(
                [
                    "AdministratorAccess",
                    "PowerUserAccess",
                    "AmazonS3FullAccess",
                    "AmazonEC2ContainerRegistryFullAccess",
                    "AmazonEC2ContainerRegistryPowerUser",
                ],
                "AWS' own policies that no role of the stack may have",
            ),
        ),
    ),
    Rule(
        number=29,
        id="protected-state",
        group=Group.AWS,
        reason="Weights, keys and GPU nodes that go by mistake take hours, or money, to come back.",
        severity=Severity.MANDATORY,
        remediation="Protect what holds data; approve the replacement of a node group with --approve-replace.",
        key="(option protect of the resource)",
        applies=_holds_state,
        check=_protect,
        settings=setting_table(protect=(False, "whether claims, buckets, file systems and keys need protection")),
        asked_by=("protect",),
        note="The replacement of a GPU node group is in no resource: `make policy` reads it from the preview's steps.",
    ),
)
