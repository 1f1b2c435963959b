"""The engine's names of properties, as Pulumi's Python SDKs have them in keyword arguments; pure."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["keywords"]


def keywords(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs by the names of an SDK class's arguments: `clusterIP` is `cluster_ip`. What is nested keeps its names."""
    return {_snake(key): value for key, value in inputs.items()}


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
