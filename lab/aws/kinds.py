"""Every type that the stand-in knows, by token: exactly those that the program makes."""

from lab.aws import cluster, gateways, machines, routes, security_groups, vpc
from lab.aws.resource import Kind

__all__ = ["KINDS"]

_NOUNS = (vpc, gateways, routes, security_groups, machines, cluster)

KINDS: dict[str, Kind] = {kind.type: kind for noun in _NOUNS for kind in noun.KINDS}
