"""Where the request path runs, and what is said where it cannot."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from lab import Lab, LabError
from operate.errors import OperateError
from operate.smoke.loopback import add_addresses
from operate.smoke.namespace import enter, is_skipped, name_hosts, refusals


@pytest.mark.parametrize(
    ("file", "value", "command"),
    [
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ],
)
def test_the_setting_that_refuses_is_named_with_its_command(
    file: str, value: str, command: str, tmp_path: Path
) -> None:
    """Each distribution's switch is found by its value, and another value of it is not blamed."""
    path = tmp_path / "proc" / "sys" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")

    (line,) = refusals(tmp_path)
    assert line.startswith(f"/proc/sys/{file} is {value}; allow them with: sudo ")
    assert command in line
    path.write_text("7\n")
    assert refusals(tmp_path)[0].startswith("No known setting is to blame: in a container, its seccomp")


def test_only_an_exact_skip_skips() -> None:
    """A misspelt value is refused: it neither runs by surprise nor passes for a run."""
    assert [is_skipped({}), is_skipped({"SMOKE": ""}), is_skipped({"SMOKE": "skip"})] == [False, False, True]
    with pytest.raises(OperateError, match="SMOKE is 'no'; it may be 'skip' or unset"):
        is_skipped({"SMOKE": "no"})


def test_nothing_is_done_where_packets_could_leave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Addresses, `lo` and pods that are dialled: each is refused as long as another interface is there."""
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])

    for action in (enter, lambda: add_addresses(["198.18.0.1"])):
        with pytest.raises(OperateError, match="must run in a network namespace with only lo; this one has lo, eth0"):
            action()
    with pytest.raises(LabError, match="pods are dialled only where lo is the one interface; here are lo, eth0"):
        Lab(tmp_path / "lab", dials_pods=True).up([])
    assert not (tmp_path / "lab").exists()


def test_names_that_stay_are_not_written_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody finds the file empty because somebody writes what is in it already; a new name is written in place."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    file, hosts = tmp_path / "hosts", [("epp.llm-d.svc.cluster.local", "10.96.0.7")]
    name_hosts(hosts, tmp_path)
    os.utime(file, (0, 0))
    name_hosts(hosts, tmp_path)
    before = file.stat()
    name_hosts([*hosts, ("other", "10.96.0.8")], tmp_path)

    assert before.st_mtime == 0
    assert file.stat().st_ino == before.st_ino
    assert file.read_text() == "127.0.0.1 localhost\n10.96.0.7 epp.llm-d.svc.cluster.local\n10.96.0.8 other\n"
