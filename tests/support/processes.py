"""Whether a process still runs, as a test means it."""

import time

import psutil

__all__ = ["ends", "runs"]


def runs(pid: int) -> bool:
    """Whether it runs. A zombie does not: a container's first process may reap orphans late, or never."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(pid: int, seconds: float) -> bool:
    """Whether it ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(pid)
