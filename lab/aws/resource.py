"""What the stand-in knows of one resource type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.aws.session import NotFoundError, Session

__all__ = ["Inputs", "Kind", "changed_paths", "one", "same"]

Inputs = dict[str, Any]


def _nothing_to_do(_: Session, __: str, ___: Inputs, ____: Inputs) -> Inputs:
    return {}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type of pulumi-aws, by four operations of the API."""

    type: str
    """Token."""
    replaces: frozenset[str] = frozenset()
    """Inputs, as dotted paths, that cannot be changed in place (`ForceNew` in terraform-provider-aws)."""
    source: str
    """File of terraform-provider-aws that says so, and the commit at which it was read."""
    computed: tuple[str, ...] = ()
    """Outputs that are not inputs, as dotted paths: some stand within a map that is an input."""
    name_input: str | None = None
    """Input that gets a name with a random end where it is absent, as pulumi-aws does."""
    create: Callable[[Session, Inputs], tuple[str, Inputs]]
    """Makes it; returns its id and what is computed."""
    read: Callable[[Session, str, Inputs], Inputs]
    """What the API says of it now, by the names of inputs and outputs; raises NotFoundError."""
    update: Callable[[Session, str, Inputs, Inputs], Inputs] = _nothing_to_do
    """Changes it from its old inputs to the new ones; returns what is computed anew."""
    delete: Callable[[Session, str, Inputs], None]
    """Removes it."""
    changes: tuple[str, ...] = ()
    """Computed outputs that an update may change."""
    is_changed_by: Callable[[Inputs, Inputs], bool] = lambda _, __: True
    """Whether an update changes them: then they are unknown in its preview."""


def changed_paths(old: object, new: object, path: str = "") -> list[str]:
    """Dotted paths at which two values differ; a list is one value."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted({*old, *new})
        return [
            changed
            for key in keys
            for changed in changed_paths(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        ]
    return [] if same(old, new) else [path]


def same(left: object, right: object) -> bool:
    """Whether two values say the same; lists of the API are sets."""
    return left == right or _canonical(left) == _canonical(right)


def _canonical(value: object) -> str | None:
    """A value as text, in one order: a message's maps come in any, at every depth."""
    if value in (None, {}, []):
        return None
    if isinstance(value, dict):
        return repr(sorted((key, _canonical(item)) for key, item in value.items()))
    if isinstance(value, list):
        return repr(sorted(str(_canonical(item)) for item in value))
    return repr(value)


def one(items: list[Any]) -> Any:  # noqa: ANN401 - the API's own
    """The first item of an answer.

    Raises:
        NotFoundError: if there is none.
    """
    if not items:
        raise NotFoundError
    return items[0]
