"""IPv4 networks as config keys write them."""

import ipaddress

__all__ = ["ipv4_network"]


def ipv4_network(value: str) -> ipaddress.IPv4Network:
    """A network in CIDR notation.

    Raises:
        ValueError: if it is none, or names a host in it.
    """
    try:
        return ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError("must be an IPv4 network such as 10.0.0.0/16, its host bits zero") from error
