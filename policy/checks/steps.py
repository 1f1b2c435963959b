"""What a preview is about to do to a resource, which no resource says of itself; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policy.checks.cost import is_gpu_group
from policy.checks.subject import Subject, at, mapping

__all__ = ["replaced_gpu_groups"]

_REPLACES = ("replace", "create-replacement", "delete-replaced")


def replaced_gpu_groups(steps: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """GPU node groups that a preview would replace, each once: the URN, and the inputs that make it so.

    Replaced nodes are drained: every model on them loads again, and reserved GPUs may not come back.

    Args:
        steps: `metadata` of the preview's step events.
    """
    seen = set()
    for step in steps:
        urn = str(at(step, "urn"))
        inputs = _mapping_of(at(step, "old", "inputs") or at(step, "new", "inputs"))
        subject = Subject(type=str(at(step, "type")), key=urn, properties=inputs)
        if at(step, "op") in _REPLACES and urn not in seen and is_gpu_group(subject):
            seen.add(urn)
            yield urn, sorted(str(key) for key in at(step, "keys") or at(step, "diffs") or ())


def _mapping_of(value: object) -> dict[str, Any]:
    """A mapping, empty for anything else."""
    return mapping({"value": value}, "value")
