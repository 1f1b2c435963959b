"""`make policy`: the preview of a stack, judged by the pack and by what the pack cannot see.

One preview by the real engine serves both: its events say what each rule found and what would happen to each resource.
A rule that needs a value which the preview does not know is a gap, and a mandatory rule with a gap fails the run: what
could not be judged has not passed.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from operate.engine import Pulumi
from operate.errors import OperateError
from operate.offline import offline
from operate.stack_files import load_stack, stack_path
from operate.up import prepare_cluster
from operate.workspace import ROOT, read_stack_document
from policy import config as environment_config
from policy.analyzer import REPORT_VARIABLE
from policy.checks import RULES, Severity
from policy.checks.literals import token_in
from policy.checks.steps import replaced_gpu_groups
from policy.checks.subject import texts
from policy.config import ConfigError, RuleConfig

__all__ = ["Finding", "PolicyRun", "judge_stack", "markdown", "print_run"]

PACK = ROOT / "policy"
_REPLACEMENT = "protected-state"
_LITERAL = "literal-secret"
_GAP = " cannot be judged yet: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a rule found."""

    rule: str
    level: str
    """`mandatory`, `advisory`, or `gap`: a mandatory rule that could not be judged."""
    urn: str
    message: str

    @property
    def fails(self) -> bool:
        """Whether the run fails for it."""
        return self.level != Severity.ADVISORY


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRun:
    """What a run found."""

    stack: str
    config: str
    findings: tuple[Finding, ...]
    tallies: dict[str, dict[str, int]]
    """What each rule judged."""
    errors: tuple[str, ...]
    """What the engine or the program had to say against the preview itself."""

    @property
    def passed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.errors and not any(finding.fails for finding in self.findings)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        findings = [
            {"rule": item.rule, "level": item.level, "urn": item.urn, "message": item.message} for item in self.findings
        ]
        return {
            "stack": self.stack,
            "config": self.config,
            "passed": self.passed,
            "findings": findings,
            "rules": self.tallies,
            "errors": list(self.errors),
        }


def judge_stack(
    stack: str, console: Console, *, config: Path | None = None, without_cluster: bool, approved: Sequence[str] = ()
) -> PolicyRun:
    """Preview a stack and judge it.

    Args:
        stack: Name, or path of its file.
        console: Where progress goes.
        config: Policy config; default: the one of the stack's environment.
        without_cluster: Whether manifests are planned instead of a cluster's objects, without credentials or state.
        approved: Names of node groups that may be replaced.

    Raises:
        OperateError: if there was nothing to judge.
    """
    path = stack_path(stack)
    config = config or environment_config.environment_of(stack)
    try:
        rules = environment_config.read(config)
    except ConfigError as error:
        raise OperateError(str(error)) from error
    with _engine(stack, path, console, without_cluster=without_cluster) as pulumi:
        finished, events, tallies = _preview(pulumi, config)
    findings = [*_findings(events, rules), *_replacements(events, rules, approved), *_literals(path, rules)]
    errors = [] if finished or any(finding.fails for finding in findings) else _errors(events)
    return PolicyRun(stack=stack, config=str(config), findings=tuple(findings), tallies=tallies, errors=tuple(errors))


@contextmanager
def _engine(stack: str, path: Path, console: Console, *, without_cluster: bool) -> Iterator[Pulumi]:
    if without_cluster:
        with offline(path, console, keeps_eks=True) as pulumi:
            yield pulumi
        return
    _, environment = prepare_cluster(load_stack(path), console)
    pulumi = Pulumi(folder=ROOT, stack=stack, environment=environment)
    pulumi.select()
    yield pulumi


def _preview(pulumi: Pulumi, config: Path) -> tuple[bool, list[dict[str, Any]], dict[str, dict[str, int]]]:
    with tempfile.TemporaryDirectory(prefix="llm-d-policy-") as folder:
        report = Path(folder) / "report.json"
        judged = Pulumi(
            folder=pulumi.folder,
            stack=pulumi.stack,
            environment={**pulumi.environment, REPORT_VARIABLE: str(report)},
        )
        finished, events = judged.preview_events(
            "--policy-pack", str(PACK), "--policy-pack-config", str(config.resolve())
        )
        if not report.exists():
            said = "\n".join(_errors(events)) or "the engine ended before the pack had seen the whole stack"
            raise OperateError(f"the preview of stack {pulumi.stack} was not judged:\n{said}")
        return finished, events, json.loads(report.read_text())


