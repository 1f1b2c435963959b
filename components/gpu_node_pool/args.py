"""What a GpuNodePool needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from catalog import AmiType, InstanceType
from settings.eks_pools import Capacity, LocalStorage, PlacementGroup, PoolAutoscaler

__all__ = ["GpuNodePoolArgs", "GpuNodePoolSpec", "PoolPlace"]


@dataclass(frozen=True, kw_only=True)
class GpuNodePoolSpec:
    """The pool itself: all that is known before anything exists."""

    pool: str
    """Name of the pool."""
    instance: InstanceType
    """Type of its nodes."""
    ami: AmiType
    """Kind of their AMI."""
    release_version: str
    """Release of that AMI."""
    min_size: int
    """Nodes at least."""
    desired_size: int
    """Nodes to ask for, where no autoscaler decides."""
    max_size: int
    """Nodes at most."""
    capacity: Capacity
    """How they are bought."""
    reservation_id: str | None
    """Reservation that they draw on."""
    zones: tuple[str, ...]
    """Zones of the nodes; one with EFA, a reservation or a placement group."""
    efa: bool
    """Whether they get all the EFA interfaces of their type."""
    local_storage: LocalStorage
    """What becomes of their NVMe disks."""
    placement_group: PlacementGroup
    """Whether they stand close together."""
    autoscaler: PoolAutoscaler
    """Who decides how many there are."""
    disk_size_gib: int
    """Size of the disk for images and weights, GiB."""
    labels: Mapping[str, str]
    """Labels of the nodes."""
    taints: tuple[tuple[str, str, str], ...]
    """Taints of the nodes: key, value, and Kubernetes' effect."""
    tags: Mapping[str, str]
    """Tags of every AWS resource, instances and disks too."""


@dataclass(frozen=True, kw_only=True)
class PoolPlace:
    """Where a pool stands: what the cluster and its network hand out."""

    cluster_name: pulumi.Input[str]
    """Name of the cluster, known once it takes nodes."""
    node_role_arn: pulumi.Input[str]
    """IAM role of the nodes."""
    vpc_id: pulumi.Input[str]
    """VPC of the cluster."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets, one per zone of the pool."""
    security_group_id: pulumi.Input[str] | None
    """The cluster's security group; needed for EFA."""


@dataclass(frozen=True, kw_only=True)
class GpuNodePoolArgs:
    """A pool in its place."""

    spec: GpuNodePoolSpec
    """The pool."""
    place: PoolPlace
    """Where it stands."""
