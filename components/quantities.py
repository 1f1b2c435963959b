"""Quantities as Kubernetes itself writes them; pure.

A webhook that writes an object anew writes its quantities in the canonical form, and an object that was sent in
another one looks changed for ever after. Types that the API server knows keep what they were sent.
"""

from typing import Any

from settings.base import parse_cpu

__all__ = ["canonical"]

_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi")
_STEP = 1024


def canonical(spec: Any) -> Any:  # noqa: ANN401 - any part of a pod's spec
    """A pod's spec with every quantity of its resources and volumes in canonical form."""
    if isinstance(spec, dict):
        return {key: _quantities(key, value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [canonical(item) for item in spec]
    return spec


def _quantities(key: str, value: Any) -> Any:  # noqa: ANN401 - any part of a pod's spec
    if key in {"requests", "limits"}:
        return {name: _cpu(text) if name == "cpu" else _binary(text) for name, text in value.items()}
    return _binary(value) if key == "sizeLimit" else canonical(value)


def _cpu(text: str) -> str:
    millicores = parse_cpu(text)
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def _binary(text: str) -> str:
    number, suffix = text[:-2], text[-2:]
    if suffix not in _BINARY:
        return text
    value, step = int(number), _BINARY.index(suffix)
    while value % _STEP == 0 and step + 1 < len(_BINARY):
        value, step = value // _STEP, step + 1
    return f"{value}{_BINARY[step]}"
