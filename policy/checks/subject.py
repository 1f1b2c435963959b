"""What a rule judges: one object, with what is known of it; pure.

In a preview some values are not known yet. They are no ordinary values: a rule that needs one must not pass in
silence. So an unknown stands in the properties as `UNKNOWN`, and the accessors of this module, by which all rules
read, raise when they meet it. Whoever runs the rule counts the subject as not judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["UNKNOWN", "Subject", "UnknownValueError", "at", "children", "mapping", "present", "texts"]


class UnknownValueError(Exception):
    """A rule needs a value that this preview does not know."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is known only once it is applied")
        self.path = path


class _Unknown:
    """The one value that is not known."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
"""Stands for a value that is not known yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One object under judgement."""

    type: str
    """Pulumi's type token, such as `kubernetes:apps/v1:Deployment`; of YAML the one that it would have."""
    key: str
    """What it is told apart by: a URN, or file and position."""
    properties: Mapping[str, Any]
    """The inputs: of a Kubernetes object the manifest."""
    protected: bool = False
    """Whether the engine refuses to delete it."""
    name: str = field(default="")
    """As messages call it. Default: namespace and name of the manifest, else the end of the key."""

    def __post_init__(self) -> None:
        """Fill the name in."""
        if not self.name:
            object.__setattr__(self, "name", self._label())

    def _label(self) -> str:
        metadata = self.properties.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        if not isinstance(name, str):
            return self.key.rpartition("::")[2]
        return f"{self.namespace}/{name}" if self.namespace else name

    @property
    def kind(self) -> str:
        """The last part of the type: `Deployment`."""
        return self.type.rpartition(":")[2]

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is an object of a cluster."""
        return self.type.startswith("kubernetes:") and "metadata" in self.properties

    @property
    def namespace(self) -> str:
        """Namespace of a Kubernetes object; empty if it states none."""
        metadata = self.properties.get("metadata")
        found = metadata.get("namespace") if isinstance(metadata, Mapping) else None
        return found if isinstance(found, str) else ""

    def is_a(self, *kinds: str) -> bool:
        """Whether it is a Kubernetes object of one of these kinds."""
        return self.is_kubernetes and self.kind in kinds


def at(value: Any, *path: str | int) -> Any:  # noqa: ANN401 - JSON
    """The value below `value`, `None` where there is none.

    Raises:
        UnknownValueError: if it, or anything on the way, is unknown.
    """
    for index, key in enumerate(path):
        if value is UNKNOWN:
            raise UnknownValueError(_path(path[:index]))
        if isinstance(key, int):
            found = isinstance(value, Sequence) and not isinstance(value, str) and key < len(value)
        else:
            found = isinstance(value, Mapping) and key in value
        if not found:
            return None
        value = value[key]
    if value is UNKNOWN:
        raise UnknownValueError(_path(path))
    return value


def present(value: Any, *path: str) -> bool:  # noqa: ANN401 - JSON
    """Whether something is given there, known or not."""
    *parents, last = path
    holder = at(value, *parents)
    return isinstance(holder, Mapping) and holder.get(last) is not None


def children(value: Any, *path: str | int) -> list[Any]:  # noqa: ANN401 - JSON
    """The items of a list; none where there is no list.

    Raises:
        UnknownValueError: if the list, or an item of it, is unknown.
    """
    found = at(value, *path)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    if any(item is UNKNOWN for item in found):
        raise UnknownValueError(_path(path))
    return list(found)


def mapping(value: Any, *path: str | int) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A mapping's entries; empty where there is none.

    Raises:
        UnknownValueError: if it, or the value of an entry, is unknown.
    """
    found = at(value, *path)
    if not isinstance(found, Mapping):
        return {}
    for key, item in found.items():
        if item is UNKNOWN:
            raise UnknownValueError(_path([*path, str(key)]))
    return dict(found)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Every known text below `value`, with its path. What is unknown is no literal of the program."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from texts(item, f"{path}[{index}]")


def _path(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".") or "the whole of it"
