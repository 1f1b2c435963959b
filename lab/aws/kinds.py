"""Every type that the stand-in knows, by token: exactly those that the program makes."""

from lab.aws import cluster, machines, network
from lab.aws.resource import Kind

__all__ = ["KINDS"]

KINDS: dict[str, Kind] = {kind.type: kind for kind in (*network.KINDS, *machines.KINDS, *cluster.KINDS)}
