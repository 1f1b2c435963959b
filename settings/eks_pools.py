"""What a GPU node pool says for EKS, where the cluster layer makes it; elsewhere these keys only describe."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.base import SettingsModel
from settings.eks import Zone

__all__ = ["Capacity", "EksPoolSettings", "LocalStorage", "PlacementGroup", "PoolAutoscaler", "Provisioner"]


class Capacity(StrEnum):
    """How the pool's instances are bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    """Interruptible: two minutes' notice."""
    CAPACITY_BLOCK = "capacity-block"
    """A capacity block for ML, reserved for some days; `reservationId` names it."""
    RESERVATION = "reservation"
    """An on-demand capacity reservation; `reservationId` names it."""

    @property
    def is_reserved(self) -> bool:
        """Whether it draws on a reservation, which it has to name."""
        return self in (Capacity.CAPACITY_BLOCK, Capacity.RESERVATION)


class LocalStorage(StrEnum):
    """What becomes of the instance's NVMe disks."""

    NONE = "none"
    """Nothing: images and weights go to the EBS disk."""
    RAID0 = "raid0"
    """One striped volume for kubelet and containerd: images, and the weights that pods download."""


class PlacementGroup(StrEnum):
    """Whether the pool's instances stand close together."""

    NONE = "none"
    CLUSTER = "cluster"
    """In one cluster placement group; never with a reservation that was not made in it."""


class PoolAutoscaler(StrEnum):
    """Who decides how many nodes there are."""

    NONE = "none"
    """This stack: `desiredSize`."""
    CLUSTER_AUTOSCALER = "cluster-autoscaler"
    """The Cluster Autoscaler of the cluster, between `minSize` and `maxSize`; the stack leaves the size alone."""


class Provisioner(StrEnum):
    """Who makes the nodes."""

    MANAGED_NODE_GROUP = "managed-node-group"
    """An EKS managed node group with a launch template of its own."""
    KARPENTER = "karpenter"
    """A Karpenter NodePool and EC2NodeClass; `controllers.karpenter` says that the controller is there."""


def _reservation_id(value: str) -> str:
    if not value.startswith("cr-"):
        raise ValueError("must be the id of a capacity reservation or capacity block, such as cr-0123456789abcdef0")
    return value


class EksPoolSettings(SettingsModel):
    """The part of a pool that only EKS needs."""

    desired_size: int | None = Field(default=None, ge=0)
    """Nodes that this stack asks for, where no autoscaler is named. Default: `minSize`."""
    autoscaler: PoolAutoscaler = Field(default=PoolAutoscaler.NONE, strict=False)
    provisioner: Provisioner = Field(default=Provisioner.MANAGED_NODE_GROUP, strict=False)
    capacity: Capacity = Field(default=Capacity.ON_DEMAND, strict=False)
    reservation_id: Annotated[str, AfterValidator(_reservation_id)] | None = None
    """Capacity reservation or capacity block, `cr-...`."""
    zones: tuple[Zone, ...] = Field(default=(), strict=False)
    """Zones of the pool's nodes. Default: the network's. EFA, reservations and placement groups live in one."""
    ami_type: str | None = None
    """EKS' own word for the nodes' AMI. Default: `AL2023_x86_64_NVIDIA`. It decides who advertises the GPUs."""
    release_version: str | None = None
    """Release of that AMI, such as `1.34.1-20260810`: without a pin every `up` might roll the nodes."""
    efa: bool = False
    """Whether nodes get all the EFA interfaces that their type has."""
    local_storage: LocalStorage = Field(default=LocalStorage.NONE, strict=False)
    placement_group: PlacementGroup = Field(default=PlacementGroup.NONE, strict=False)
    usd_per_hour: float | None = Field(default=None, gt=0)
    """Price of a node in US dollars per hour, for the estimate. Default: the catalogue's on-demand price."""
