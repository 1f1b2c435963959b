"""What a Network needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NetworkArgs"]


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """A VPC in some zones."""

    cidr: str
    """Range of the VPC."""
    zones: tuple[str, ...]
    """Availability zones, two at least; a subnet's range follows from its zone's letter alone."""
    region: str
    """Region, for the name of S3's endpoint."""
    nat_per_zone: bool = False
    """One NAT gateway per zone instead of one for all."""
    cluster: str
    """Name of the cluster, for names and tags."""
    tags: Mapping[str, str]
    """Tags of every resource."""

    @property
    def nat_zones(self) -> tuple[str, ...]:
        """Zones with a NAT gateway."""
        return tuple(sorted(self.zones)[: None if self.nat_per_zone else 1])
