"""The resources of an EksCluster, as data; pure."""

from typing import Any

from components.aws_nodes import encrypted_disk, tagged_template
from components.aws_plan import AwsResource, Ref
from components.eks_cluster.args import EksClusterArgs, EksClusterSpec
from components.eks_cluster.iam import role

__all__ = ["ADDONS_AFTER_NODES", "ADDONS_BEFORE_NODES", "NODE_ROLE", "SYSTEM_POOL", "build"]

NODE_ROLE = "node-role"
"""Suffix of the role of every node that is not Karpenter's."""

SYSTEM_POOL = "system"
"""Suffix of the system pool's node group."""

ADDONS_BEFORE_NODES = ("eks-pod-identity-agent", "kube-proxy", "vpc-cni")
"""A node is not Ready without them, and they are active without a node: they are DaemonSets."""

ADDONS_AFTER_NODES = ("aws-ebs-csi-driver", "coredns", "eks-node-monitoring-agent", "metrics-server")
"""Their Deployments need nodes: before there are any, EKS waits 20 minutes and calls them degraded
(pulumi-eks#1525)."""

_POD_IDENTITY = "pods.eks.amazonaws.com"
_ADMINISTRATOR_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# Add-on -> its service account and the managed policy of the role that the account gets.
_ADDON_ROLES = {
    "vpc-cni": ("aws-node", "AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
}

_SYSTEM_DISK_GIB = 50


def build(args: EksClusterArgs) -> dict[str, AwsResource]:
    """Every resource by its suffix, in an order in which each finds those before it."""
    spec = args.spec
    tags = dict(spec.tags)
    resources = role(
        "role", "eks.amazonaws.com", {"policy": "AmazonEKSClusterPolicy"}, tags, f"Control plane of {spec.name}"
    )
    if spec.secrets_key_arn is None:
        resources["key"] = AwsResource(
            type="aws:kms/key:Key",
            inputs={
                "description": f"Secrets of EKS cluster {spec.name}",
                "enableKeyRotation": True,
                "deletionWindowInDays": 30,
                "tags": tags,
            },
            # Without it no Secret of the cluster can be read again: it lives as long as the cluster is meant to.
            protect=spec.deletion_protection,
        )
    resources[""] = AwsResource(
        type="aws:eks/cluster:Cluster",
        inputs=_cluster(args),
        # Without its rights EKS can neither make nor remove the control plane's network interfaces.
        after=("role-policy",),
    )
    for principal in spec.administrators:
        resources |= _administrator(spec, principal)
    for addon in ADDONS_BEFORE_NODES:
        resources |= _addon(spec, addon, after=())
    resources |= role(
        NODE_ROLE,
        "ec2.amazonaws.com",
        {"worker": "AmazonEKSWorkerNodePolicy", "registry": "AmazonEC2ContainerRegistryPullOnly"},
        tags,
        f"Nodes of {spec.name}",
    )
    resources["system-template"] = AwsResource(
        type="aws:ec2/launchTemplate:LaunchTemplate", inputs=_system_template(spec)
    )
    resources[SYSTEM_POOL] = AwsResource(
        type="aws:eks/nodeGroup:NodeGroup",
        inputs=_system_pool(args),
        after=(f"{NODE_ROLE}-worker", f"{NODE_ROLE}-registry", *(f"addon-{name}" for name in ADDONS_BEFORE_NODES)),
        ignore_changes=("scalingConfig.desiredSize",),
    )
    for addon in ADDONS_AFTER_NODES:
        resources |= _addon(spec, addon, after=(SYSTEM_POOL,))
    return resources


def _cluster(args: EksClusterArgs) -> dict[str, Any]:
    spec = args.spec
    vpc: dict[str, Any] = {
        "subnetIds": list(args.subnet_ids),
        "endpointPrivateAccess": True,
        "endpointPublicAccess": bool(spec.public_access_cidrs),
    }
    if spec.public_access_cidrs:
        vpc["publicAccessCidrs"] = sorted(spec.public_access_cidrs)
    key: Any = Ref(suffix="key", output="arn") if spec.secrets_key_arn is None else spec.secrets_key_arn
    return {
        "name": spec.name,
        "version": spec.version,
        "roleArn": Ref(suffix="role", output="arn"),
        "vpcConfig": vpc,
        # The maker of the cluster deploys to it in the same run, so it needs rights from the first moment on.
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        # The add-ons are resources of their own: EKS' unmanaged copies would be in their way.
        "bootstrapSelfManagedAddons": False,
        "encryptionConfig": {"provider": {"keyArn": key}, "resources": ["secrets"]},
        "enabledClusterLogTypes": list(_LOG_TYPES),
        "upgradePolicy": {"supportType": "EXTENDED" if spec.extended_support else "STANDARD"},
        "deletionProtection": spec.deletion_protection,
        "tags": dict(spec.tags),
    }


def _administrator(spec: EksClusterSpec, principal: str) -> dict[str, AwsResource]:
    suffix = f"administrator-{principal.rpartition(':')[2].replace('/', '-')}"
    common = {"clusterName": Ref(suffix="", output="name"), "principalArn": principal}
    return {
        suffix: AwsResource(
            type="aws:eks/accessEntry:AccessEntry", inputs={**common, "type": "STANDARD", "tags": dict(spec.tags)}
        ),
        f"{suffix}-policy": AwsResource(
            type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            inputs={**common, "policyArn": _ADMINISTRATOR_POLICY, "accessScope": {"type": "cluster"}},
            after=(suffix,),
        ),
    }


def _addon(spec: EksClusterSpec, addon: str, after: tuple[str, ...]) -> dict[str, AwsResource]:
    suffix = f"addon-{addon}"
    inputs: dict[str, Any] = {
        "clusterName": Ref(suffix="", output="name"),
        "addonName": addon,
        # On a cluster without unmanaged copies nothing is in the way at first; later changes by hand are taken back.
        "resolveConflictsOnCreate": "NONE",
        "resolveConflictsOnUpdate": "OVERWRITE",
        "tags": dict(spec.tags),
    }
    if addon in spec.addon_versions:
        inputs["addonVersion"] = spec.addon_versions[addon]
    if addon not in _ADDON_ROLES:
        return {suffix: AwsResource(type="aws:eks/addon:Addon", inputs=inputs, after=after)}
    account, policy = _ADDON_ROLES[addon]
    needed = role(f"{suffix}-role", _POD_IDENTITY, {"policy": policy}, spec.tags, f"{addon} in {spec.name}")
    inputs["podIdentityAssociations"] = [
        {"roleArn": Ref(suffix=f"{suffix}-role", output="arn"), "serviceAccount": account}
    ]
    after = (*after, f"{suffix}-role-policy")
    if addon in ADDONS_BEFORE_NODES:
        after = (*after, "addon-eks-pod-identity-agent")
    return {**needed, suffix: AwsResource(type="aws:eks/addon:Addon", inputs=inputs, after=after)}


def _system_template(spec: EksClusterSpec) -> dict[str, Any]:
    return {
        "blockDeviceMappings": [encrypted_disk("/dev/xvda", volumeSize=_SYSTEM_DISK_GIB)],
        **tagged_template(f"{spec.name}-system", spec.tags),
    }


def _system_pool(args: EksClusterArgs) -> dict[str, Any]:
    spec = args.spec
    at_least, at_most = spec.system_sizes
    inputs = {
        "clusterName": Ref(suffix="", output="name"),
        "nodeRoleArn": Ref(suffix=NODE_ROLE, output="arn"),
        "subnetIds": list(args.subnet_ids),
        "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "instanceTypes": list(spec.system_instance_types),
        "launchTemplate": {
            "id": Ref(suffix="system-template"),
            "version": Ref(suffix="system-template", output="latest_version"),
        },
        "scalingConfig": {"minSize": at_least, "desiredSize": at_least, "maxSize": at_most},
        "updateConfig": {"maxUnavailable": 1},
        "nodeRepairConfig": {"enabled": True},
        "tags": {**spec.tags, "Name": f"{spec.name}-system"},
    }
    if spec.system_release_version is not None:
        inputs["releaseVersion"] = spec.system_release_version
    return inputs
