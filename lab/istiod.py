"""istiod against a lab: Istio's control plane, which says of a Gateway, a route and a pool what it makes of them.

Built when it is first needed; `make up` neither builds nor starts it. `installation` is what its charts bring of what
it reads: CRDs, mesh config, and the template that it makes a Gateway's Deployment and Service of. There is no proxy:
whatever runs in a pod on the lab does so by kwok's word only.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from lab.build import build_tool, tool_dir
from lab.embedded import Lab
from lab.errors import LabError
from lab.ports import free_port
from lab.progress import Reporter
from lab.tools import TOOLS

__all__ = ["ISTIO_NAMESPACE", "Istiod", "installation", "istiod"]

ISTIO_NAMESPACE = "istio-system"

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Istiod:
    """A running istiod."""

    xds_port: int
    """Port on loopback where proxies get their config, in plain text."""
    http_port: int
    """Port on loopback of its debug pages."""
    log: Path


def installation() -> list[dict[str, Any]]:
    """What Istio's charts would have put on the cluster of what istiod reads; builds istiod where it is missing."""
    share = build_tool(TOOLS["istiod"], Reporter()) / "share"
    crds = [crd for crd in yaml.load_all((share / "crd-all.gen.yaml").read_text(), yaml.CSafeLoader) if crd]
    values = yaml.load((share / "values.yaml").read_text(), yaml.CSafeLoader)["_internal_defaults_do_not_set"]
    # As the chart's template for this ConfigMap picks them.
    picked = {key: values[key] for key in ("global", "sidecarInjectorWebhook", "revision")}
    picked |= {"pilot": {"cni": values.get("cni", {}), "env": values.get("env", {})}}
    picked |= {"gateways": {key: values.get("gateways", {}).get(key) for key in ("securityContext", "seccompProfile")}}
    injector = {
        "policy": "enabled",
        "defaultTemplates": [],
        "templates": {"kube-gateway": (share / "kube-gateway.yaml").read_text()},
    }
    return [
        *crds,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ISTIO_NAMESPACE}},
        _config_map("istio", {"mesh": "", "meshNetworks": "networks: {}"}),
        _config_map("istio-sidecar-injector", {"config": yaml.safe_dump(injector), "values": json.dumps(picked)}),
    ]


@contextmanager
def istiod(lab: Lab) -> Iterator[Istiod]:
    """Run istiod on a lab that has its `installation`."""
    xds, secure, http, https, monitoring = (free_port() for _ in range(5))
    command = [
        str(tool_dir("istiod") / "bin" / "pilot-discovery"),
        "discovery",
        f"--kubeconfig={lab.root / 'kubeconfig'}",
        f"--grpcAddr=127.0.0.1:{xds}",
        f"--secureGRPCAddr=127.0.0.1:{secure}",
        f"--httpAddr=127.0.0.1:{http}",
        f"--httpsAddr=127.0.0.1:{https}",
        f"--monitoringAddr=127.0.0.1:{monitoring}",
    ]
    environment = {
        "POD_NAME": "istiod",
        "POD_NAMESPACE": ISTIO_NAMESPACE,
        "ENABLE_GATEWAY_API_INFERENCE_EXTENSION": "true",
    }
    log = lab.root / "logs" / "istiod.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=lab.root, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        _wait_for(f"http://127.0.0.1:{http}/ready", process, log)
        yield Istiod(xds_port=xds, http_port=http, log=log)
    finally:
        process.kill()
        process.wait()


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": ISTIO_NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=1, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(_POLL_SECONDS)
    raise LabError(f"istiod is not ready; its log {log} ends:\n{log.read_text()[-2000:]}")
