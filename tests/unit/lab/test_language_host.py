"""What the language host answers the engine. That the engine likes it, the integration tests prove."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.language_host import LanguageHost, program_command


def _run_request(**changes: object) -> SimpleNamespace:
    fields: dict[str, object] = {
        "monitor_address": "127.0.0.1:1",
        "project": "llm-d",
        "stack": "dev",
        "pwd": "/checkout",
        "parallel": 16,
        "dryRun": False,
        "organization": "organization",
        "info": SimpleNamespace(root_directory="/checkout", program_directory="/checkout", entry_point="."),
        "args": [],
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_program_is_run_by_the_checkouts_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the executor needs to find the engine is on its command line."""
    monkeypatch.setattr(sys, "argv", ["language_host.py", "/executor", "127.0.0.1:2"])

    assert program_command("/executor", _run_request()) == [
        *(sys.executable, "-u", "/executor", "--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:2"),
        *("--project", "llm-d", "--root_directory", "/checkout", "--stack", "dev", "--pwd", "/checkout"),
        *("--parallel", "16", "--organization", "organization", "/checkout"),
    ]


def test_a_preview_is_a_dry_run() -> None:
    """Only a preview has the flag: the executor takes any text after it for true."""
    assert "--dry_run" not in program_command("/executor", _run_request())
    command = program_command("/executor", _run_request(dryRun=True))
    assert command[command.index("--dry_run") + 1] == "true"


def test_output_and_errors_of_a_policy_pack_stay_apart(tmp_path: Path) -> None:
    """The engine reads the pack's port from its output, so an error must not land there."""
    program = "import sys; print('4711'); print('careful', file=sys.stderr); sys.exit(3)"
    (tmp_path / "pulumi").mkdir()
    (tmp_path / "pulumi" / "__init__.py").write_text("")
    (tmp_path / "pulumi" / "policy.py").write_text(program)
    request = SimpleNamespace(
        kind="analyzer",
        args=[],
        env=[f"PYTHONPATH={tmp_path}"],
        pwd=str(tmp_path),
        info=SimpleNamespace(program_directory=str(tmp_path)),
    )
    answers = list(LanguageHost("/executor").RunPlugin(request, SimpleNamespace(add_callback=lambda _: None)))

    assert b"".join(answer.stdout for answer in answers) == b"4711\n"
    assert b"".join(answer.stderr for answer in answers) == b"careful\n"
    assert answers[-1].exitcode == 3
