"""An image that is too old for its engine's adapter is refused before anything is applied.

What these tests cannot prove: what an image really holds; its tag is believed.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

TENSORRT = {"release": "v0.9", "engine": "tensorrt-llm"}
OLD = "nvcr.io/nvidia/tensorrt-llm/release:1.2.1"
FAULT = Fault(
    path="models.qwen.image",
    problem="tensorrt-llm 1.2.1 is too old: before it trtllm-serve does not emit the metrics that the picker scores by"
    " (NVIDIA/TensorRT-LLM#12545)",
    given=OLD,
    allowed="1.3.0rc12 or newer",
)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"models.qwen.image": OLD}, "models.qwen.image"),
        ({"engines": {"tensorrt-llm": {"image": OLD}}}, "engines.tensorrt-llm.image"),
    ],
)
def test_an_image_below_the_engines_floor_is_refused(changes: dict[str, Any], path: str) -> None:
    """The fault says what the older version lacks, wherever the image is named."""
    assert [(fault.path, fault.problem, fault.allowed) for fault in faults({**TENSORRT, **changes})] == [
        (path, FAULT.problem, FAULT.allowed)
    ]


@pytest.mark.parametrize(
    "image",
    [
        "tensorrt-llm-release",
        "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc12",
        "nvcr.io/nvidia/tensorrt-llm/release:1.3.0",
        "example.com/mine:0.1",
    ],
)
def test_an_image_that_is_new_enough_or_says_nothing_is_taken(image: str) -> None:
    """The floor itself, a later version, and an image of which nothing is known pass."""
    assert faults({**TENSORRT, "models.qwen.image": image}) == []


def test_an_engine_without_a_floor_takes_any_version() -> None:
    """No version of vLLM is refused for its age."""
    assert faults({"models.qwen.image": "vllm/vllm-openai:v0.1.0"}) == []
