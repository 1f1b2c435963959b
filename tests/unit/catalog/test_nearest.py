"""The suggestion for a mistyped name.

These tests cannot prove that a suggestion is what the user meant, only that it is stable and that nonsense gets none.
"""

import pytest

from catalog import GPUS, INSTANCE_TYPES, MODELS, nearest


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [("g6.xlrage", "g6.xlarge"), ("p5.48xlage", "p5.48xlarge"), ("p6-b20.48xlarge", "p6-b200.48xlarge")],
)
def test_a_mistyped_instance_type_is_recognised(word: str, suggestion: str) -> None:
    """Swapped and lost letters lead to the type that was meant, out of the whole table."""
    assert nearest(word, INSTANCE_TYPES) == suggestion


def test_letter_case_does_not_matter_and_the_published_case_is_returned() -> None:
    """A model typed in lower case is suggested as its repository spells it."""
    assert nearest("qwen/qwen3-32b", MODELS) == "Qwen/Qwen3-32B"
    assert nearest("h100", GPUS) == "H100"


def test_nonsense_gets_no_suggestion() -> None:
    """A word like none of the names gets None, not the least bad name."""
    assert nearest("toaster", INSTANCE_TYPES) is None
    assert nearest("g6.xlarge", []) is None


def test_the_order_of_names_does_not_matter() -> None:
    """Two equally near names give the same suggestion in either order, so that messages never flicker."""
    assert nearest("abx", ["aby", "abz"]) == nearest("abx", ["abz", "aby"]) == "abz"
