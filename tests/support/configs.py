"""A small valid config, and changes to it by path: what tests of settings, plans and layers start from."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from settings import ConfigFaultsError, Fault, StackSettings, validate
from settings.models import SecretMark
from stacks import StackPlan, plan_stack

__all__ = ["EKS", "EKS_EXISTING", "REMOVED", "SECRET", "config", "faults", "plan", "settings"]

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

EKS: Mapping[str, Any] = {
    "cluster": {
        "eks": {
            "name": "test",
            "region": "us-west-2",
            "version": "1.34",
            "network": {"zones": ["us-west-2a", "us-west-2b"]},
        }
    },
    "gpuPools.l4.minSize": 1,
    "gpuPools.l4.releaseVersion": "1.34.1-20260810",
}
"""Changes that put the minimal config on a new cluster on EKS, with one node of its pool."""

EKS_EXISTING: Mapping[str, Any] = {
    **EKS,
    "cluster": {
        "eks": {
            "name": "test",
            "region": "us-west-2",
            "version": "1.34",
            "network": {
                "existing": {
                    "vpcId": "vpc-0123456789abcdef0",
                    "subnets": {"us-west-2a": "subnet-0aaaaaaaaaaaaaaaa", "us-west-2b": "subnet-0bbbbbbbbbbbbbbbb"},
                }
            },
            "existing": {
                "nodeRoleArn": "arn:aws:iam::111122223333:role/nodes",
                "securityGroup": "sg-0123456789abcdef0",
            },
            "karpenter": {"nodeRole": "karpenter-nodes"},
        }
    },
    "controllers.karpenter": "existing",
}
"""Changes that put it on a cluster on EKS that is there, with Karpenter in it."""


def config(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The minimal config with changes by dotted path; mappings on the way are made."""
    raw: dict[str, Any] = deepcopy(dict(_MINIMAL))
    for path, value in (changes or {}).items():
        *parents, key = path.split(".")
        target = raw
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is REMOVED:
            target.pop(key, None)
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
