"""One change at a time to the sound stack of `policy_cases`, and what all rules then find."""

from collections.abc import Callable
from typing import Any

from policy.checks import Subject
from policy.config import parse
from policy.judge import judge_all
from tests.support.policy_cases import STRICT, Resource, sound

__all__ = ["Change", "changed", "found", "server", "set_to"]

Change = Callable[[dict[str, Any]], Any]
"""Changes properties in place."""


def found(resources: list[Resource], **settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Rule and problem of everything that is found, by the strictest config with other settings for some rules."""
    config = parse({**STRICT, **{rule.replace("_", "-"): given for rule, given in settings.items()}})
    subjects = [
        Subject(type=item.type, key=item.name, properties=item.properties, protected=item.protect) for item in resources
    ]
    return [(violation.rule.id, violation.problem) for violation in judge_all(subjects, config)[0]]


def changed(name: str, change: Change, part: str = "") -> list[Resource]:
    """The sound stack with one resource changed: its properties, or its pod or first container."""
    resources = sound()
    properties = next(item for item in resources if item.name == f"sound.{name}").properties
    if part:
        pod = properties["spec"]["template"]["spec"]
        properties = pod if part == "pod" else pod["containers"][0]
    change(properties)
    return resources


def server(change: Change) -> list[Resource]:
    """The sound stack with the model server's container changed."""
    return changed("qwen-decode", change, "container")


def set_to(*path: str | int, to: Any) -> Change:  # noqa: ANN401 - JSON
    """Set a value by its path."""

    def change(properties: Any) -> None:  # noqa: ANN401 - JSON
        for key in path[:-1]:
            properties = properties[key]
        properties[path[-1]] = to

    return change
