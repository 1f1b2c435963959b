"""The command `verify`, as far as it goes without a cluster."""

import pytest
from rich.console import Console

from operate.__main__ import main
from operate.verify.rows import failed, not_asked, passed, print_rows


def test_the_lab_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """No pod runs on it: the message names the command that starts real ones."""
    code = main(["verify", "--stack", "dev"])

    assert code == 1
    assert capsys.readouterr().err == (
        "error: on the lab no pod runs, so nothing answers; `make smoke` starts real ones\n"
    )


def test_each_fault_has_its_hint_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not asked counts neither as passed nor as failed."""
    rows = [
        passed("pods", "qwen", "2 of 2 ready"),
        not_asked("prefix affinity", "qwen", "one pod"),
        failed("route", "qwen", "it leads elsewhere", "mend it"),
    ]
    print_rows(rows, Console(soft_wrap=True, highlight=False))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split() for line in lines if line.startswith(("pods", "prefix", "route"))][:3] == [
        ["pods", "qwen", "ok", "2", "of", "2", "ready"],
        ["prefix", "affinity", "qwen", "-", "one", "pod"],
        ["route", "qwen", "FAILED", "it", "leads", "elsewhere"],
    ]
    assert lines[-4:] == ["route, qwen: it leads elsewhere", "  -> mend it", "", "1 of 2 checks passed"]
