"""What one engine on one release line cannot do, and which engine or line can."""

from collections.abc import Callable

from engines import ENGINES
from releases import RELEASES, Release
from settings.faults import Fault

__all__ = ["cannot_be_had"]


def cannot_be_had(
    path: str, release: Release, engine: str, why_not: Callable[[Release, str], str | None]
) -> Fault | None:
    """The fault of a key that the engine cannot serve on the line; `None` where it can.

    Args:
        path: Of the key.
        release: The stack's line.
        engine: The model's engine.
        why_not: Why an engine cannot on a line, or `None`.
    """
    why = why_not(release, engine)
    if why is None:
        return None
    able = [other for other in ENGINES if why_not(release, other) is None]
    lines = [line for line, other in RELEASES.items() if why_not(other, engine) is None]
    ways = [f"engine {', '.join(able)}"] * bool(able) + [f"release {', '.join(lines)}"] * bool(lines)
    return Fault(
        path=path,
        problem=f"cannot be had of engine {engine} on line {release.name}: {why}",
        allowed="; or ".join([*ways, "remove the key"]),
    )
