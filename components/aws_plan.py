"""AWS resources as data, before any of them exists: what a pure builder returns and a component makes real."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.aws_resources import create_aws

__all__ = ["AwsResource", "Ref", "create_all_aws"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """Stands in inputs for an output of another resource of the same builder."""

    suffix: str
    """Which resource."""
    output: str = "id"
    """Which of its outputs, by the attribute of the SDK."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsResource:
    """One AWS resource to make."""

    type: str
    """Token of its type."""
    inputs: Mapping[str, Any]
    """By pulumi-aws' names; a `Ref` for an output of a resource before it."""
    after: tuple[str, ...] = ()
    """Suffixes of resources that have to be there first although no input names them."""
    ignore_changes: tuple[str, ...] = ()
    """Inputs that somebody else changes."""
    delete_before_replace: bool = False
    """Whether a successor can only be made once this one is gone."""
    protect: bool = False
    """Whether the engine refuses to delete it."""


def create_all_aws(
    name: str, resources: Mapping[str, AwsResource], parent: pulumi.Resource, after: tuple[pulumi.Resource, ...] = ()
) -> dict[str, Any]:
    """Make the resources of one component, in their order.

    Args:
        name: The component's name; a child is named `name` for the empty suffix, else `name-suffix`.
        resources: By suffix, each after those that it refers to.
        parent: The component.
        after: What everything here waits for.
    """
    made: dict[str, Any] = {}
    for suffix, resource in resources.items():
        opts = pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*after, *(made[before] for before in resource.after)],
            ignore_changes=[*resource.ignore_changes],
            delete_before_replace=resource.delete_before_replace or None,
            protect=resource.protect or None,
        )
        inputs = {key: _resolve(value, made) for key, value in resource.inputs.items()}
        made[suffix] = create_aws(resource.type, f"{name}-{suffix}" if suffix else name, inputs, opts)
    return made


def _resolve(value: Any, made: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON-like data with references in it
    """The value with every reference replaced by the output that it stands for."""
    if isinstance(value, Ref):
        return getattr(made[value.suffix], value.output)
    if isinstance(value, Mapping):
        return {key: _resolve(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, made) for item in value]
    return value
