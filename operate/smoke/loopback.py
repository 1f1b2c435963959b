"""Addresses on `lo`, by netlink: neither `ip` nor root's rights on the host are needed.

Only for a network namespace of its own, and it checks that it is in one: an address added on a host's `lo` would hide
whoever has it.
"""

import socket
import struct
from collections.abc import Iterable

from operate.errors import OperateError

__all__ = ["add_addresses", "bring_up", "require_loopback_only"]

# linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h
_NEW_LINK, _NEW_ADDRESS = 16, 20
_REQUEST, _ACKNOWLEDGE, _CREATE = 0x1, 0x4, 0x400
_LOCAL, _INTERFACE_UP = 2, 0x1
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_EXISTS = 17


def require_loopback_only() -> None:
    """Refuse any network namespace from which something could be reached.

    Raises:
        OperateError: if there is another interface than `lo`.
    """
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        raise OperateError(f"this must run in a network namespace with only lo; this one has {', '.join(names)}")


def bring_up() -> None:
    """Switch `lo` on."""
    body = _LINK.pack(socket.AF_UNSPEC, 0, socket.if_nametoindex("lo"), _INTERFACE_UP, _INTERFACE_UP)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        _ask(link, _NEW_LINK, 0, body)


def add_addresses(addresses: Iterable[str]) -> None:
    """Give `lo` these IPv4 addresses; one that is there already stays."""
    require_loopback_only()
    index = socket.if_nametoindex("lo")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        for address in addresses:
            packed = socket.inet_aton(address)
            attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _LOCAL) + packed
            _ask(link, _NEW_ADDRESS, _CREATE, _ADDRESS.pack(socket.AF_INET, 32, 0, 0, index) + attribute)


def _ask(link: socket.socket, kind: int, flags: int, body: bytes) -> None:
    """Send one request and read its acknowledgement."""
    length = _HEADER.size + len(body)
    link.send(_HEADER.pack(length, kind, _REQUEST | _ACKNOWLEDGE | flags, 1, 0) + body)
    answer = link.recv(4096)
    error = -_ERRNO.unpack_from(answer, _HEADER.size)[0]
    if error not in (0, _EXISTS):
        raise OSError(error, f"netlink request {kind}")
