"""What an EksCluster needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

__all__ = ["EksClusterArgs", "EksClusterSpec"]


@dataclass(frozen=True, kw_only=True)
class EksClusterSpec:
    """The cluster itself: all that is known before anything exists."""

    name: str
    """Name of the cluster."""
    region: str
    """Region, for whoever asks for a token."""
    version: str
    """Kubernetes version."""
    public_access_cidrs: tuple[str, ...]
    """Networks that the public endpoint answers; none switches it off."""
    administrators: tuple[str, ...]
    """ARNs of IAM principals with full rights, beside the one that makes the cluster."""
    secrets_key_arn: str | None
    """KMS key for Secrets; `None` makes one."""
    deletion_protection: bool
    """Whether EKS refuses to delete it."""
    extended_support: bool
    """Whether it may outlive its version's standard support."""
    system_instance_types: tuple[str, ...]
    """Instance types of the system pool."""
    system_sizes: tuple[int, int]
    """Nodes of the system pool, at least and at most."""
    system_release_version: str | None
    """Release of the system pool's AMI; `None` leaves it to EKS."""
    addon_versions: Mapping[str, str]
    """Version per add-on; EKS' own where none is named."""
    tags: Mapping[str, str]
    """Tags of every resource."""


@dataclass(frozen=True, kw_only=True)
class EksClusterArgs:
    """A cluster in its network."""

    spec: EksClusterSpec
    """The cluster."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets in two zones or more, for the control plane and the system pool."""
