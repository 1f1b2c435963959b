"""A deliberately broken stack for every rule, previewed by the real engine under the pack.

All cases are one preview, each in a namespace of its own and with names of its own: a rule that fired on another's case
would show. What this cannot prove: that AWS' own provider hands such resources on, for a stand-in does here.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from operate.policy import PACK
from policy.checks import RULES
from tests.support.policy_cases import CASES, STRICT, sound
from tests.support.raw_stacks import RawStack


def _violations(events: list[dict[str, Any]]) -> dict[str, set[tuple[str, str]]]:
    """Rule and level of each violation that the engine announced, by the name of the resource."""
    found = defaultdict(set)
    for event in events:
        if (said := event.get("policyEvent")) is not None:
            name = said["resourceUrn"].rpartition("::")[2]
            found[name].add((said["policyName"], said["enforcementLevel"]))
    return dict(found)


def test_each_broken_program_is_rejected_by_its_rule_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine rejects every case, each for its own rule alone, and nothing of the sound stack beside them."""
    stack = RawStack(tmp_path)
    stack.write([*sound(), *(resource for case in CASES for resource in case.resources)])

    passed, events = stack.preview(PACK, dict(STRICT))

    found = _violations(events)
    with capsys.disabled():
        print(f"\n  {'RULE':20} {'REJECTED RESOURCE':34} BY")
        for case in CASES:
            by = ", ".join(sorted(rule for rule, _ in found.get(case.broken, ())))
            print(f"  {case.rule:20} {case.broken:34} {by}")
    assert not passed
    assert found == {case.broken: {(case.rule, "mandatory")} for case in CASES}
    assert [case.rule for case in CASES] == [rule.id for rule in RULES]


def test_the_sound_program_passes(tmp_path: Path) -> None:
    """The stack that every case starts from passes the same preview, so each rejection is the one change's."""
    stack = RawStack(tmp_path)
    stack.write(sound())

    passed, events = stack.preview(PACK, dict(STRICT))

    assert _violations(events) == {}
    assert passed
