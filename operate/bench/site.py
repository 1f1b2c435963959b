"""The benchmark's own lab and the commands that are timed on it.

The user's `.lab` takes no part. All is in one temporary folder; whatever ends the run, no process and no file stays.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from lab import Lab
from operate.errors import OperateError

__all__ = ["Outcome", "Site", "temporary_site"]


@dataclass(frozen=True)
class Outcome:
    """A command that ended well."""

    seconds: float
    output: str
    """What it wrote to standard output."""


@dataclass(frozen=True)
class Site:
    """A temporary folder with a lab in it."""

    root: Path
    lab: Lab

    def run(self, command: Sequence[str], folder: Path | None = None) -> Outcome:
        """Run a command in the lab's environment, timed.

        Raises:
            OperateError: if it fails, with what it said.
        """
        return _run(command, folder or self.root, {**os.environ, **self.lab.environment()})

    def kubectl(self, *arguments: str) -> Outcome:
        """Run kubectl against the lab."""
        return self.run(["kubectl", *arguments])


@contextmanager
def temporary_site() -> Iterator[Site]:
    """A site whose lab is not up yet; at the end, an interrupt's too, all of it is gone."""
    with _terminated_as_interrupted():
        root = Path(tempfile.mkdtemp(prefix="llm-d-bench-"))
        # kubectl is the lab's own: a comparison against whatever is on PATH could not be repeated.
        site = Site(root, Lab(root / "lab", own_kubectl=True))
        try:
            yield site
        finally:
            _remove(site)


def _remove(site: Site) -> None:
    # A second Ctrl-C would leave a control plane behind; this takes a second.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        site.lab.down()
        shutil.rmtree(site.root)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Outcome:
    started = time.monotonic()
    before = {child.pid for child in psutil.Process().children()}
    try:
        # A session of its own: Ctrl-C is ours to handle, and the engine's words about it would land in the table.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        output, errors = process.communicate()
    except BaseException:
        # An interrupt may come when the command runs and has no name here yet: what is new is the command.
        for child in psutil.Process().children():
            if child.pid not in before:
                _kill_tree(child.pid)
        raise
    seconds = time.monotonic() - started
    if process.returncode != 0:
        raise OperateError(f"`{' '.join(command)}` failed, so there is no figure:\n{output}{errors}")
    return Outcome(seconds, output)


def _kill_tree(pid: int) -> None:
    """Kill a process and all that it started: an engine that is killed alone leaves its plugins behind."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