def _findings(events: Sequence[dict[str, Any]], rules: dict[str, RuleConfig]) -> Iterator[Finding]:
    for event in events:
        said = event.get("policyEvent")
        if said is None:
            continue
        rule, message = str(said["policyName"]), str(said["message"]).strip()
        level = str(said["enforcementLevel"])
        if _GAP in message:
            level = "gap" if rules[rule].severity is Severity.MANDATORY else Severity.ADVISORY
        yield Finding(rule=rule, level=level, urn=str(said.get("resourceUrn", "")), message=message)


def _replacements(
    events: Sequence[dict[str, Any]], rules: dict[str, RuleConfig], approved: Sequence[str]
) -> Iterator[Finding]:
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    for urn, keys in replaced_gpu_groups(steps):
        name = urn.rpartition("::")[2]
        if name not in approved:
            yield Finding(
                rule=_REPLACEMENT,
                level=rules[_REPLACEMENT].severity,
                urn=urn,
                message=f"{name}: would be replaced, because of {', '.join(keys) or 'its inputs'}: every model on it "
                "loads again, and reserved GPUs may not come back.\n"
                f"To do: plan a window, then --approve-replace {name}.",
            )


def _literals(path: Path, rules: dict[str, RuleConfig]) -> Iterator[Finding]:
    """Tokens in the stack's own file, where they are in the repository already."""
    for where, text in texts(read_stack_document(path).get("config") or {}):
        if kind := token_in(text):
            message = f"{path.name}: {where} looks like {kind}\nTo do: pulumi config set --secret, and revoke this one"
            yield Finding(rule=_LITERAL, level=rules[_LITERAL].severity, urn="", message=message)


def _errors(events: Sequence[dict[str, Any]]) -> list[str]:
    said = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
    return [str(item["message"]).strip() for item in said if item["severity"] == "error"]


def print_run(run: PolicyRun, console: Console) -> None:
    """Findings, then what each rule judged."""
    for finding in run.findings:
        console.print(f"{finding.level} {finding.rule}", style="bold red" if finding.fails else "yellow")
        for line in finding.message.splitlines():
            console.print(f"    {line}", markup=False)
    for error in run.errors:
        console.print(f"error {error}", style="bold red", markup=False)
    table = Table(box=None, pad_edge=False)
    for column in ("RULE", "LEVEL", "JUDGED", "NOT JUDGED", "VIOLATIONS"):
        table.add_column(column, justify="left" if column in ("RULE", "LEVEL") else "right")
    rules = environment_config.read(Path(run.config))
    for rule in RULES:
        tally = run.tallies[rule.id]
        table.add_row(
            rule.id, rules[rule.id].severity, *(str(tally[key]) for key in ("judged", "unjudged", "violations"))
        )
    console.print(table)
    verdict = "passed" if run.passed else "failed"
    console.print(f"stack {Path(run.stack).name}: {verdict} by {os.path.relpath(run.config)}")


def markdown(run: PolicyRun) -> str:
    """The run as a comment on a pull request."""
    lines = [f"### Policy of stack `{Path(run.stack).name}`: {'passed' if run.passed else '**failed**'}", ""]
    if run.findings:
        lines += ["| level | rule | finding |", "|---|---|---|"]
        for finding in run.findings:
            text = finding.message.replace("|", "\\|").replace("\n", "<br>")
            lines.append(f"| {finding.level} | [{finding.rule}](docs/policies.md#{finding.rule}) | {text} |")
        lines.append("")
    lines += [f"- {error}" for error in run.errors]
    judged = sum(tally["judged"] for tally in run.tallies.values())
    rules = sum(tally["judged"] > 0 for tally in run.tallies.values())
    lines.append(f"{rules} of {len(run.tallies)} rules had something to judge, {judged} verdicts in all.")
    return "\n".join(lines) + "\n"
