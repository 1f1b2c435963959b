"""Starts moto in server mode on loopback and stops it; and writes what the engine needs to find the stand-in."""

import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from lab import process
from lab.errors import LabError
from lab.paths import CHECKOUT
from lab.ports import free_port

__all__ = ["AwsEmulator"]

_SETTINGS = "aws.json"
_SECONDS = 60.0
_POLL_SECONDS = 0.05


class AwsEmulator:
    """The emulated AWS of one lab. What it holds is in its memory: it ends with the process."""

    def __init__(self, root: Path) -> None:
        """Speak of the lab below `root`."""
        self.root = root

    @property
    def state_file(self) -> Path:
        """Which process it is."""
        return self.root / "run" / "moto.json"

    @property
    def endpoint(self) -> str:
        """URL of the API."""
        try:
            return str(json.loads((self.root / _SETTINGS).read_text())["endpoint"])
        except (OSError, ValueError, KeyError):
            raise LabError("the lab has no AWS; start it with: python -m lab up --stack <a stack on EKS>") from None

    def start(self, say: Callable[[str], None]) -> None:
        """Start it unless it runs."""
        self.install()
        identity = process.read_identity(self.state_file)
        if identity is not None and process.alive(identity):
            return
        if identity is not None:
            say("the emulated AWS is gone: starting from an empty account")
        port = free_port()
        (self.root / "aws-store.json").unlink(missing_ok=True)
        process.start(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            log=self.root / "logs" / "moto.log",
            state=self.state_file,
            folder=self.root,
            # IAM's managed policies are loaded on demand only; nodes and add-ons refer to them.
            environment={"PATH": os.defpath, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )
        process.write_private(self.root / _SETTINGS, json.dumps({"endpoint": f"http://127.0.0.1:{port}"}) + "\n")
        self._wait(port)

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if not process.alive(process.read_identity(self.state_file)):
                break
            time.sleep(_POLL_SECONDS)
        raise LabError(f"the emulated AWS did not start; its log is {self.root / 'logs' / 'moto.log'}")

    def stop(self) -> None:
        """Stop it; all that it holds is gone."""
        process.stop([self.state_file], grace_seconds=0)

    def install(self) -> None:
        """Put the plug-in where the engine looks for it, and with it the `aws` that a kubeconfig of EKS asks."""
        plugin = self.root / "pulumi" / "plugins" / f"resource-aws-v{version('pulumi-aws')}"
        plugin.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.root / "bin").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_launcher(plugin / "pulumi-resource-aws", "lab.aws.plugin")
        self._write_launcher(self.root / "bin" / "aws", "lab.aws.token")

    def _write_launcher(self, path: Path, module: str) -> None:
        command = shlex.join([sys.executable, "-P", "-m", module, str(self.root)])
        process.write_private(path, f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(CHECKOUT))} exec {command} "$@"\n')
        path.chmod(0o700)
