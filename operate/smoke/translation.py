"""Which real picker runs in the place of the image that a stack rendered, and what it must be told otherwise.

Pickers of llm-d's own image cannot all be built from Go modules (docs/adr), so the nearest one that can be is run from
the rendered Deployment. The difference is this table and nothing else: each entry is shown beside the picker's version,
and a test applies each of them. An image that is not in the table is not run by guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from operate.errors import OperateError

__all__ = ["BuiltPicker", "Invocation", "Step", "built_picker"]


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What a picker's container is started with."""

    args: tuple[str, ...]
    files: Mapping[str, str]
    """Mounted configuration, by path in the container."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One difference between image and built picker."""

    what: str
    why: str
    apply: Callable[[Invocation], Invocation]


@dataclass(frozen=True, kw_only=True)
class BuiltPicker:
    """A picker that the lab builds."""

    tool: str
    """Name in lab/tools.py."""
    title: str
    """Name and version, for the table."""
    steps: tuple[Step, ...]


def _flag(*flags: str) -> Callable[[Invocation], Invocation]:
    return lambda before: replace(before, args=(*before.args, *flags))


# The picker publishes the pool's averages every 5 s by itself; a smoke run looks more often.
_FLUSH = Step(
    what="--refresh-prometheus-metrics-interval=200ms",
    why="its figures are read several times a second; it renews them every 5 s otherwise",
    apply=_flag("--refresh-prometheus-metrics-interval=200ms"),
)

_BUILT: Mapping[str, BuiltPicker] = MappingProxyType(
    {
        "llm-d-inference-scheduler:v0.4.0": BuiltPicker(
            tool="epp-gaie-1.2",
            title="GAIE EPP v1.2.0, the library that the image is built on",
            steps=(_FLUSH,),
        ),
    }
)


def built_picker(image: str) -> BuiltPicker:
    """The picker to run for an image, whatever registry it comes from.

    Raises:
        OperateError: if there is none.
    """
    name = image.rpartition("/")[2]
    if name not in _BUILT:
        raise OperateError(f"no picker can be built for image {image}; there is one for {', '.join(sorted(_BUILT))}")
    return _BUILT[name]
