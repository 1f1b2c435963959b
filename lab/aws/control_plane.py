"""The lab's API server as the endpoint of an emulated EKS cluster."""

import base64
import json
from pathlib import Path

__all__ = ["authority", "endpoint"]


def endpoint(root: Path) -> str:
    """URL of the lab's API server, which may have moved since the cluster was made."""
    return f"https://127.0.0.1:{json.loads((root / 'lab.json').read_text())['port']}"


def authority(root: Path) -> str:
    """Its certificate, base64."""
    return base64.b64encode((root / "certificates" / "apiserver.crt").read_bytes()).decode()
