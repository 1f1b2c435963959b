"""The figures as tables for a reader and as data for a program; pure but for the printing."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from operate.bench.figures import Comparison, Figure, Samples, Side
from operate.bench.machine import Machine

__all__ = [
    "Report",
    "as_data",
    "comparison_rows",
    "figure_rows",
    "print_machine",
    "print_report",
]

_FIGURE_COLUMNS = ("", "TARGET", "MEDIAN", "MIN-MAX", "RUNS", "FLOOR", "RATIO", "")
_COMPARISON_COLUMNS = ("", "MEDIAN", "MIN-MAX", "RATIO", "AVAILABLE")
_OVER = "over"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that was measured in one run."""

    machine: Machine
    figures: tuple[Figure, ...]
    comparison: Comparison
    load_after: float
    """Load average of the last minute at the end: what the benchmark itself and others were doing."""


def figure_rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """A row for each promise, in `_FIGURE_COLUMNS`."""
    return [
        (
            figure.title,
            f"<= {figure.target_seconds:g} s",
            f"{figure.samples.median:.2f} s",
            _range(figure.samples),
            str(len(figure.samples.runs)),
            "-" if figure.floor is None else f"{figure.floor.median:.2f} s",
            "-" if figure.floor_ratio is None else f"{figure.floor_ratio:.1f} x",
            _OVER if figure.over else "",
        )
        for figure in figures
    ]


def comparison_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """A row for each side, in `_COMPARISON_COLUMNS`; kubectl is what the other is a multiple of."""

    def row(side: Side, multiple: float) -> tuple[str, ...]:
        return (
            side.title,
            f"{side.samples.median:.2f} s",
            _range(side.samples),
            f"{multiple:.1f} x",
            f"{side.available.median:.1f} s",
        )

    return [row(comparison.pulumi, comparison.ratio), row(comparison.kubectl, 1)]


def _range(samples: Samples) -> str:
    return "-" if len(samples.runs) == 1 else f"{samples.minimum:.2f}-{samples.maximum:.2f}"


def as_data(report: Report) -> dict[str, object]:
    """What `--json` prints: every run, so that a program can do its own arithmetic."""
    comparison = report.comparison
    return {
        "machine": _machine_data(report.machine) | {"loadAfter": report.load_after},
        "figures": {figure.key: _figure_data(figure) for figure in report.figures},
        "comparison": {
            "models": comparison.models,
            "objects": comparison.objects,
            "deployments": comparison.deployments,
            "ratio": round(comparison.ratio, 2),
            **{side.key: _side_data(side) for side in (comparison.pulumi, comparison.kubectl)},
        },
    }


def _machine_data(machine: Machine) -> dict[str, object]:
    return {
        "cores": machine.cores,
        "memoryGib": machine.memory_gib,
        "load": machine.load,
        "system": machine.system,
        "python": machine.python,
        "pulumi": machine.pulumi,
        "kubernetesSdk": machine.kubernetes_sdk,
        "kubernetesProvider": machine.kubernetes_provider,
        "kubernetes": machine.kubernetes,
    }


def _figure_data(figure: Figure) -> dict[str, object]:
    return {
        "title": figure.title,
        "includes": figure.includes,
        "targetSeconds": figure.target_seconds,
        "overTarget": figure.over,
        "seconds": _samples_data(figure.samples),
        "floorSeconds": None if figure.floor is None else _samples_data(figure.floor),
        "floorRatio": None if figure.floor_ratio is None else round(figure.floor_ratio, 2),
    }


def _side_data(side: Side) -> dict[str, object]:
    return {
        "title": side.title,
        "includes": side.includes,
        "seconds": _samples_data(side.samples),
        "availableSeconds": _samples_data(side.available),
    }


def _samples_data(samples: Samples) -> dict[str, object]:
    return {
        "runs": [round(run, 3) for run in samples.runs],
        "min": round(samples.minimum, 3),
        "median": round(samples.median, 3),
        "max": round(samples.maximum, 3),
    }


def print_machine(machine: Machine, console: Console) -> None:
    """The first line: where all that follows was measured."""
    console.print(machine.line, markup=False)


def print_report(report: Report, console: Console) -> None:
    """The tables, each followed by what its figures include."""
    comparison = report.comparison
    rounds = len(comparison.pulumi.samples.runs)
    notes = [(figure.title, figure.includes) for figure in report.figures]
    _print_table(_FIGURE_COLUMNS, figure_rows(report.figures), notes, console)
    console.print(
        f"\n{comparison.models} models of 2 replicas: {comparison.objects} objects with {comparison.deployments}"
        f" Deployments. Rounds each: {rounds}, who is first in turn, a fresh namespace every time"
    )
    sides = [(side.key, side.includes) for side in (comparison.pulumi, comparison.kubectl)]
    when = "when the last Deployment was Available, by its own condition: whole seconds, too coarse for a ratio"
    _print_table(_COMPARISON_COLUMNS, comparison_rows(comparison), [*sides, ("AVAILABLE", when)], console)
    console.print(
        f"\nload {report.machine.load:.1f} before, {report.load_after:.1f} after; over: median above the target"
    )


def _print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[tuple[str, str]], console: Console
) -> None:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number > 0)
    for row in rows:
        table.add_row(*row, style="bold red" if row[-1] == _OVER else None)
    console.print()
    console.print(table, soft_wrap=False)
    explained = Table(box=None, pad_edge=False, show_header=False, style="dim")
    for title, text in notes:
        explained.add_row(title, text)
    console.print()
    console.print(explained, soft_wrap=False)
