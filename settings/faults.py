"""A fault of the config, and how a list of them reads.

Every fault carries its config path, what was given, what is allowed and the nearest known word, so that one run
tells the user everything there is to mend.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from catalog import nearest

__all__ = ["SECRET_PATHS", "ConfigFaultsError", "Fault", "faults_of", "location_of"]

SECRET_PATHS = (("huggingFace", "token"),)
"""The secrets that the config may hold, as paths below the namespace: what stands there is never quoted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with the config."""

    path: str
    """Where: the path that `pulumi config set --path` takes, without the `llm-d:` in front."""
    problem: str
    """What is wrong, as a sentence part."""
    given: str | None = None
    """What was given; never set where the value may be a secret."""
    allowed: str | None = None
    """What is allowed, or what to do."""
    nearest: str | None = None
    """The known word that is nearest to what was given."""

    def __str__(self) -> str:
        """The fault as an indented block of at most five lines."""
        rows = [("given", self.given), ("allowed", self.allowed), ("nearest", self.nearest)]
        lines = [f"  llm-d:{self.path}: {self.problem}"]
        lines += [f"      {label:8} {text}" for label, text in rows if text is not None]
        return "\n".join(lines)


class ConfigFaultsError(Exception):
    """The config has faults; nothing was applied."""

    def __init__(self, faults: Sequence[Fault], origin: str = "the stack's config") -> None:
        self.faults = tuple(sorted(set(faults), key=lambda fault: (fault.path, fault.problem)))
        count = len(self.faults)
        head = f"{count} fault{'s' if count != 1 else ''} in {origin}; nothing was applied."
        super().__init__("\n".join([head, "", *(str(fault) for fault in self.faults)]))


def faults_of(error: ValidationError, root: type[BaseModel], given: object) -> list[Fault]:
    """Pydantic's errors as faults.

    Args:
        error: What pydantic raised; its own text is never shown, for it speaks of Python types.
        root: The model that was validated: it says which keys are known where.
        given: The raw config, to quote what was given.
    """
    return [_fault_of(item, root, given) for item in error.errors(include_url=False, include_input=False)]


def location_of(item: ErrorDetails) -> tuple[int | str, ...]:
    """Where an error is; pydantic appends `[key]` where a mapping's key is at fault and not its value."""
    location = item["loc"]
    return location[:-1] if _is_of_key(item) else location


def _is_of_key(item: ErrorDetails) -> bool:
    return item["loc"][-1:] == ("[key]",) and item["type"] != "extra_forbidden"


def _fault_of(item: ErrorDetails, root: type[BaseModel], given: object) -> Fault:
    location = tuple(map(str, location_of(item)))
    path = ".".join(location)
    context = item.get("ctx", {})
    # Of a key that is wrong the path tells everything; what stands under it may be a secret.
    quoted = None if _is_of_key(item) else _quote(given, location)
    match item["type"]:
        case "extra_forbidden":
            known = _known_keys(root, location[:-1])
            allowed = ", ".join(known) or None
            return Fault(path=path, problem="unknown key", allowed=allowed, nearest=nearest(location[-1], known))
        case "missing":
            return Fault(path=path, problem="is required but missing")
        case "enum":
            words = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            near = nearest(quoted or "", words.split(", "))
            return Fault(path=path, problem="is not a known word", given=quoted, allowed=words, nearest=near)
        case "value_error":
            return Fault(path=path, problem=str(context["error"]), given=quoted)
        case _:
            return Fault(path=path, problem=_plain(item["msg"]), given=quoted)


def _plain(message: str) -> str:
    # Pydantic's words, in YAML's.
    words = (
        ("Input should be", "must be"),
        ("a valid integer", "an integer"),
        (" valid ", " "),
        ("dictionary", "mapping"),
    )
    message = re.sub(r" or instance of \w+", "", message)
    for theirs, ours in words:
        message = message.replace(theirs, ours)
    return message[0].lower() + message[1:]


def _known_keys(root: type[BaseModel], location: tuple[str, ...]) -> list[str]:
    """The keys that the model at `location` knows, sorted."""
    target: object = root
    for part in location:
        # Any key of a mapping leads to the mapping's values.
        target = _container_in(get_args(target)[1] if get_origin(target) is Mapping else _fields(target).get(part))
    return sorted(_fields(target))


def _fields(target: object) -> dict[str, object]:
    """Annotations of a model's fields by the config's key; empty for anything else."""
    if isinstance(target, type) and issubclass(target, BaseModel):
        return {info.alias or name: info.annotation for name, info in target.model_fields.items()}
    return {}


def _container_in(annotation: object) -> object:
    """The model or mapping inside an annotation such as `M | None` or `FrozenMap[str, M]`; `None` if there is none."""
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    if is_model or get_origin(annotation) is Mapping:
        return annotation
    found = (_container_in(argument) for argument in get_args(annotation))
    return next((container for container in found if container is not None), None)


def _quote(given: object, location: tuple[str, ...]) -> str | None:
    # The whole key that may hold a secret: a token is easily written beside its place, or in place of the mapping.
    if location[:1] in {path[:1] for path in SECRET_PATHS}:
        return None
    for part in location:
        if isinstance(given, dict) and part in given:
            given = given[part]
        elif isinstance(given, list) and part.isdigit() and int(part) < len(given):
            given = given[int(part)]
        else:
            return None
    return str(given) if isinstance(given, (str, int, float, bool)) else None
