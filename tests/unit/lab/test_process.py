"""Whom the lab takes for its own process, and whom it signals."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import process
from lab.process import Identity


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is none of the lab's."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def _start(tmp_path: Path, program: str) -> tuple[Identity, Path]:
    state = tmp_path / "state.json"
    command = [sys.executable, "-c", program]
    identity = process.start(command, log=tmp_path / "log", state=state, folder=tmp_path, environment={})
    return identity, state


def _write(state: Path, identity: Identity) -> None:
    state.write_text(json.dumps(dataclasses.asdict(identity)))


def _of(pid: int) -> Identity:
    identity = process.identify(pid)
    assert identity is not None
    return identity


def test_a_recycled_pid_is_not_alive_and_not_signalled(stranger: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """The pid of a state file now belongs to a process that started later: it is left alone."""
    state = tmp_path / "state.json"
    now = _of(stranger.pid)
    _write(state, dataclasses.replace(now, create_time=now.create_time - 60))

    assert not process.alive(process.read_identity(state))
    process.stop([state], grace_seconds=0.1)
    assert stranger.poll() is None
    assert not state.exists()


def test_a_pid_of_an_earlier_boot_is_not_alive(stranger: "subprocess.Popen[bytes]") -> None:
    """After a reboot nothing of the lab runs, whatever the pids say."""
    assert process.alive(_of(stranger.pid))
    assert not process.alive(dataclasses.replace(_of(stranger.pid), boot="another"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": 1}', "not json"])
def test_a_damaged_state_file_names_nobody(tmp_path: Path, text: str) -> None:
    """A state file cut short by a full disk is as good as none."""
    (tmp_path / "state.json").write_text(text)

    assert process.read_identity(tmp_path / "state.json") is None


def test_a_daemon_has_its_own_session_log_and_private_files(tmp_path: Path) -> None:
    """It outlives the caller's terminal, writes to its log only, and its files are the owner's alone."""
    program = "import os, time; print(os.getsid(0) == os.getpid(), flush=True); open('made', 'w'); time.sleep(60)"
    identity, state = _start(tmp_path, program)
    while not (tmp_path / "made").exists():
        assert process.alive(identity)

    assert (tmp_path / "log").read_text() == "True\n"
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("log", "state.json", "made")] == ["0o600"] * 3
    process.stop([state])
    assert not process.alive(identity)


def test_a_daemon_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """After the grace period stop insists."""
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); open('made', 'w'); time.sleep(60)"
    identity, state = _start(tmp_path, program)
    while not (tmp_path / "made").exists():
        assert process.alive(identity)
    process.stop([state], grace_seconds=0.2)

    assert not process.alive(identity)


def test_a_daemon_holds_no_pipe_of_its_caller(tmp_path: Path) -> None:
    """`lab up | cat` ends: the daemon does not keep the pipe open."""
    script = (
        "import sys; from pathlib import Path; from lab import process; t = Path(sys.argv[1]);"
        "i = process.start([sys.executable, '-c', 'import time; time.sleep(60)'], log=t / 'log',"
        " state=t / 's', folder=t, environment={}); print(i.pid)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, timeout=20)
    identity = process.read_identity(tmp_path / "s")

    assert process.alive(identity)
    process.stop([tmp_path / "s"])
    assert not process.alive(identity)
