"""Building tools: once, whole or not at all, and with a useful word when it fails."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from lab import LabError, build
from lab.progress import Reporter
from lab.tools import Tool
from tests.support.processes import ends

_GOOD = "package main\n\nfunc main() { println(`hello`) }\n"
_BROKEN = "package main\n\nfunc main() { undefinedName() }\n"


def _tool(folder: Path, source: str) -> Tool:
    folder.mkdir()
    (folder / "go.mod").write_text("module lab.local/tiny\n\ngo 1.25.0\n")
    (folder / "main.go").write_text(source)
    return Tool(name="tiny", module=folder, version="v1", binaries=(("tiny", "."),))


def _reporter() -> tuple[Reporter, io.StringIO]:
    output = io.StringIO()
    return Reporter(Console(file=output, soft_wrap=True)), output


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, empty."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_broken_module_shows_the_compilers_words_and_how_to_repeat(tmp_path: Path, cache: Path) -> None:
    """The message holds the error and the exact command, and nothing is left in the cache."""
    tool = _tool(tmp_path / "tiny", _BROKEN)

    with pytest.raises(LabError) as caught:
        build.build_tool(tool, _reporter()[0])
    message = str(caught.value)
    assert message.startswith("building tiny v1 failed:\n")
    assert "main.go:3:15: undefined: undefinedName" in message
    assert "    lab.local/tiny\n" not in message  # progress is no part of a failure
    repeat = message.splitlines()[-1].strip()
    assert repeat.startswith(f"cd {tool.module} && CGO_ENABLED=0 GOFLAGS=")
    again = subprocess.run(["sh", "-c", repeat], capture_output=True, text=True, check=False)
    assert (again.returncode, "undefined: undefinedName" in again.stderr) == (1, True)
    assert list((cache / "tools").iterdir()) == []


def test_two_builds_at_once_build_once(tmp_path: Path, cache: Path) -> None:
    """The second waits, says so, and takes the first one's result."""
    tool = _tool(tmp_path / "tiny", _GOOD)
    reporter, output = _reporter()
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(build.build_tool(tool, reporter))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [build.tool_dir(tool)] * 2
    assert list((cache / "tools").iterdir()) == [build.tool_dir(tool)]
    assert output.getvalue().count("building tiny v1 ...\n") == 1
    assert output.getvalue().count("waiting, another process is building it") == 1
    said = subprocess.run([found[0] / "bin" / "tiny"], capture_output=True, text=True, check=True)
    assert said.stderr == "hello\n"


def test_a_built_tool_is_not_built_again(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm call starts no go, and needs none."""
    tool = _tool(tmp_path / "tiny", _GOOD)
    (cache / "tools" / build.tool_dir(tool).name).mkdir(parents=True)
    monkeypatch.setattr(build, "find_go", lambda _: pytest.fail("go was looked for"))

    assert build.build_tool(tool, _reporter()[0]) == build.tool_dir(tool)


_FAKE_GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.6 linux/amd64"; exit; fi
sleep 100 &
echo "$$ $!" > "$PIDS.new"; mv "$PIDS.new" "$PIDS"
wait
"""
# A shell in the background starts its children with SIGINT ignored.
_SCRIPT = """
import signal, sys
from pathlib import Path
from lab.build import build_tool
from lab.progress import Reporter
from lab.tools import Tool
signal.signal(signal.SIGINT, signal.default_int_handler)
build_tool(Tool(name="tiny", module=Path(sys.argv[1]), version="v1", binaries=(("tiny", "."),)), Reporter())
"""


def test_an_interrupted_build_leaves_no_process_and_no_partial_result(tmp_path: Path, cache: Path) -> None:
    """Ctrl-C ends the compiler and its children, and the cache is as it was."""
    tool = _tool(tmp_path / "tiny", _GOOD)
    fake = tmp_path / "bin" / "go"
    fake.parent.mkdir()
    fake.write_text(_FAKE_GO)
    fake.chmod(0o755)
    pids = tmp_path / "pids"
    own = {"PATH": f"{fake.parent}:/usr/bin:/bin", "PIDS": str(pids), "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", _SCRIPT, str(tool.module)]
    with subprocess.Popen(command, env={**os.environ, **own}, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not pids.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)

        assert process.wait(20) != 0
    # The compiler's child is nobody's here to wait for: it was killed, and takes its moment.
    assert [ends(int(pid), 10) for pid in pids.read_text().split()] == [True, True]
    assert list((cache / "tools").iterdir()) == []
