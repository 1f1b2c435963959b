"""Priorities of requests: what a line's picker makes of them, and whose they are.

What these tests cannot prove: in which order a picker lets requests through.
"""

import pytest

from settings import Fault
from tests.support.configs import faults, settings


def test_objectives_are_kept_by_name() -> None:
    """Priorities of either sign are taken where the line orders by them."""
    objectives = {"interactive": {"priority": 100}, "batch": {"priority": -10}}
    found = settings({"release": "v0.9", "models.qwen.objectives": objectives}).models["qwen"].objectives

    assert {name: given.priority for name, given in found.items()} == {"interactive": 100, "batch": -10}


def test_a_line_that_only_refuses_takes_no_priority_above_the_others() -> None:
    """Line v0.4 sheds what is below 0; a priority above it would promise what no picker of the line does."""
    objectives = {"interactive": {"priority": 100}, "batch": {"priority": -10}}

    assert faults({"release": "v0.4", "models.qwen.objectives": objectives}) == [
        Fault(
            path="models.qwen.objectives.interactive.priority",
            problem="has no effect: the picker of line v0.4 refuses requests below 0 once the servers are full, and"
            " lets all others through alike",
            given="100",
            allowed="0 or less; line v0.9 orders by priority",
        )
    ]


def test_an_objective_is_one_models_alone() -> None:
    """Two models with an objective of one name are one fault: it is one object, with one pool."""
    batch = {"batch": {"priority": -1}}
    other = {"source": "hf://Qwen/Qwen3-8B", "objectives": batch}

    assert faults({"models.qwen.objectives": batch, "models.other": other}) == [
        Fault(
            path="models.qwen.objectives.batch",
            problem="the objective is model other's, and belongs to that model's pool alone",
            allowed="a name of its own, such as <model>-<objective>",
        )
    ]


@pytest.mark.parametrize(
    ("priority", "problem"),
    [
        (2**31, "must be less than 2147483648"),
        (-(2**31), "must be greater than -2147483648"),
    ],
)
def test_a_priority_fits_the_crd(priority: int, problem: str) -> None:
    """What the CRD's int32 does not hold is refused before anything is applied."""
    assert faults({"release": "v0.9", "models.qwen.objectives": {"batch": {"priority": priority}}}) == [
        Fault(path="models.qwen.objectives.batch.priority", problem=problem, given=str(priority))
    ]
