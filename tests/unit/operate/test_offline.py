"""What a stack without its cluster needs of other machines, before the engine starts."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from operate.offline import offline
from operate.workspace import ROOT


class _EnoughError(Exception):
    """The CRDs were dealt with; the engine need not start."""


@pytest.mark.parametrize(("crds", "fetched"), [("install", 1), ("existing", 0)])
def test_crds_are_fetched_only_where_the_stack_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, crds: str, fetched: int
) -> None:
    """A render of a stack on a cluster that has its CRDs works without the projects' repositories."""
    done: list[str] = []

    def stop(*_: object) -> None:
        raise _EnoughError

    monkeypatch.setattr("operate.offline.build_all", lambda *_: None)
    monkeypatch.setattr("operate.offline.fetch_crds", lambda *_: done.append("CRDs"))
    monkeypatch.setattr("operate.offline.prepare", stop)
    stack = tmp_path / "Pulumi.test.yaml"
    text = (ROOT / "examples" / "Pulumi.sglang.yaml").read_text()
    stack.write_text(f"{text}  llm-d:crds: {crds}\n")
    with pytest.raises(_EnoughError), offline(stack, Console(file=StringIO())):
        pass

    assert len(done) == fetched
