"""A place of its own for processes that dial pods: user, network, mount and process namespaces, without root.

Simulated pods have addresses that belong to somebody else's network. In a network namespace that has nothing but `lo`
no packet can leave, so there they may be dialled; the mount namespace gives the cluster's names a hosts file; the
process namespace ends whatever was started, however the run ends.

    answer = run_inside("operate.smoke.inside", {"stack": "..."})

starts `python -m operate.smoke.inside REQUEST ANSWER` in there, two JSON files, its output and progress where the
caller's are. The module calls `enter()` first. Whatever needs a network (tools, CRD files) is made ready before.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operate.errors import OperateError
from operate.smoke.loopback import bring_up, require_loopback_only
from operate.workspace import ROOT

__all__ = ["SKIP", "enter", "is_skipped", "name_hosts", "refusals", "require_namespaces", "run_inside"]

SKIP = "skip"

_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")
_MOUNT_PROC = "--mount-proc"

# Each switches user namespaces off on some distribution, at the value given.
_SWITCHES = (
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 24.04 and later restrict it)",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl -w kernel.unprivileged_userns_clone=1 (Debian's own setting)",
    ),
)


def is_skipped(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether SMOKE=skip asks for no request path at all; whoever obeys says so.

    Raises:
        OperateError: if SMOKE has another value: a misspelt skip must not run, nor a misspelt anything pass for one.
    """
    asked = environment.get("SMOKE", "")
    if asked not in ("", SKIP):
        raise OperateError(f"SMOKE is {asked!r}; it may be {SKIP!r} or unset")
    return asked == SKIP


def require_namespaces() -> None:
    """Try it once.

    Raises:
        OperateError: with the setting to change.
    """
    if shutil.which(_UNSHARE[0]) is None:
        raise OperateError("there is no `unshare` on PATH; it is in the package util-linux")
    done = subprocess.run([*_UNSHARE, _MOUNT_PROC, "true"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    raise OperateError(
        f"no namespace without root on this machine: {done.stderr.strip() or 'unshare failed'}\n"
        + "\n".join(refusals(Path("/")))
        + f"\nSMOKE={SKIP} leaves the request path out, and says so."
    )


def refusals(root: Path) -> list[str]:
    """What refuses user namespaces below `root` (`/`, but for tests), each with the command that allows them."""
    found = []
    for file, refusing, command in _SWITCHES:
        path = root / file.lstrip("/")
        if path.is_file() and path.read_text().strip() == refusing:
            found.append(f"{file} is {refusing}; allow them with: sudo {command}")
    unknown = (
        "No known setting is to blame: in a container, its seccomp or AppArmor profile refuses them"
        " (Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined)."
    )
    return found or [unknown]


def run_inside(module: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module in a fresh namespace; what it answered.

    Raises:
        OperateError: if namespaces are off, or the module ends without an answer.
    """
    require_namespaces()
    with tempfile.TemporaryDirectory(prefix="llm-d-inside-") as temporary:
        question, answer = Path(temporary) / "request.json", Path(temporary) / "answer.json"
        question.write_text(json.dumps(request))
        command = [*_UNSHARE, _MOUNT_PROC, sys.executable, "-m", module, str(question), str(answer)]
        # The request says all: in the namespace nothing of the user's clusters and proxies could be reached anyway.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        if not answer.exists():
            raise OperateError(f"{module} ended with {done.returncode} in its namespace; what it said is above")
        result: dict[str, Any] = json.loads(answer.read_text())
        return result


def enter() -> None:
    """What a module does first inside: `lo` up, and a look that nothing else is there.

    Raises:
        OperateError: if it was not started by `run_inside`.
    """
    require_loopback_only()
    bring_up()


def name_hosts(hosts: Iterable[tuple[str, str]], folder: Path) -> None:
    """Make names resolve to addresses, for every process of this mount namespace; replaces earlier names."""
    text = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in hosts)
    file = folder / "hosts"
    first = not file.exists()
    # Only a change is written. Who reads the file while it is written finds it empty, and an Envoy that starts at that
    # moment does not find its pickers for more than half a minute: it answers 500 to everything.
    if first or file.read_text() != text:
        # In place: the mount holds on to the file, not to its name.
        file.write_text(text)
    if first:
        subprocess.run(["mount", "--bind", str(file), "/etc/hosts"], check=True)
