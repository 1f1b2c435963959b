"""Builds the lab's tools into a cache outside the checkout.

A tool is built into a temporary folder and renamed into place, under a lock
per cache key: there is never half a tool, and two builds at once do not
disturb each other. Go's own build cache makes an interrupted build resume.
Owns no knowledge of what a tool is for.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.golang import find_go, go_environment
from lab.locks import file_lock
from lab.modules import module_dir
from lab.paths import cache_dir
from lab.progress import Reporter, _Ticker
from lab.tools import TOOLS, Tool, cache_key

__all__ = ["build_all", "build_tool", "tool_dir"]

_LAST_LINES = 20
# What `go build -v` says while all is well: a download, or the path of a package that it compiles.
_PROGRESS = re.compile(r"go: downloading .*|[\w.~/-]+")
_GRACE_SECONDS = 5.0


def tool_dir(tool: Tool | str) -> Path:
    """Where the tool is, or will be: binaries in `bin/`, data files in `share/`."""
    tool = TOOLS[tool] if isinstance(tool, str) else tool
    return cache_dir() / "tools" / f"{tool.name}-{cache_key(tool)}"


def _build_command(go: str, tool: Tool, into: Path | None) -> list[str]:
    packages = [package for _, package in tool.binaries]
    # With one package the file gets the tool's name, with several each its own;
    # with no folder nothing is kept, which is what a user repeats after a failure.
    output = os.devnull
    if into is not None:
        output = f"{into}/{tool.binaries[0][0]}" if len(packages) == 1 else f"{into}/"
    # -v names each package that is compiled: after the downloads go would else say nothing for minutes.
    return [go, "build", "-v", "-trimpath", "-ldflags", tool.ldflags, "-o", output, *packages]


def _stop_group(process: "subprocess.Popen[bytes]") -> None:
    """End go and the compilers it started; they are a process group of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    # go may be gone before its compilers are.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _run(command: list[str], folder: Path, ticker: _Ticker) -> tuple[int, list[str]]:
    """Exit code and output lines of a long command, which never outlives us."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                ticker.tick(_last_line(output.fileno()))
        finally:
            _stop_group(process)
        output.seek(0)
        return process.returncode, output.read().decode(errors="replace").splitlines()


def _last_line(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    lines = os.pread(descriptor, 400, max(0, size - 400)).decode(errors="replace").splitlines()
    return lines[-1] if lines else ""


def _failure(tool: Tool, command: list[str], lines: list[str]) -> LabError:
    own = go_environment()
    settings = [f"{name}={shlex.quote(own[name])}" for name in ("CGO_ENABLED", "GOFLAGS", "GOTOOLCHAIN", "GOWORK")]
    repeat = f"cd {shlex.quote(str(tool.module))} && {' '.join(settings)} {shlex.join(command)}"
    interesting = [line for line in lines if not _PROGRESS.fullmatch(line)]
    last = "\n".join(f"    {line}" for line in interesting[-_LAST_LINES:])
    return LabError(f"building {tool.name} {tool.version} failed:\n{last}\nRepeat it with:\n    {repeat}")


def _add_files(tool: Tool, partial: Path) -> None:
    for module, name in tool.module_files:
        (partial / "share").mkdir(exist_ok=True)
        shutil.copyfile(module_dir(tool.module, module) / name, partial / "share" / Path(name).name)
    for name, text in tool.scripts:
        (partial / "bin" / name).write_text(text)
        (partial / "bin" / name).chmod(0o755)


def _build(tool: Tool, final: Path, title: str, reporter: Reporter) -> None:
    partial = final.with_name(final.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "bin").mkdir(parents=True)
    try:
        go = find_go(reporter.say)
        with reporter.step(title) as ticker:
            command = _build_command(go, tool, partial / "bin")
            code, lines = _run(command, tool.module, ticker)
            if code != 0:
                raise _failure(tool, _build_command(go, tool, None), lines)
            _add_files(tool, partial)
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def build_tool(tool: Tool, reporter: Reporter, position: str = "") -> Path:
    """Build the tool unless the cache has it; its folder."""
    final = tool_dir(tool)
    if final.is_dir():
        return final
    title = f"building {tool.name} {tool.version}{position}"
    lock = cache_dir() / "locks" / f"{final.name}.lock"
    with file_lock(lock, lambda: reporter.say(f"{title}: waiting, another process is building it ({lock})")):
        if not final.is_dir():
            _build(tool, final, title, reporter)
    return final


def build_all(names: Sequence[str], reporter: Reporter) -> dict[str, Path]:
    """Build those of the named tools that the cache has not; the folder of each."""
    missing = [name for name in names if not tool_dir(name).is_dir()]
    if missing:
        reporter.say(f"tools are built into {cache_dir()}; this happens once")
    for number, name in enumerate(missing, 1):
        build_tool(TOOLS[name], reporter, f" ({number} of {len(missing)})")
    return {name: tool_dir(name) for name in names}
