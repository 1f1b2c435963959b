"""Starts daemons, finds them again, and stops them.

A process is known by pid, start time and boot: a state file that outlived its
process never leads to a stranger who has inherited the pid. Daemons run in a
session of their own with their own log, so they outlive the command that
started them and hold none of its pipes open.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from lab.errors import LabError

__all__ = ["Identity", "alive", "boot_id", "identify", "read_identity", "start", "stop", "write_private"]

_CLOCK_TOLERANCE_SECONDS = 2.0
"""The boot time that start times are computed from moves when the clock is set; a pid is not reused that fast."""

_KILL_SECONDS = 5.0
"""A killed process of some hundred MB takes a moment to be gone."""

_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Daemons of this very process: only their parent can reap them, and an unreaped one looks alive."""


@dataclass(frozen=True)
class Identity:
    """One process, for ever."""

    pid: int
    create_time: float
    boot: str


def boot_id() -> str:
    """Differs after each boot, so that no pid of an earlier boot is taken for ours."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return str(int(psutil.boot_time()))


def identify(pid: int) -> Identity | None:
    """The identity of a running process."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        _children.pop(pid, None)
        return None
    try:
        process = psutil.Process(pid)
        # Of an own child only reaping counts: while a process of many threads
        # ends, it looks like a zombie and still holds its ports.
        if child is None and process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid, process.create_time(), boot_id())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def alive(identity: Identity | None) -> bool:
    """Whether this very process still runs."""
    if identity is None:
        return False
    now = identify(identity.pid)
    return (
        now is not None
        and now.boot == identity.boot
        and abs(now.create_time - identity.create_time) < _CLOCK_TOLERANCE_SECONDS
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def read_identity(state: Path) -> Identity | None:
    """The identity in a state file, or None where there is none or it is damaged."""
    try:
        return Identity(**json.loads(state.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def start(command: Sequence[str], *, log: Path, state: Path, folder: Path, environment: Mapping[str, str]) -> Identity:
    """Start a daemon and record who it is."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)
    _children[process.pid] = process
    identity = identify(process.pid)
    if identity is None:
        raise LabError(f"{command[0]} ended at once; its log is {log}")
    write_private(state, json.dumps(asdict(identity)))
    return identity


def _signal(identity: Identity, kill: bool) -> None:  # noqa: FBT001 - private, two call sites
    if alive(identity):
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(identity.pid)
            process.kill() if kill else process.terminate()


def stop(states: Iterable[Path], grace_seconds: float = 5.0) -> None:
    """Stop the daemons of these state files together, and forget them."""
    files = list(states)
    identities = [identity for file in files if (identity := read_identity(file)) is not None]
    for kill in (False, True):
        for identity in identities:
            _signal(identity, kill)
        deadline = time.monotonic() + (_KILL_SECONDS if kill else grace_seconds)
        while any(alive(identity) for identity in identities) and time.monotonic() < deadline:
            time.sleep(0.02)
    for file in files:
        file.unlink(missing_ok=True)
