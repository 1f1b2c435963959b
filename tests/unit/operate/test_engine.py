"""How the CLI is called, with a program in its place that writes down what it was asked.

What these tests cannot prove: that the real CLI understands these options; every test against the lab runs it.
"""

import json
from pathlib import Path

import pytest

from operate.engine import Pulumi
from operate.errors import OperateError

SCRIPT = """#!/bin/sh
echo "$@" >> "$RECORD"
case "$1 $2" in
  "$FAILS") echo "it went wrong" >&2; exit 3;;
  "stack ls") echo "$STACKS";;
  "stack output") echo '{"release": "v0.4"}';;
esac
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where the calls are written; the program is in `bin` beside it."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(SCRIPT)
    program.chmod(0o755)
    return tmp_path / "record"


def _pulumi(record: Path, *, stacks: list[str] | None = None, fails: str = "") -> Pulumi:
    return Pulumi(
        folder=record.parent,
        stack="dev",
        environment={
            "PATH": f"{record.parent}/bin:/usr/bin:/bin",
            "RECORD": str(record),
            "STACKS": json.dumps([{"name": name} for name in stacks or []]),
            "FAILS": fails,
        },
    )


@pytest.mark.parametrize(
    ("stacks", "calls"),
    [
        (["dev"], ["stack ls --json --non-interactive"]),
        (["organization/llm-d/dev", "other"], ["stack ls --json --non-interactive"]),
        (
            ["developer"],
            ["stack ls --json --non-interactive", "stack init dev --no-select --non-interactive"],
        ),
    ],
)
def test_a_stack_is_made_once(record: Path, stacks: list[str], calls: list[str]) -> None:
    """A stack that is there is left alone, and none is selected in the user's workspace."""
    _pulumi(record, stacks=stacks).select()

    assert record.read_text().splitlines() == calls


def test_every_command_names_its_stack(record: Path) -> None:
    """No command depends on which stack is selected; an `up` is as sure of itself as its caller says."""
    pulumi = _pulumi(record)
    pulumi.up("--yes", "--refresh", quiet=True)
    pulumi.set_secret("llm-d:huggingFace.token", "x")

    assert pulumi.outputs() == {"release": "v0.4"}
    assert record.read_text().splitlines() == [
        "up --yes --refresh --stack dev --non-interactive",
        "config set --secret --path llm-d:huggingFace.token x --stack dev --non-interactive",
        "stack output --json --stack dev --non-interactive",
    ]


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ("stack ls", "`pulumi stack ls --json` failed:\nit went wrong\n"),
        ("stack init", "`pulumi stack init dev --no-select` failed:\nit went wrong\n"),
    ],
)
def test_a_backend_that_fails_is_said_in_its_words(record: Path, fails: str, message: str) -> None:
    """What the CLI says about its backend reaches the user, never a traceback."""
    with pytest.raises(OperateError) as raised:
        _pulumi(record, fails=fails).select()

    assert str(raised.value) == message


def test_an_up_that_fails_points_to_what_was_shown(record: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the engine printed is on the screen already; the error only says where."""
    with pytest.raises(OperateError) as raised:
        _pulumi(record, fails="up --yes").up("--yes")

    assert str(raised.value) == "`pulumi up` of stack dev failed; what it said is above"
    assert capfd.readouterr().err == "it went wrong\n"


def test_without_the_cli_the_user_is_told_where_to_get_it(tmp_path: Path) -> None:
    """A PATH without `pulumi` is one sentence."""
    pulumi = Pulumi(folder=tmp_path, stack="dev", environment={"PATH": str(tmp_path)})
    with pytest.raises(OperateError) as raised:
        pulumi.preview()

    assert str(raised.value) == (
        "there is no `pulumi` on PATH; install the Pulumi CLI (https://www.pulumi.com/docs/install)"
    )
