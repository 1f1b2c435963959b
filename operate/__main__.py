"""The operator's commands: `python -m operate up|render|topology|...`. Owns arguments, printing and exit codes."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from lab import LabError
from lab.progress import Reporter
from operate.bench import Plan, as_data, bench, print_report
from operate.config_table import with_table
from operate.crds import fetch_crds, from_release_url
from operate.errors import OperateError
from operate.policy import judge_stack, markdown, print_run
from operate.policy_documents import instance_data, policies_document
from operate.render import render
from operate.smoke.run import has_passed, smoke
from operate.smoke.run import print_report as print_smoke
from operate.stack_files import load_stack, stack_path
from operate.topology import draw
from operate.up import bring_up, print_summary
from operate.verify.rows import as_data as rows_as_data
from operate.verify.rows import print_rows
from operate.verify.verify import verify
from operate.workspace import ROOT
from releases import RELEASES

_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operate", description="What an operator runs beside pulumi.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring a stack up, its lab first where it has one, and sum up what is there")
    rendering = commands.add_parser("render", help="write a stack's manifests as YAML, one file per object")
    crds = commands.add_parser("crds", help="fetch the CRD files that a stack's release line pins")
    judging = commands.add_parser("policy", help="preview a stack and judge it by the policy pack")
    commands.add_parser("docs", help="write what is generated of README.md and docs/ anew").set_defaults(json=False)
    drawing = commands.add_parser("topology", help="draw a stack, from gateway to GPUs, as SVG and Mermaid")
    smoking = commands.add_parser("smoke", help="a stack from nothing to answered requests, in a namespace of its own")
    verifying = commands.add_parser("verify", help="ask a stack's cluster whether it answers requests, and why not")
    for command in (up, rendering, crds, drawing, judging, smoking, verifying):
        command.add_argument("--stack", default="dev", metavar="NAME|FILE", help="default: dev")
        command.add_argument("--json", action="store_true", help="result for programs, on standard output")
    rendering.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write; must be empty or a render's"
    )
    drawing.add_argument(
        "--out", type=Path, metavar="FILE.svg", help="default: build/topology/STACK.svg; FILE.mmd is written beside it"
    )
    judging.add_argument("--config", type=Path, metavar="FILE", help="default: policy/dev.json, or prod.json by name")
    judging.add_argument(
        "--without-cluster", action="store_true", help="plan manifests: needs neither cluster, credentials nor state"
    )
    judging.add_argument(
        "--approve-replace", action="append", default=[], metavar="NAME", help="GPU node group that may be replaced"
    )
    judging.add_argument("--markdown", type=Path, metavar="FILE", help="write the result as a comment, too")
    smoking.add_argument("--keep", type=Path, metavar="DIR", help="leave logs and configs of what ran there")
    verifying.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig; default: the one that the stack's config names"
    )
    measuring = commands.add_parser("bench", help="measure on a lab of its own what the README promises about speed")
    measuring.add_argument("--runs", type=int, default=3, choices=range(1, 21), metavar="N", help="default: 3")
    measuring.add_argument("--pairs", type=int, default=2, choices=range(1, 11), metavar="N", help="default: 2")
    measuring.add_argument("--json", action="store_true", help="result for programs, on standard output")
    return parser


def _up(arguments: argparse.Namespace, console: Console) -> object:
    result = bring_up(arguments.stack, console)
    if not arguments.json:
        print_summary(result, console)
    return result


def _render(arguments: argparse.Namespace, console: Console) -> object:
    files = render(stack_path(arguments.stack), arguments.out, console)
    console.print(f"{len(files)} manifests in {arguments.out}")
    return {"out": str(arguments.out), "files": files}


def _crds(arguments: argparse.Namespace, console: Console) -> object:
    release = RELEASES[load_stack(stack_path(arguments.stack)).release]
    count = fetch_crds(release, from_release_url, console.print)
    console.print(f"release line {release.name}: {count} CRD files fetched" if count else "every CRD file is there")
    return {"release": release.name, "fetched": count}


def _docs(_: argparse.Namespace, console: Console) -> object:
    readme = ROOT / "README.md"
    written = {
        readme: with_table(readme.read_text()),
        ROOT / "docs" / "policies.md": policies_document(),
        ROOT / "policy" / "instance_types.json": instance_data(),
    }
    for path, after in written.items():
        same = path.exists() and path.read_text() == after
        if not same:
            path.write_text(after)
        console.print(f"{path.relative_to(ROOT)}: {'as it was' if same else 'written anew'}")
    return None


def _bench(arguments: argparse.Namespace, console: Console) -> object:
    report = bench(Plan(runs=arguments.runs, pairs=arguments.pairs), console)
    if not arguments.json:
        print_report(report, console)
    return as_data(report)


def _policy(arguments: argparse.Namespace, console: Console) -> object:
    run = judge_stack(
        arguments.stack,
        console,
        config=arguments.config,
        without_cluster=arguments.without_cluster,
        approved=arguments.approve_replace,
    )
    if arguments.markdown:
        arguments.markdown.write_text(markdown(run))
    if not arguments.json:
        print_run(run, console)
    if not run.passed:
        if arguments.json:
            print(json.dumps(run.as_data(), indent=2, sort_keys=True))
        raise OperateError(f"stack {arguments.stack} is against the policy; what is above has to change first")
    return run.as_data()


def _smoke(arguments: argparse.Namespace, console: Console) -> object:
    result = smoke(arguments.stack, arguments.keep)
    if not arguments.json:
        print_smoke(result, console)
    return _unless_failed(result, arguments, passed=has_passed(result))


def _verify(arguments: argparse.Namespace, console: Console) -> object:
    rows = verify(arguments.stack, Reporter(), arguments.context)
    if not arguments.json:
        print_rows(rows, console)
    result = {"stack": arguments.stack, "rows": rows_as_data(rows)}
    return _unless_failed(result, arguments, passed=all(row.ok is not False for row in rows))


def _unless_failed(result: object, arguments: argparse.Namespace, *, passed: bool) -> object:
    """The result, printed also where the command fails for what is in it."""
    if passed:
        return result
    if arguments.json:
        print(json.dumps(result, indent=2, sort_keys=True))
    raise OperateError(f"stack {arguments.stack} does not do what it should; each fault has its hint above")


def _topology(arguments: argparse.Namespace, console: Console) -> object:
    drawing = draw(stack_path(arguments.stack), arguments.out)
    console.print(f"{drawing.svg} and, for a README, {drawing.mermaid}", markup=False)
    return asdict(drawing.graph)


_COMMANDS: dict[str, Callable[[argparse.Namespace, Console], object]] = {
    "up": _up,
    "render": _render,
    "crds": _crds,
    "docs": _docs,
    "bench": _bench,
    "policy": _policy,
    "smoke": _smoke,
    "verify": _verify,
    "topology": _topology,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=arguments.json, highlight=False, soft_wrap=True)
    try:
        result = _COMMANDS[arguments.command](arguments, console)
    except (OperateError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is done stays done, repeat the command to go on", file=sys.stderr)
        return _INTERRUPTED
    if arguments.json:
        print(json.dumps(result, indent=2, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
