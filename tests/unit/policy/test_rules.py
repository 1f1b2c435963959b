"""Every rule, on the stack that breaks it alone; without an engine, so that a rule is changed in seconds.

What these tests cannot prove: that the engine hands the pack such resources; tests/policy does.
"""

import pytest

from policy.checks import RULES, Subject
from policy.config import parse
from policy.judge import judge_all
from tests.support.policy_cases import CASES, STRICT, Case, Resource, sound

CONFIG = parse(STRICT)


def _subjects(resources: tuple[Resource, ...]) -> list[Subject]:
    return [
        Subject(type=item.type, key=f"urn::{item.name}", properties=item.properties, protected=item.protect)
        for item in resources
    ]


def test_there_are_thirty_rules_each_with_a_case() -> None:
    """The rules are numbered from 1 to 30, their names are unique, and each has the stack that breaks it."""
    assert [rule.number for rule in RULES] == list(range(1, 31))
    assert [case.rule for case in CASES] == [rule.id for rule in RULES]


def test_a_sound_stack_breaks_no_rule_at_its_strictest() -> None:
    """The stack that all cases start from passes, and all rules but three, about what it lacks, judged something."""
    violations, report = judge_all(_subjects(tuple(sound())), CONFIG)

    assert [(item.rule.id, item.message) for item in violations] == []
    unheard = {name for name, tally in report.tallies.items() if not tally.judged}
    assert unheard == {"gpu-advertiser", "autoscaling", "volume-access"}


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_case_breaks_its_rule_and_no_other(case: Case) -> None:
    """Exactly one rule holds something against the case, and only against the resource that was changed."""
    violations, _ = judge_all(_subjects(case.resources), CONFIG)

    assert {(item.rule.id, item.subject.key) for item in violations} == {(case.rule, f"urn::{case.broken}")}
