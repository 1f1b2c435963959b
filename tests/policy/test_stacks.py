"""`make policy` on stacks: every shipped one passes, and what the pack cannot see is found by the same command.

What these tests cannot prove: that a stack passes once somebody has changed its config; that is what CI is for.
"""

import json
from pathlib import Path

import pytest
from rich.console import Console

from operate.__main__ import main
from operate.policy import Finding, PolicyRun, judge_stack, markdown
from operate.workspace import ROOT
from policy.checks.steps import replaced_gpu_groups
from tests.support.policy_cases import TOKEN, sound
from tests.support.raw_stacks import RawStack

STACKS = {path.stem.removeprefix("Pulumi."): path for path in (ROOT / "Pulumi.dev.yaml", *ROOT.glob("examples/*.yaml"))}


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_a_shipped_stack_passes_the_policy_of_its_environment(stack: str) -> None:
    """The real engine previews it under the pack: no violation, no advice, no rule that could not judge."""
    run = judge_stack(str(STACKS[stack]), Console(stderr=True), without_cluster=True)

    assert (run.findings, run.errors) == ((), ())
    assert run.passed
    assert sum(tally["judged"] for tally in run.tallies.values()) > 50


def test_a_violation_fails_the_command_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dev by production's rules: exit code 1, the findings as JSON and, for a pull request, as a table."""
    comment = tmp_path / "comment.md"
    config = str(ROOT / "policy" / "prod.json")
    options = ["--without-cluster", "--config", config, "--json", "--markdown", str(comment)]

    assert main(["policy", "--stack", "dev", *options]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["passed"] is False
    assert {item["rule"] for item in result["findings"]} == {
        "image-pinned",
        "image-registry",
        "observability",
    }
    lines = comment.read_text().splitlines()
    assert lines[:4] == ["### Policy of stack `dev`: **failed**", "", "| level | rule | finding |", "|---|---|---|"]
    assert len([line for line in lines if line.startswith("| mandatory")]) == len(result["findings"])


def test_a_token_in_the_stacks_own_file_is_found(tmp_path: Path) -> None:
    """A token that the program's own checks do not look at is still in the repository."""
    path = tmp_path / "Pulumi.leaky.yaml"
    path.write_text((ROOT / "Pulumi.dev.yaml").read_text().replace("config:", f"config:\n  other:key: {TOKEN}", 1))

    run = judge_stack(str(path), Console(stderr=True), without_cluster=True)

    assert [(item.rule, item.level) for item in run.findings] == [("literal-secret", "mandatory")]
    assert TOKEN not in run.findings[0].message
    assert not run.passed


def test_the_replacement_of_a_gpu_node_group_is_in_the_previews_steps(tmp_path: Path) -> None:
    """A group that is up and would be replaced is named with the inputs that make it so; an unchanged one is not."""
    group = next(item for item in sound() if item.name == "sound.group")
    stack = RawStack(tmp_path)
    stack.write([group])
    stack.pulumi.up("--yes", "--skip-preview", quiet=True)
    group.properties["instanceTypes"] = ["p5en.48xlarge"]
    unchanged: list[tuple[str, list[str]]] = []
    changed: list[tuple[str, list[str]]] = []
    for found in (unchanged, changed):
        _, events = stack.pulumi.preview_events()
        steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
        found += [(urn.rpartition("::")[2], keys) for urn, keys in replaced_gpu_groups(steps)]
        stack.write([group])

    assert unchanged == []
    assert changed == [("sound.group", ["instanceTypes"])]


def test_a_mandatory_rule_that_could_not_judge_fails_the_run() -> None:
    """A gap is no pass: the run fails for it, and the comment says so."""
    gap = Finding(rule="launch-template", level="gap", urn="u", message="t cannot be judged yet: x is unknown.")
    advice = Finding(rule="availability", level="advisory", urn="u", message="has 1 replica")
    tallies = {"launch-template": {"judged": 0, "unjudged": 1, "violations": 0}}

    def run(*findings: Finding) -> PolicyRun:
        return PolicyRun(stack="s", config="c", findings=findings, tallies=tallies, errors=())

    assert not run(gap).passed
    assert run(advice).passed
    assert "| gap | [launch-template](docs/policies.md#launch-template) | t cannot be judged yet" in markdown(run(gap))
