"""What a test puts on a lab in the place of others: kinds of operators that are not there, a gateway controller.

None of it proves anything about those operators: the CRDs take every field, and the controller says yes.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from lab import Lab
from operate.smoke.stand_ins import permissive_crd
from releases import RELEASES
from releases.crd_store import read_crd

__all__ = ["Kubectl", "crds_of", "gateway_controller", "permissive_crd", "status_writer"]


class Kubectl:
    """kubectl on one lab."""

    def __init__(self, lab: Lab) -> None:
        """Speak to `lab`."""
        self._environment = {**os.environ, **lab.environment()}

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run a command that must succeed; its standard output."""
        done = subprocess.run(
            ["kubectl", *arguments], env=self._environment, input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def objects(self, kinds: str, *options: str) -> list[dict[str, Any]]:
        """Objects on the cluster."""
        return list(json.loads(self("get", kinds, *options, "--output", "json"))["items"])

    def wait_for_replicas(self, namespace: str, deployment: str, replicas: int) -> None:
        """Wait until somebody has scaled a Deployment, and so many pods of it are available."""
        condition = f"--for=jsonpath={{.status.availableReplicas}}={replicas}"
        self("wait", "--namespace", namespace, f"deployment/{deployment}", condition, "--timeout=90s")

    def apply(self, *documents: object) -> None:
        """Apply objects and, of CRDs, wait until they are established."""
        text = yaml.safe_dump_all(documents)
        self("apply", "--server-side", "--filename", "-", text=text)
        crds = [item for item in documents if isinstance(item, dict) and item["kind"] == "CustomResourceDefinition"]
        for crd in crds:
            self._wait_for_crd(f"crd/{crd['metadata']['name']}")

    def _wait_for_crd(self, crd: str) -> None:
        """Not by `kubectl wait`: in its first instant a CRD has null for conditions, which that takes for an error."""
        deadline = time.monotonic() + 30
        while "Established" not in self._true_conditions(crd):
            assert time.monotonic() < deadline, f"{crd} is not established"
            time.sleep(0.1)

    def _true_conditions(self, name: str) -> list[str]:
        status = json.loads(self("get", name, "--output", "json")).get("status", {})
        return [item["type"] for item in status.get("conditions") or [] if item["status"] == "True"]


def crds_of(release: str) -> list[dict[str, object]]:
    """The line's CRDs, as somebody else would have installed them."""
    return [read_crd(file) for bundle in RELEASES[release].crd_bundles for file in bundle.files]


@contextmanager
def gateway_controller(kubectl: Kubectl, namespace: str, name: str) -> Iterator[None]:
    """Set a Gateway's condition Programmed as soon as it is there, as its controller would."""
    condition = {
        "type": "Programmed",
        "status": "True",
        "reason": "Programmed",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    # By its full name: Istio has a Gateway too, and kubectl remembers the first that it found.
    kind = "gateways.gateway.networking.k8s.io"
    with status_writer(kubectl, namespace, kind, name, {"conditions": [condition]}):
        yield


@contextmanager
def status_writer(kubectl: Kubectl, namespace: str, kind: str, name: str, status: dict[str, Any]) -> Iterator[None]:
    """Give an object a status as soon as it is there, as whoever is not on the lab would; once."""
    stop = threading.Event()
    patch = json.dumps({"status": status})
    command = ["patch", kind, name, "--namespace", namespace, "--subresource=status", "--type=merge"]

    def run() -> None:
        while not stop.wait(0.5):
            try:
                kubectl(*command, "--patch", patch)
            except AssertionError:
                continue
            return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
