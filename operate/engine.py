"""Running the `pulumi` CLI for a stack: in a project folder, with an environment, its output shown as it comes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.errors import OperateError

__all__ = ["Pulumi"]


@dataclass(frozen=True, kw_only=True)
class Pulumi:
    """The CLI for one stack.

    Args:
        folder: Project folder.
        stack: Name of the stack.
        environment: Variables over the ones that are there.
    """

    folder: Path
    stack: str
    environment: Mapping[str, str]

    def select(self) -> None:
        """Make sure that the stack is there."""
        # A stack that is there is selected by --stack of each command: no selection is written to the workspace.
        found = self._check(["stack", "ls", "--json"])
        names = [str(item["name"]).rpartition("/")[2] for item in json.loads(found.stdout)]
        if self.stack not in names:
            self._check(["stack", "init", self.stack, "--no-select"])

    def up(self, *options: str, quiet: bool = False) -> None:
        """`pulumi up`, shown as it runs or, if `quiet`, only where it fails."""
        run = self._check if quiet else self._show
        run(["up", *options])

    def preview(self, *options: str) -> None:
        """`pulumi preview`, shown as it runs."""
        self._show(["preview", *options])

    def preview_events(self, *options: str) -> tuple[bool, list[dict[str, Any]]]:
        """`pulumi preview`, as the engine's own events; whether it came to its end without an error.

        Raises:
            OperateError: if the CLI did not get as far as a preview.
        """
        streaming = Pulumi(
            folder=self.folder,
            stack=self.stack,
            environment={**self.environment, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
        )
        done = streaming._run(["preview", "--json", *options], capture=True)
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if not events:
            raise OperateError(f"`pulumi preview` of stack {self.stack} failed:\n{done.stderr or done.stdout}")
        return done.returncode == 0, events

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        result: dict[str, Any] = json.loads(self._check(["stack", "output", "--json"]).stdout)
        return result

    def set_secret(self, path: str, value: str) -> None:
        """Set a config secret."""
        self._check(["config", "set", "--secret", "--path", path, value])

    def _show(self, arguments: Sequence[str]) -> None:
        if self._run(arguments, capture=False).returncode != 0:
            raise OperateError(f"`pulumi {arguments[0]}` of stack {self.stack} failed; what it said is above")

    def _check(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        result = self._run(arguments, capture=True)
        if result.returncode != 0:
            raise OperateError(f"`pulumi {' '.join(arguments)}` failed:\n{result.stderr or result.stdout}")
        return result

    def _run(self, arguments: Sequence[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment}
        program = shutil.which("pulumi", path=environment["PATH"])
        if program is None:
            raise OperateError(
                "there is no `pulumi` on PATH; install the Pulumi CLI (https://www.pulumi.com/docs/install)"
            )
        options = [] if arguments[:2] in (["stack", "ls"], ["stack", "init"]) else ["--stack", self.stack]
        # In a terminal the engine draws its live tree; elsewhere it prints a line per step.
        if capture or not sys.stdout.isatty():
            options.append("--non-interactive")
        return subprocess.run(
            [program, *arguments, *options],
            cwd=self.folder,
            env=environment,
            check=False,
            text=True,
            capture_output=capture,
        )
