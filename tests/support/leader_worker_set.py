"""The real LeaderWorkerSet controller on a lab, as a cluster has it that says `controllers.leaderWorkerSet: existing`.

Its webhooks number the pods of a group, so it does nothing without them: they get a certificate for the loopback
address, at which the lab's API server calls them.
"""

import base64
import datetime as dt
import ipaddress
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab import Lab
from lab.build import tool_dir
from lab.ports import free_port
from tests.support.clusters import Kubectl

__all__ = ["leader_worker_set_controller"]

_CRD = "leaderworkerset.x-k8s.io_leaderworkersets.yaml"
_READY_SECONDS = 30.0
# As config/webhook/manifests.yaml of LeaderWorkerSet 0.7 has them: kind of webhook, what, path.
_WEBHOOKS = (
    ("Mutating", "leaderworkersets", "mutate-leaderworkerset-x-k8s-io-v1-leaderworkerset"),
    ("Mutating", "pods", "mutate--v1-pod"),
    ("Validating", "leaderworkersets", "validate-leaderworkerset-x-k8s-io-v1-leaderworkerset"),
    ("Validating", "pods", "validate--v1-pod"),
)


@contextmanager
def leader_worker_set_controller(lab: Lab, kubectl: Kubectl, folder: Path) -> Iterator[None]:
    """Install the CRD and run the controller; its log is in `folder`."""
    folder.mkdir()
    port, metrics, health = (free_port() for _ in range(3))
    certificate = _certificate(folder)
    kubectl.apply(yaml.safe_load((tool_dir("lws") / "share" / _CRD).read_text()))
    configuration = {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "webhook": {"port": port, "host": "127.0.0.1", "certDir": str(folder)},
        "metrics": {"bindAddress": f"127.0.0.1:{metrics}"},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{health}"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(tool_dir("lws") / "bin" / "lws"), f"--config={folder / 'config.yaml'}"],
            env={**os.environ, "KUBECONFIG": str(lab.root / "kubeconfig"), "LWS_NAMESPACE": "lws-system"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, folder / "log")
        kubectl.apply(*_webhooks(port, certificate))
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"the LeaderWorkerSet controller does not answer:\n{log.read_text()[-2000:]}")


def _certificate(folder: Path) -> bytes:
    """A self-signed certificate for the loopback address, as files that the controller reads; in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lws-webhook")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "tls.crt").write_bytes(pem)
    (folder / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem


def _webhooks(port: int, certificate: bytes) -> list[dict[str, Any]]:
    found = []
    for kind in ("Mutating", "Validating"):
        hooks = [_webhook(what, path, port, certificate) for own, what, path in _WEBHOOKS if own == kind]
        found.append(
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": f"{kind}WebhookConfiguration",
                "metadata": {"name": "lws"},
                "webhooks": hooks,
            }
        )
    return found


def _webhook(what: str, path: str, port: int, certificate: bytes) -> dict[str, Any]:
    group, version = ("", "v1") if what == "pods" else ("leaderworkerset.x-k8s.io", "v1")
    hook: dict[str, Any] = {
        "name": f"{path.partition('-')[0]}.{what}.lws.x-k8s.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {
            "url": f"https://127.0.0.1:{port}/{path}",
            "caBundle": base64.b64encode(certificate).decode(),
        },
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": [version],
                "operations": ["CREATE", "UPDATE"],
                "resources": [what],
            }
        ],
    }
    if what == "pods":
        # As config/webhook/*-patch.yaml: only pods of a LeaderWorkerSet.
        hook["objectSelector"] = {
            "matchExpressions": [{"key": "leaderworkerset.sigs.k8s.io/name", "operator": "Exists"}]
        }
    return hook
