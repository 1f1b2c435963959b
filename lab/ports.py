"""Ports of the loopback address."""

import socket

__all__ = ["free_port"]


def free_port() -> int:
    """A port that nobody listened on a moment ago; somebody may, by the time that it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
