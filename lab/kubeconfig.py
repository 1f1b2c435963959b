"""The lab's kubeconfig, and the files that the control plane is started with.

Pure functions: text in, text out. Nothing is written here.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "SIMULATED_EXTENSION",
    "SIMULATED_REASON",
    "egress_config",
    "kubeconfig",
    "service_account_key",
    "token_file",
]

SIMULATED_EXTENSION = "llm-d.ai/simulated"
SIMULATED_REASON = "nodes are simulated by kwok: no pod runs, so nothing answers"

_P256_OID = bytes.fromhex("06082a8648ce3d030107")
_SEQUENCE, _INTEGER, _OCTETS, _PARAMETERS = 0x30, 0x02, 0x04, 0xA0


def kubeconfig(*, server: str, ca_certificate: bytes, token: str, name: str = "llm-d-lab") -> str:
    """A kubeconfig in JSON, which is YAML; its cluster entry says that the nodes are simulated.

    The program does not know the lab: it reads the extension, as it would on
    any other cluster whose owner says so.
    """
    extension = {"name": SIMULATED_EXTENSION, "extension": {"reason": SIMULATED_REASON}}
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(ca_certificate).decode(),
        "extensions": [extension],
    }
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"token": token}}],
    }
    return json.dumps(document, indent=2) + "\n"


def token_file(tokens: Mapping[str, str]) -> str:
    """The API server's token file, from user to token.

    All are in `system:masters`: the controllers use one identity rather than a
    service account each, which would cost a second at start.
    """
    return "".join(f'{token},{user},{user},"system:masters"\n' for user, token in sorted(tokens.items()))


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


def service_account_key() -> str:
    """A fresh P-256 private key in PEM.

    Written by hand because neither openssl nor a cryptography package is sure
    to be there. The public half may be left out: Go derives it from the scalar.
    """
    scalar = secrets.randbelow(2**255) + 1  # below the curve's order, which is just under 2**256
    body = _der(_INTEGER, b"\x01") + _der(_OCTETS, scalar.to_bytes(32, "big")) + _der(_PARAMETERS, _P256_OID)
    encoded = base64.encodebytes(_der(_SEQUENCE, body)).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded}-----END EC PRIVATE KEY-----\n"


def egress_config(root: Path, *, dials_pods: bool = False) -> str:
    """Sends all that the API server would dial inside the cluster to a socket that never exists.

    Simulated pods have addresses at which somebody else could live. `kubectl
    logs`, `exec`, `port-forward` and the proxy paths therefore fail at once and
    no packet leaves. Where pods are dialled, connections are made as usual.
    """
    transport = {"uds": {"udsName": str(root / "nothing-answers.sock")}}
    nowhere: dict[str, Any] = {"proxyProtocol": "HTTPConnect", "transport": transport}
    selection = {"name": "cluster", "connection": {"proxyProtocol": "Direct"} if dials_pods else nowhere}
    document = {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [selection],
    }
    return json.dumps(document, indent=2) + "\n"
