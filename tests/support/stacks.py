"""A stack of one test: its own project folder, namespace and state, on the lab that the test is given."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import Lab
from lab.tools import KUBERNETES_PROVIDER_VERSION
from operate.workspace import Workspace

__all__ = ["CaseStack", "Result", "case_config", "on_lab"]

# A stack on EKS has some ninety resources, and tests share a machine.
_TIMEOUT_SECONDS = 400


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run of the CLI ended with."""

    code: int
    output: str
    """Standard output and error, as a user sees them."""


def case_config(lab: Lab, namespace: str, **changes: object) -> dict[str, Any]:
    """A small stack on the lab: one model of two replicas on vLLM; `changes` by key, without the namespace.

    CRDs are there and the pools advertise their GPUs themselves, so that stacks of several tests share one cluster.
    """
    config: dict[str, object] = {
        "release": "v0.4",
        "namespace": namespace,
        "crds": "existing",
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 3, "advertiser": "external"}},
        "models": {"small": {"source": "hf://Qwen/Qwen3-0.6B", "replicas": 2}},
    }
    return on_lab(lab, {f"llm-d:{key}": value for key, value in (config | changes).items()})


def on_lab(lab: Lab, config: dict[str, Any]) -> dict[str, Any]:
    """A stack's config, on a lab instead of its own cluster."""
    cluster = {
        "existing": {"kubeconfig": str(lab.root / "kubeconfig")},
        "providerVersion": KUBERNETES_PROVIDER_VERSION,
    }
    return {**config, "llm-d:cluster": cluster}


class CaseStack:
    """The CLI on one stack of one test."""

    def __init__(
        self, lab: Lab, folder: Path, name: str, config: dict[str, Any], passphrase: str | None = None
    ) -> None:
        """Write the project folder and make the stack, under a passphrase of its own if one is given."""
        self.name = name
        self._environment = {**os.environ, **lab.environment(), "NO_COLOR": "1"}
        if passphrase is not None:
            self._environment["PULUMI_CONFIG_PASSPHRASE"] = passphrase
        self._workspace = Workspace(folder)
        self.configure(config)
        self.expect(0, "stack", "init", name, "--no-select")

    @property
    def folder(self) -> Path:
        """The project folder."""
        return self._workspace.folder

    def configure(self, config: dict[str, Any]) -> None:
        """Write the stack's config."""
        self._workspace.write_stack(self.name, config)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the CLI and return at once; its output is a pipe."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--stack", self.name, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> Result:
        """Run a command of the CLI."""
        options = () if arguments[:2] == ("stack", "init") else ("--stack", self.name)
        process = subprocess.Popen(
            ["pulumi", *arguments, *options, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            output = process.communicate()[0]
            raise AssertionError(
                f"pulumi {' '.join(arguments)} took more than {_TIMEOUT_SECONDS} s\n{output}"
            ) from None
        return Result(code=process.returncode, output=output)

    def expect(self, code: int, *arguments: str) -> str:
        """Run a command that must end with `code`; its output."""
        result = self.run(*arguments)
        assert result.code == code, f"pulumi {' '.join(arguments)} ended with {result.code}\n{result.output}"
        return result.output

    def up(self) -> str:
        """`pulumi up`."""
        return self.expect(0, "up", "--yes", "--skip-preview")

    def steps(self, *options: str) -> dict[str, str]:
        """What a preview would do: operation by URN, unchanged resources left out."""
        steps = self.preview(*options)["steps"]
        return {step["urn"]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    def preview(self, *options: str) -> dict[str, Any]:
        """A preview, as the CLI tells it to programs."""
        result = subprocess.run(
            ["pulumi", "preview", "--json", "--stack", self.name, "--non-interactive", *options],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def state(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        exported = json.loads(self.expect(0, "stack", "export"))
        return list(exported["deployment"].get("resources") or [])

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.expect(0, "stack", "output", "--json"))
        return found
