"""An environment's policy config: which rule at which level, with which settings; pure.

The file is the one that `pulumi preview --policy-pack-config` takes: rule -> {enforcementLevel, settings...}.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from policy.checks import RULES, Rule, Severity

__all__ = ["ConfigError", "RuleConfig", "defaults", "environment_of", "parse", "read"]

_FOLDER = Path(__file__).resolve().parent

_LEVEL = "enforcementLevel"
_ALL = "all"


class ConfigError(Exception):
    """Faults of a policy config, one a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleConfig:
    """What an environment says about one rule."""

    severity: Severity
    settings: Mapping[str, Any]


def defaults() -> dict[str, RuleConfig]:
    """What holds where an environment says nothing, by rule."""
    return {rule.id: RuleConfig(severity=rule.severity, settings=rule.defaults()) for rule in RULES}


def environment_of(stack: str) -> Path:
    """The policy config of a stack: production's for a stack that is called so, development's for any other.

    Args:
        stack: Name, or path of its file.
    """
    name = Path(stack).name.removeprefix("Pulumi.").removesuffix(".yaml").removesuffix(".yml")
    is_production = name.startswith("prod") or name.endswith(("-prod", "-production"))
    return _FOLDER / ("prod.json" if is_production else "dev.json")


def read(path: Path) -> dict[str, RuleConfig]:
    """The config of a file.

    Raises:
        ConfigError: with every fault.
    """
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return parse(document)


def parse(document: object) -> dict[str, RuleConfig]:
    """What a config file says, over the defaults.

    Raises:
        ConfigError: with every fault.
    """
    if not isinstance(document, Mapping):
        raise ConfigError("a policy config is an object: rule -> {enforcementLevel, settings}")
    known = [rule.id for rule in RULES]
    unknown = sorted(set(document) - {*known, _ALL})
    faults = [f"{name}: there is no such rule{_nearest(name, known)}" for name in unknown]
    general = _severity(_ALL, document.get(_ALL), faults)
    result = {}
    for rule in RULES:
        given = document.get(rule.id, {})
        said = given if isinstance(given, Mapping) else {_LEVEL: given}
        severity = _severity(rule.id, said.get(_LEVEL), faults) or general or rule.severity
        result[rule.id] = RuleConfig(severity=severity, settings=rule.defaults() | _settings(rule, said, faults))
    if faults:
        raise ConfigError("\n".join(faults))
    return result


def _severity(name: str, given: object, faults: list[str]) -> Severity | None:
    if given is None:
        return None
    try:
        return Severity(str(given))
    except ValueError:
        faults.append(f"{name}.{_LEVEL}: must be one of {', '.join(Severity)}, is {given}")
        return None


def _settings(rule: Rule, given: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        if name == _LEVEL:
            continue
        if name not in rule.settings:
            faults.append(f"{rule.id}.{name}: there is no such setting{_nearest(name, list(rule.settings))}")
        elif not _fits(rule.settings[name].schema["type"], value):
            faults.append(f"{rule.id}.{name}: must be of type {rule.settings[name].schema['type']}, is {value!r}")
        else:
            found[name] = value
    return found


def _fits(kind: str, value: object) -> bool:
    if kind == "array":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return isinstance(value, {"boolean": bool, "string": str}[kind])


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known) or 'none'}"
