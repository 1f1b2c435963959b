"""The lab's command line: `python -m lab up|build|down|status|env|logs`.

Owns arguments, tables and exit codes. What a command does is `Lab`'s.
"""

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import Lab, LabError, LabStatus, Toolchain
from lab.build import build_all
from lab.components import COMPONENTS
from lab.engine import export_lines
from lab.paths import cache_dir, lab_home
from lab.progress import Reporter
from lab.stack import classes_of_stack, pools_of_stack, runs_on_eks, stack_file
from lab.tools import TOOLS

_DESCRIPTION = """\
The embedded lab: a real Kubernetes control plane whose nodes are simulated, and the real Pulumi
engine, on this machine, without root, Docker or a cloud account.

environment:
  LAB_HOME       folder of this lab (default: .lab in the checkout)
  LAB_CACHE      folder of the built tools, shared by all checkouts (default: ~/.cache/llm-d-lab)
  LAB_TOOLCHAIN  'path' uses the official pulumi from PATH; unset: the lab builds its own
"""

_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m lab", description=_DESCRIPTION, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the lab up, or heal it, with the nodes of a stack")
    up.add_argument(
        "--stack", default="dev", metavar="NAME|FILE", help="whose gpuPools become simulated nodes (default: dev)"
    )
    up.add_argument("--cpu-nodes", type=int, default=2, metavar="N", help="nodes without GPUs (default: 2)")
    build = commands.add_parser("build", help="build the tools that are missing and start nothing; kubectl too")
    build.add_argument("--all", action="store_true", help="those too that only tests and `make smoke` need")
    commands.add_parser("down", help="stop the lab and remove its folder, with the Pulumi state in it")
    status = commands.add_parser("status", help="what runs; exits with 1 where the lab is not ready")
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("env", help='shell lines that make pulumi and kubectl speak to the lab: eval "$(... env)"')
    logs = commands.add_parser("logs", help="print a component's log, or the end of every log")
    logs.add_argument("component", nargs="?", choices=tuple(COMPONENTS))
    logs.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    return parser


def _print_table(status: LabStatus) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("COMPONENT", "ADDRESS", "PID", "READY AFTER"):
        table.add_column(column, justify="left", no_wrap=True)
    for item in status.components:
        seconds = "-" if item.ready_seconds is None or item.pid is None else f"{item.ready_seconds:.1f} s"
        table.add_row(item.name, item.address, str(item.pid or "not running"), seconds)
    Console(soft_wrap=True, highlight=False, width=200).print(table)


def _up(lab: Lab, arguments: argparse.Namespace) -> int:
    stack = stack_file(arguments.stack)
    pools, classes = pools_of_stack(stack), classes_of_stack(stack)
    reporter = Reporter()
    aws = runs_on_eks(stack)
    cpu_nodes = 0 if aws else arguments.cpu_nodes
    seconds = lab.up(pools, cpu_nodes, on_progress=reporter.say, reporter=reporter, classes=classes, aws=aws)
    status = lab.status()
    _print_table(status)
    print(f"the lab is ready after {seconds:.1f} s, with {status.nodes} simulated nodes")
    print(f"kubeconfig: {lab.root / 'kubeconfig'}")
    return 0


def _build(lab: Lab, arguments: argparse.Namespace) -> int:
    if arguments.all:
        build_all(tuple(TOOLS), Reporter())
    else:
        Lab(lab.root, toolchain=Toolchain.BUILT, own_kubectl=True).build(Reporter())
    print(f"every tool is built: {cache_dir()}")
    return 0


def _down(lab: Lab, _: argparse.Namespace) -> int:
    done = lab.down(Reporter().say)
    print(f"the lab in {lab.root} is gone" if done else f"there is no lab in {lab.root}")
    return 0


def _status(lab: Lab, arguments: argparse.Namespace) -> int:
    status = lab.status()
    if arguments.json:
        print(json.dumps(asdict(status), default=str, indent=2))
    elif not status.root.exists():
        print(f"there is no lab in {lab.root}; start it with: python -m lab up")
    else:
        _print_table(status)
        print(f"ready, {status.nodes} nodes" if status.ready else "not ready; heal it with: python -m lab up")
    return 0 if status.ready else 1


def _env(lab: Lab, _: argparse.Namespace) -> int:
    if not (lab.root / "kubeconfig").exists():
        raise LabError("the lab is not up; start it with: python -m lab up")
    print(export_lines(lab.environment()), end="")
    return 0


def _print_new(files: dict[str, Path], positions: dict[str, int]) -> None:
    for name, path in files.items():
        if not path.exists():
            continue
        with path.open(errors="replace") as file:
            file.seek(positions.get(name, 0) if path.stat().st_size >= positions.get(name, 0) else 0)
            text = file.read()
            positions[name] = file.tell()
        if text:
            print(f"==> {name}\n{text}" if len(files) > 1 else text, end="", flush=True)


def _logs(lab: Lab, arguments: argparse.Namespace) -> int:
    names = (arguments.component,) if arguments.component else tuple(COMPONENTS)
    files = {name: lab.logs(name) for name in names}
    if not any(path.exists() for path in files.values()):
        raise LabError(f"there is no log in {lab.root}; start the lab with: python -m lab up")
    positions: dict[str, int] = {}
    if len(files) > 1:
        positions = {name: max(0, path.stat().st_size - 2000) for name, path in files.items() if path.exists()}
    _print_new(files, positions)
    while arguments.follow:
        time.sleep(0.3)
        _print_new(files, positions)
    return 0


_COMMANDS = {"up": _up, "build": _build, "down": _down, "status": _status, "env": _env, "logs": _logs}


def _terminate(*_: object) -> None:
    """SIGTERM ends as Ctrl-C does, so that no compiler is left behind."""
    raise KeyboardInterrupt


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _COMMANDS[arguments.command](Lab(lab_home()), arguments)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is done stays done, repeat the command to go on", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # `lab logs | head`
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
