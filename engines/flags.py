"""The arguments that engines know, by version, and how their parsers read them.

`flags.json` is written by `python -m operate.engine_flags`, which reads the argument definitions out of an engine's
released source. A list that is not complete holds what is known of a version whose source could not be had whole: it
shows that a flag exists, and not that one does not.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

__all__ = ["DATA", "FlagList", "flag_lists", "flags_in", "meant"]

DATA = Path(__file__).with_name("flags.json")

# A short flag is a letter; `-1` is a value.
_FLAG = re.compile(r"--[A-Za-z]|-[A-Za-z]")


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagList:
    """The flags of one version of an engine."""

    origin: str
    """Where they were read."""
    is_complete: bool
    """Whether a flag that is not in the list does not exist."""
    flags: frozenset[str]


@cache
def flag_lists() -> Mapping[str, Mapping[str, FlagList]]:
    """Every list, by engine and version."""
    data = json.loads(DATA.read_text())
    return MappingProxyType(
        {
            engine: MappingProxyType(
                {
                    version: FlagList(
                        origin=found["origin"], is_complete=found["isComplete"], flags=frozenset(found["flags"])
                    )
                    for version, found in versions.items()
                }
            )
            for engine, versions in data.items()
        }
    )


def flags_in(arguments: Sequence[str]) -> Iterator[str]:
    """The flags among arguments, without their values."""
    for argument in arguments:
        if _FLAG.match(argument):
            yield argument.partition("=")[0]


def meant(flags: Collection[str], flag: str) -> str | None:
    """The flag of the list that a parser takes this one for; `None` where it knows none.

    vLLM's takes underscores for hyphens, a field of a structured argument after a dot, and `--no-` before a switch;
    what of it the others do not take is let pass, for a list does not say which arguments are switches. Python's
    parsers take a beginning that is one argument's alone: SGLang's own documentation writes `--tp`.
    """
    spelled = [flag, flag.partition(".")[0]]
    spelled += [name.replace("_", "-") for name in spelled]
    spelled += [f"--{name.removeprefix('--no-')}" for name in spelled if name.startswith("--no-")]
    # `-O3` is `-O` with its value.
    spelled += [name[:2] for name in spelled if not name.startswith("--")]
    for name in spelled:
        if name in flags:
            return name
    begun = [name for name in flags if flag.startswith("--") and name.startswith(spelled[2])]
    return begun[0] if len(begun) == 1 else None
