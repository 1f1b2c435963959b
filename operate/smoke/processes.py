"""The processes of one run: started, stopped, and asked what they said last.

Whoever runs inside the namespace need not stop them: they end with it.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from operate.errors import OperateError

__all__ = ["Processes", "wait_until"]

_POLL_SECONDS = 0.05
_LAST_LINES = 8
_GRACE_SECONDS = 5.0


class Processes:
    """Processes by name, each with a log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start one; of the user's variables it gets PATH alone."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End one and wait until it is gone; one that is gone already is no fault."""
        process = self._running.pop(name, None)
        if process is None:
            return
        process.kill() if kill else process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def is_running(self, name: str) -> bool:
        """Whether it was started and has not ended."""
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def require(self, name: str) -> None:
        """Make sure that it still runs.

        Raises:
            OperateError: with its last lines.
        """
        if not self.is_running(name):
            raise OperateError(f"{name} has ended; it said last:\n{self.last_lines(name)}")

    def last_lines(self, name: str) -> str:
        """The end of its log."""
        file = self.folder / f"{name}.log"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "\n".join(f"    {line[:400]}" for line in lines[-_LAST_LINES:])


def wait_until(condition: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    """Wait for a condition.

    Raises:
        OperateError: with the complaint, if it does not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise OperateError(f"{complaint()} (waited {seconds:.0f} s)")
        time.sleep(_POLL_SECONDS)
