"""What a picker's page says of the priorities of requests."""

import pytest

from operate.smoke.objectives import count_by_priority

_PAGE = """\
# TYPE inference_objective_request_total counter
inference_objective_request_total{model_name="m",priority="-10",target_model_name="m"} 3
inference_objective_request_total{model_name="n",priority="-10",target_model_name="n"} 2
inference_objective_request_total{model_name="m",priority="100",target_model_name="m"} 7
"""
_WITHOUT = """\
# TYPE inference_objective_request_total counter
inference_objective_request_total{model_name="m",target_model_name="m"} 3
"""


@pytest.mark.parametrize(
    ("text", "priority", "count"), [(_PAGE, -10, 5), (_PAGE, 100, 7), (_PAGE, 1, 0), ("", 1, 0), (_WITHOUT, 1, None)]
)
def test_requests_are_counted_by_priority(text: str, priority: int, count: float | None) -> None:
    """All models' requests of a priority together; a page that does not tell priorities tells nothing."""
    assert count_by_priority(text, priority) == count
