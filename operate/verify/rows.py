"""What a check found: rows of the table that verify and smoke print."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["NO_POD", "Row", "as_data", "failed", "not_asked", "passed", "print_rows"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question, answered."""

    check: str
    """The question, in a word or two; the same on every cluster."""
    subject: str
    """What it was asked about: a model's name, or the stack's part."""
    ok: bool | None
    """None where the question makes no sense of this stack, or cannot be asked."""
    seen: str
    """What was seen; where it is a fault, the fault."""
    hint: str = ""
    """What to do about a fault, or how to ask what could not be asked."""


def passed(check: str, subject: str, seen: str) -> Row:
    """All is well."""
    return Row(check=check, subject=subject, ok=True, seen=seen)


def not_asked(check: str, subject: str, why: str, hint: str = "") -> Row:
    """The question makes no sense here, or cannot be asked; said, so that nobody takes it for answered."""
    return Row(check=check, subject=subject, ok=None, seen=why, hint=hint)


def failed(check: str, subject: str, fault: str, hint: str) -> Row:
    """Something is not, and what to do about it."""
    return Row(check=check, subject=subject, ok=False, seen=fault, hint=hint)


NO_POD = "its autoscaler has scaled it to no pod"

_LOG_WIDTH = 170
_MARKS = {True: "ok", False: "FAILED", None: "-"}


def as_data(rows: Iterable[Row]) -> list[dict[str, object]]:
    """What `--json` prints."""
    return [asdict(row) for row in rows]


def print_rows(rows: Sequence[Row], console: Console) -> None:
    """A table, and below it each hint."""
    table = Table(box=None, pad_edge=False)
    for column in ("CHECK", "OF", "", "SEEN"):
        table.add_column(column, overflow="fold")
    for row in rows:
        style = "bold red" if row.ok is False else None
        table.add_row(row.check, row.subject, _MARKS[row.ok], row.seen, style=style)
    console.print()
    if not console.is_terminal:
        console.width = _LOG_WIDTH  # a log has no width of its own; 80 columns would fold every line
    console.print(table, soft_wrap=False)
    asked = [row for row in rows if row.ok is not None]
    faults = [row for row in asked if not row.ok]
    for row in (row for row in rows if row.hint and not row.ok):
        console.print(f"\n{row.check}, {row.subject}: {row.seen}\n  -> {row.hint}", markup=False)
    console.print(f"\n{len(asked) - len(faults)} of {len(asked)} checks passed", markup=False)
