"""What a rule is; pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from policy.checks.subject import Subject
from policy.checks.world import World

__all__ = ["Check", "Group", "Rule", "Setting", "Settings", "Severity", "setting_table"]

Settings = Mapping[str, Any]
"""A rule's settings by name: the defaults, overridden by the environment's config."""

Check = Callable[[Subject, Settings, World], Iterable[str]]
"""The problems of a subject, each as half a sentence that follows its name."""


class Severity(StrEnum):
    """What a violation does; the words are the engine's enforcement levels."""

    MANDATORY = "mandatory"
    """It stops the preview and the update."""
    ADVISORY = "advisory"
    """It is shown."""
    DISABLED = "disabled"
    """The rule is not run."""


class Group(StrEnum):
    """What a rule is about."""

    SUPPLY_CHAIN = "supply chain"
    GPU_SCHEDULING = "GPU and scheduling"
    SERVING = "serving correctness"
    NETWORK_SECRETS = "network and secrets"
    COST = "cost"
    AWS = "AWS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Something that an environment may set about a rule."""

    default: Any
    """Value where the environment's config names none."""
    meaning: str
    """One line, with the unit."""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema, by which the engine checks an environment's config."""
        if isinstance(self.default, bool):
            return {"type": "boolean"}
        if isinstance(self.default, int | float):
            return {"type": "number", "minimum": 0}
        if isinstance(self.default, list):
            return {"type": "array", "items": {"type": "string"}}
        return {"type": "string"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule."""

    number: int
    """Position in docs/policies.md."""
    id: str
    """Name in violations and in an environment's config."""
    group: Group
    reason: str
    """One line: what is forbidden, and what it would do."""
    severity: Severity
    """Where the environment's config says nothing."""
    remediation: str
    """What to do about a violation."""
    key: str
    """The key of the stack's config that changes what the rule judges."""
    applies: Callable[[Subject], bool]
    """Whether the rule has something to judge about a subject."""
    check: Check
    across: bool = False
    """Whether it needs the other objects too, and so runs when all of them are there."""
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    asked_by: tuple[str, ...] = ()
    """Settings of which one must be set, or the rule judges nothing: it counts no subject that it lets pass unseen."""
    note: str = ""
    """What it cannot see, or what the program does not build yet."""

    def is_asked(self, settings: Settings) -> bool:
        """Whether an environment asks the rule to judge anything."""
        return not self.asked_by or any(settings[name] for name in self.asked_by)

    def defaults(self) -> dict[str, Any]:
        """The settings where an environment's config says nothing."""
        return {name: setting.default for name, setting in self.settings.items()}


def setting_table(**settings: tuple[Any, str]) -> Mapping[str, Setting]:
    """Settings by name, each as default and meaning."""
    return MappingProxyType(
        {name: Setting(default=default, meaning=text) for name, (default, text) in settings.items()}
    )
