"""What the lab refuses, before it starts anything."""

from pathlib import Path

import pytest

from lab import Lab, LabError
from lab.__main__ import main


def test_a_folder_that_is_no_labs_is_refused(tmp_path: Path) -> None:
    """Neither up nor down touches a folder with somebody's files, such as a home folder."""
    (tmp_path / "thesis.tex").write_text("years of work")
    lab = Lab(tmp_path)

    with pytest.raises(LabError, match="is not empty and not a lab's folder; set LAB_HOME to another one"):
        lab.up([])
    with pytest.raises(LabError, match="is not empty and not a lab's folder"):
        lab.down()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_lab_has_no_status_and_nothing_to_take_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status says what to do and fails; down succeeds, since what it promises is so; neither makes a file."""
    root = tmp_path / "lab"
    monkeypatch.setenv("LAB_HOME", str(root))

    assert main(["status"]) == 1
    assert main(["down"]) == 0
    assert main(["env"]) == 1
    assert main(["logs"]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"there is no lab in {root}; start it with: python -m lab up\nthere is no lab in {root}\n"
    assert captured.err == (
        "error: the lab is not up; start it with: python -m lab up\n"
        f"error: there is no log in {root}; start the lab with: python -m lab up\n"
    )
    assert not root.exists()


def test_an_unknown_stack_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists what could have been meant."""
    assert main(["up", "--stack", "nowhere"]) == 1
    assert "there is no stack config" in capsys.readouterr().err


def test_an_unknown_component_is_refused(tmp_path: Path) -> None:
    """The message lists the components."""
    with pytest.raises(LabError, match="'kubelet' is no component of the lab; there are etcd, kube-apiserver"):
        Lab(tmp_path).logs("kubelet")
