"""The pack's rules on what the shipped stacks on EKS make on AWS, as the goldens have it.

The real engine's preview of these stacks needs an AWS, which the lab's tests have; a golden holds the same inputs.
"""

from pathlib import Path

import pytest
import yaml

from operate.workspace import ROOT
from policy import config as environment
from policy.checks import Subject
from policy.judge import judge_all

GOLDENS = sorted((ROOT / "tests" / "golden" / "aws").glob("*.yaml"))


def _subjects(golden: Path) -> list[Subject]:
    planned = yaml.safe_load(golden.read_text())
    return [
        Subject(
            type=key.partition(" ")[0],
            key=f"urn::{key.partition(' ')[2]}",
            properties=item["inputs"],
            protected=item.get("protect", False),
        )
        for key, item in planned.items()
    ]


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_a_plan_passes_the_policy_of_its_environment(golden: Path) -> None:
    """Node groups, templates, cluster, roles and costs pass, production by its own rules; add-ons are left to EKS.

    Which add-on versions go with a cluster's version is AWS' to say and changes by the week, so no example pins any;
    the rule that asks for it fires, and is the only one.
    """
    config = environment.read(environment.environment_of(golden.stem))
    violations, report = judge_all(_subjects(golden), config)

    others = [item for item in violations if not item.subject.type.endswith(":Addon")]
    assert [(item.rule.id, item.subject.name, item.problem) for item in others] == []
    assert {item.rule.id for item in violations} <= {"tested-versions"}
    assert sum(tally.judged for tally in report.tallies.values()) > len(_subjects(golden))
