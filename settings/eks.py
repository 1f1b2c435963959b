"""EKS: the cluster that a stack makes, or the one whose node pools it makes; and where it runs.

Every zone, subnet and identifier is said, none is looked up: a plan never dials AWS, and an inferred zone that changes
later would replace node groups (pulumi-eks#1564).
"""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from settings.base import FrozenMap, SettingsModel
from settings.networks import ipv4_network

__all__ = [
    "EksSettings",
    "ExistingEks",
    "ExistingNetwork",
    "KarpenterSettings",
    "NatGateways",
    "NetworkSettings",
    "SubnetId",
    "SystemPoolSettings",
    "Zone",
]

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d", re.ASCII)
_ZONE = re.compile(rf"(?P<region>{_REGION.pattern})(?P<letter>[a-f])", re.ASCII)
_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:.+", re.ASCII)

_VPC_PREFIXES = range(16, 21)
_MIN_ZONES = 2


def _matching(pattern: str, meaning: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {meaning}")
        return value

    return AfterValidator(check)


def _vpc_cidr(value: str) -> str:
    network = ipv4_network(value)
    if network.prefixlen not in _VPC_PREFIXES or not network.is_private:
        raise ValueError("must be a private network from /16 to /20: each zone gets two subnets, a sixteenth each")
    return value


def _client_cidr(value: str) -> str:
    if ipv4_network(value).prefixlen == 0:
        raise ValueError("opens the API server to everyone; name the networks that operators and CI come from")
    return value


Region = Annotated[str, _matching(_REGION.pattern, "an AWS region such as us-west-2")]
Zone = Annotated[str, _matching(_ZONE.pattern, "an availability zone such as us-west-2a; local zones have no EKS")]
SubnetId = Annotated[str, _matching(r"subnet-[0-9a-f]{8,17}", "a subnet's id such as subnet-0123456789abcdef0")]
VpcId = Annotated[str, _matching(r"vpc-[0-9a-f]{8,17}", "a VPC's id such as vpc-0123456789abcdef0")]
SecurityGroupId = Annotated[str, _matching(r"sg-[0-9a-f]{8,17}", "a security group's id such as sg-0123456789abcdef0")]
Arn = Annotated[str, _matching(_ARN.pattern, "an ARN such as arn:aws:iam::111122223333:role/operators")]
ClusterName = Annotated[
    str, _matching(_CLUSTER_NAME.pattern, "an EKS cluster's name: letters, digits, '-' and '_', 100 at most")
]
KubernetesVersion = Annotated[str, _matching(r"1\.\d{2}", "a Kubernetes version in quotes, such as '1.34'")]


class NatGateways(StrEnum):
    """How private subnets reach the outside, for images and weights."""

    SINGLE = "single"
    """One for all zones: cheaper, and a zone's end cuts the others off."""
    PER_ZONE = "per-zone"
    """One per zone: traffic stays in its zone."""


class ExistingNetwork(SettingsModel):
    """A VPC that this stack did not make."""

    vpc_id: VpcId
    """The VPC."""
    subnets: FrozenMap[Zone, SubnetId]
    """One private subnet per zone, by zone; they have to reach image registries and the EKS API."""


class NetworkSettings(SettingsModel):
    """The network of the cluster: `zones` for one of its own, or `existing`."""

    zones: tuple[Zone, ...] = Field(default=(), strict=False)
    """Availability zones of a new VPC: two at least, for the control plane. A subnet's range follows from its zone's
    letter, so a zone that is added later moves no other."""
    cidr: Annotated[str, AfterValidator(_vpc_cidr)] = "10.0.0.0/16"
    """Range of a new VPC."""
    nat_gateways: NatGateways = Field(default=NatGateways.SINGLE, strict=False)
    existing: ExistingNetwork | None = None
    """A VPC with its subnets, by id."""

    @model_validator(mode="after")
    def _one(self) -> "NetworkSettings":
        if bool(self.zones) == (self.existing is not None):
            raise ValueError("exactly one of zones, existing says which network")
        if self.zones and len(set(self.zones)) < _MIN_ZONES:
            raise ValueError("zones needs two different zones at least: EKS' control plane has a foot in each")
        return self

    @property
    def zone_names(self) -> tuple[str, ...]:
        """Every zone that there is a subnet in, sorted."""
        return tuple(sorted(set(self.zones) if self.existing is None else self.existing.subnets))


class ExistingEks(SettingsModel):
    """A cluster that is there: this stack makes node pools in it, and never touches the cluster itself."""

    kubeconfig: str | None = None
    """Kubeconfig file, as `aws eks update-kubeconfig` writes it; default as for `cluster.existing.kubeconfig`."""
    context: str | None = None
    """Context of that kubeconfig. Default: its current context."""
    node_role_arn: Arn
    """IAM role of the nodes, which has access to the cluster already."""
    security_group: SecurityGroupId | None = None
    """The cluster security group; needed for pools with EFA, whose interfaces have to name it."""


class KarpenterSettings(SettingsModel):
    """Karpenter, which runs in the cluster already: this stack makes its NodePools, never the controller."""

    node_role: str
    """Name (not ARN) of the IAM role that Karpenter's nodes get."""


class SystemPoolSettings(SettingsModel):
    """Nodes without a GPU, for everything that is no model server; only on a cluster that this stack makes."""

    instance_types: tuple[str, ...] = Field(default=("m7i.xlarge",), strict=False, min_length=1)
    """EC2 instance types, amd64."""
    min_size: int = Field(default=2, ge=1)
    """Nodes at least."""
    max_size: int = Field(default=4, ge=1, le=450)
    """Nodes at most. EKS allows 450 per node group."""
    release_version: str | None = None
    """Release of the AL2023 AMI. Default: EKS' newest when the pool is made; later ones are no change."""

    @model_validator(mode="after")
    def _sizes(self) -> "SystemPoolSettings":
        if self.min_size > self.max_size:
            raise ValueError(f"minSize {self.min_size} is greater than maxSize {self.max_size}")
        return self


class EksSettings(SettingsModel):
    """A cluster on EKS, and the GPU node pools in it."""

    name: ClusterName
    """Name of the cluster."""
    region: Region
    """AWS region."""
    version: KubernetesVersion
    """Kubernetes version; of an existing cluster, the one that it has."""
    network: NetworkSettings
    existing: ExistingEks | None = None
    """Take the cluster of this name instead of making it."""
    public_access_cidrs: tuple[Annotated[str, AfterValidator(_client_cidr)], ...] = Field(default=(), strict=False)
    """Networks from which the API server's public endpoint answers. Default: it has none, and `pulumi` has to run where
    it reaches the private one."""
    administrators: tuple[Arn, ...] = Field(default=(), strict=False)
    """IAM roles and users with full rights in the cluster, beside the one that makes it."""
    secrets_key_arn: Arn | None = None
    """KMS key that encrypts Secrets. Default: a key of the stack's own."""
    deletion_protection: bool = False
    """Whether EKS refuses to delete the cluster, and the engine its key; `destroy` then needs an `up` without it
    first."""
    extended_support: bool = False
    """Whether the cluster may outlive its version's standard support, at AWS' surcharge; else EKS upgrades it."""
    system_pool: SystemPoolSettings = Field(default_factory=SystemPoolSettings)
    addon_versions: FrozenMap[str, str] = Field(default_factory=dict, validate_default=True)
    """Version per EKS add-on, such as `vpc-cni: v1.20.4-eksbuild.2`. Default: EKS' own for the cluster's version."""
    karpenter: KarpenterSettings | None = None
    """What pools with `provisioner: karpenter` need to know."""
    tags: FrozenMap[str, str] = Field(default_factory=dict, validate_default=True)
    """Tags of every AWS resource."""
