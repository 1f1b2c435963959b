"""What an engine needs and its documentation does not say: a table per engine, each line with the thread that says so.

All lines apply at every version: none does harm before the version that needs it, and an image of the user's own may
be of any. `docs/engines.md` lists them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Workaround", "environment"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workaround:
    """One known fault and what is done about it."""

    since: str
    """Version of the engine in which it was met first."""
    thread: str
    """Where it is told: `owner/name#number`, llm-d's own without the owner, or a file of the engine's source."""
    why: str
    """What happens without it."""
    env: Mapping[str, str]
    """Environment variables that keep it away."""


def environment(workarounds: Iterable[Workaround]) -> Mapping[str, str]:
    """Environment variables of all of them."""
    return {name: value for workaround in workarounds for name, value in workaround.env.items()}
