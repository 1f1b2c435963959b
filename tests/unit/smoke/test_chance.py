"""Probabilities that a scheduler without eyes would do as well."""

import pytest

from operate.smoke.chance import at_least, at_most, trials_for_none
from operate.smoke.latency import percentile


def test_probabilities_are_the_binomials() -> None:
    """Exact values of small cases, and the two that the checks rest on."""
    assert at_least(2, 2, 0.5) == pytest.approx(0.25)
    assert at_least(1, 2, 0.5) == pytest.approx(0.75)
    assert at_most(0, 40, 0.5) == pytest.approx(0.5**40)
    assert at_least(0, 7, 0.3) == pytest.approx(1)
    # 39 followers of a prefix among two pods: even 34 would be no chance, 33 could be.
    assert at_least(35, 39, 0.5) < 1e-6 < at_least(33, 39, 0.5)


@pytest.mark.parametrize(("pods", "trials"), [(2, 20), (4, 49), (8, 104)])
def test_the_more_pods_the_more_questions_show_that_one_is_left_out(pods: int, trials: int) -> None:
    """One question fewer, and a pod without a request could be chance."""
    assert trials_for_none(1 / pods) == trials
    assert at_most(0, trials, 1 / pods) < 1e-6 < at_most(0, trials - 1, 1 / pods)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """Of a hundred values, the median is the 51st and the 99th percentile the highest."""
    values = [float(number) for number in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99)) == (51.0, 100.0)
    assert percentile([3.0], 0.99) == 3.0
