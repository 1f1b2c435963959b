"""Whatever the config says, it is refused with a list of faults, or planned with every reference resolved.

What these tests cannot prove: that an API server takes the objects; tests/integration/test_generated_configs.py does.
"""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as options

from settings import ConfigFaultsError, validate
from stacks import plan_stack
from tests.support.generated import configs
from tests.support.manifests import platform_objects, serving_objects
from tests.support.references import external_references, unresolved_references

# Of 300: enough that neither outcome is an accident.
_AT_LEAST = 30


_SETTINGS = options(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_a_config_is_refused_or_planned() -> None:
    """There is no third outcome: no other exception, no fault without a path, no object that refers to nothing."""
    outcomes = Counter[str]()

    @_SETTINGS
    @given(raw=configs())
    def judge(raw: dict[str, Any]) -> None:
        outcomes[_outcome(raw)] += 1

    judge()
    assert set(outcomes) == {"refused", "planned"}
    assert min(outcomes.values()) >= _AT_LEAST, outcomes


def _outcome(raw: dict[str, Any]) -> str:
    """What became of a config; anything but the two is an exception."""
    try:
        sound = validate(raw)
    except ConfigFaultsError as error:
        unsaid = [fault for fault in error.faults if not fault.path or not fault.problem]
        return "refused" if error.faults and not unsaid else "refused without a word"
    plan = plan_stack(sound)
    objects = [*platform_objects(plan), *serving_objects(plan)]
    unresolved = unresolved_references(objects, external_references(sound))
    return f"planned with {unresolved}" if unresolved else "planned"
