"""How a long task tells what it does: live in a terminal, plain lines in a log.

Owns presentation only; it knows nothing of what is being done.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["Reporter", "Step"]

_LOG_EVERY_SECONDS = 15.0


def _seconds(since: float) -> str:
    whole = int(time.monotonic() - since)
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"  # noqa: PLR2004 - a minute


@dataclass
class Step:
    """One running task; call `tick` often, it decides what is worth showing."""

    title: str
    started: float = field(default_factory=time.monotonic)
    detail: str = ""
    _last_line: float = field(default_factory=time.monotonic)

    def tick(self) -> str | None:
        """A line for a log, if one is due."""
        if time.monotonic() - self._last_line < _LOG_EVERY_SECONDS:
            return None
        self._last_line = time.monotonic()
        return f"{self.title}: {_seconds(self.started)}" + (f", {self.detail}" if self.detail else "")


class Reporter:
    """Writes to standard error: standard output belongs to the command's result."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, soft_wrap=True, highlight=False)

    def say(self, line: str) -> None:
        """One line, in both kinds of output."""
        self.console.print(line, markup=False)
        sys.stderr.flush()

    @contextmanager
    def step(self, title: str) -> Iterator["_Ticker"]:
        """Show a task from start to end, with the time it took."""
        step = Step(title)
        if not self.console.is_terminal:
            self.say(f"{title} ...")
            yield _Ticker(step, self, None)
        else:
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
            with Progress(*columns, console=self.console, transient=True) as live:
                live.add_task(title)
                yield _Ticker(step, self, live)
        self.say(f"{title}: done in {_seconds(step.started)}")


class _Ticker:
    """Handed to the task, so that it can say what it is at."""

    def __init__(self, step: Step, reporter: Reporter, live: Progress | None) -> None:
        self._step = step
        self._reporter = reporter
        self._live = live

    def tick(self, detail: str = "") -> None:
        """Still alive; `detail` is what is being done just now."""
        self._step.detail = detail
        if self._live is not None:
            text = f"{self._step.title}  {detail[:60]}" if detail else self._step.title
            self._live.update(self._live.task_ids[0], description=text)
        elif line := self._step.tick():
            self._reporter.say(line)
