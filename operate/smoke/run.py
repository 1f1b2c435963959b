"""`make smoke`: makes ready what needs a network, runs the rest inside, and shows what was seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.progress import Reporter
from operate.errors import OperateError
from operate.smoke.namespace import SKIP, is_skipped, require_namespaces, run_inside
from operate.smoke.stage import prepare
from operate.stack_files import stack_path
from operate.verify.rows import Row, print_rows

__all__ = ["AS_RENDERED", "has_passed", "print_report", "run_cases", "smoke"]

AS_RENDERED = "as rendered"
"""The case that changes nothing and asks everything."""


def run_cases(stack: Path, cases: Sequence[Mapping[str, Any]], keep: Path | None = None) -> dict[str, Any]:
    """Bring a stack's config file up in a namespace and run cases on it (see `operate.smoke.cases`).

    Raises:
        OperateError: if namespaces are off, or the stack does not come up.
    """
    require_namespaces()
    prepare(stack, Reporter())
    request = {"stack": str(stack), "cases": list(cases), "keep": str(keep.absolute()) if keep else None}
    answer = run_inside("operate.smoke.inside", request)
    if error := answer.get("error"):
        raise OperateError(error)
    return answer


def smoke(stack: str, keep: Path | None) -> dict[str, Any]:
    """Run a stack as it was rendered; what `--json` prints.

    Raises:
        OperateError: if it could not be run; faults that were found are in the answer.
    """
    if is_skipped():
        return {"skipped": f"SMOKE={SKIP} asks for it: no request was sent"}
    answer = run_cases(stack_path(stack), [{"name": AS_RENDERED}], keep)
    return {
        "stack": stack,
        "rows": answer["cases"][AS_RENDERED],
        **{k: answer[k] for k in ("pickers", "sidecars", "seconds")},
    }


def has_passed(result: Mapping[str, Any]) -> bool:
    """Whether nothing failed; what was skipped did not."""
    return all(row["ok"] is not False for row in result.get("rows", []))


def print_report(result: Mapping[str, Any], console: Console) -> None:
    """What was seen, and what ran."""
    if "skipped" in result:
        console.print(f"smoke skipped: {result['skipped']}", markup=False)
        return
    print_rows([Row(**row) for row in result["rows"]], console)
    for kind in ("picker", "sidecar"):
        for program in result[f"{kind}s"]:
            _print_program(kind, program, console)
    seconds = result["seconds"]
    console.print(f"\ntook {sum(seconds.values()):.1f} s: " + ", ".join(f"{k} {v} s" for k, v in seconds.items()))


def _print_program(kind: str, program: Mapping[str, Any], console: Console) -> None:
    console.print(f"\n{kind} of {program['model']}: rendered {program['image']}", markup=False)
    console.print(f"  ran {program['ran']}", markup=False)
    if remark := program.get("remark"):
        console.print(f"  {remark}", markup=False)
    for step in program["translation"]:
        console.print(f"  translated: {step['what']} ({step['why']})", markup=False)
