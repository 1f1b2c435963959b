"""A small valid config, and changes to it by path: what tests of settings, plans and layers start from."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from settings import ConfigFaultsError, Fault, StackSettings, validate
from settings.models import SecretMark
from stacks import StackPlan, plan_stack

__all__ = ["REMOVED", "SECRET", "config", "faults", "plan", "settings"]

REMOVED = object()
"""As a change: the key is not there."""

SECRET = SecretMark()
"""Stands for a secret, as `load_config` and `load_stack_file` put it there."""

_MINIMAL: Mapping[str, Any] = {
    "release": "v0.4",
    "cluster": {"manifests": "out"},
    "gpuPools": {"l4": {"instanceType": "g6.xlarge", "maxSize": 3}},
    "models": {"qwen": {"source": "hf://Qwen/Qwen3-0.6B"}},
}


def config(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The minimal config with changes by dotted path; mappings on the way are made."""
    raw: dict[str, Any] = deepcopy(dict(_MINIMAL))
    for path, value in (changes or {}).items():
        *parents, key = path.split(".")
        target = raw
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is REMOVED:
            del target[key]
        else:
            target[key] = deepcopy(value)
    return raw


def settings(changes: Mapping[str, Any] | None = None) -> StackSettings:
    """Settings of the minimal config with changes."""
    return validate(config(changes))


def faults(changes: Mapping[str, Any]) -> list[Fault]:
    """Every fault of the minimal config with changes, in the order of the message; none is an empty list."""
    try:
        validate(config(changes))
    except ConfigFaultsError as error:
        return list(error.faults)
    return []


def plan(changes: Mapping[str, Any] | None = None) -> StackPlan:
    """The plan of the minimal config with changes."""
    return plan_stack(settings(changes))
