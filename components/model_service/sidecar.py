"""The routing sidecar in a decode pod; pure.

An init container that is always restarted, as llm-d has it: it is there before the engine and goes after it, so that
no request finds the pool's port closed. Prefill servers have none: they are reached at the same port directly.
"""

from typing import Any

from components import pods
from components.model_service.args import RoutingSidecar
from engines import KvTransfer
from settings.sidecar import SIDECAR_CPU_MILLICORES, SIDECAR_MEMORY_MIB

__all__ = ["CONTAINER", "container"]

CONTAINER = "routing-proxy"


def container(sidecar: RoutingSidecar, transfer: KvTransfer, *, port: int, port_name: str) -> dict[str, Any]:
    """The sidecar on the pool's port, in front of the engine on its own."""
    dialect = sidecar.dialect
    env = [{"name": name, "value": value} for name, value in sorted(transfer.sidecar_env.items())]
    return {
        "name": CONTAINER,
        "image": sidecar.image,
        "restartPolicy": "Always",
        "args": [
            f"--{dialect.port_flag}={port}",
            f"--{dialect.engine_port_flag}={dialect.engine_port}",
            f"--{dialect.connector_flag}={dialect.connectors[transfer.protocol]}",
            *dialect.args,
        ],
        **({"env": env} if env else {}),
        "ports": [{"name": port_name, "containerPort": port, "protocol": "TCP"}],
        # It answers this path itself; every other it passes on.
        "readinessProbe": pods.http_probe("/health", port_name, period=5, timeout=5, failures=3),
        "resources": {
            "requests": {"cpu": f"{SIDECAR_CPU_MILLICORES}m", "memory": f"{SIDECAR_MEMORY_MIB}Mi"},
            "limits": {"memory": f"{8 * SIDECAR_MEMORY_MIB}Mi"},
        },
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
    }
