"""What the catalogue knows of a model: refused before anything is applied where engine or hub would refuse after.

What these tests cannot prove: that a repository is gated today, or that its config.json still has as many heads.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import SECRET, faults

H100 = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 2, "diskSizeGib": 1000}}}
TENSOR = "models.qwen.parallelism.tensor"
PREFILL_TENSOR = "models.qwen.prefill.parallelism.tensor"
SMALL = "hf://facebook/opt-125m"
"""12 heads."""
LLAMA = "hf://meta-llama/Llama-3.1-8B-Instruct"
GATED = {"models.qwen.source": LLAMA}
EFS = {"storageClasses": {"efs": {"accessModes": ["ReadWriteMany"]}}, "models.qwen.cache": {"storageClass": "efs"}}
CUSTOM = {
    "engine": "custom",
    "models.qwen.custom": {
        "image": "example.com/engine:1",
        "command": ["serve"],
        "metrics": {"queuedRequests": "a", "kvCacheUsage": "b"},
    },
}
OF_12 = "1, 2, 3, 4, 6, 12"


def _heads(path: str, given: str, engine: str = "vllm") -> Fault:
    return Fault(
        path=path,
        problem=f"does not divide the 12 attention heads of facebook/opt-125m: {engine} would not start",
        given=given,
        allowed=OF_12,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({TENSOR: 8}, [_heads(TENSOR, "8")]),
        ({TENSOR: 8, "engine": "sglang"}, [_heads(TENSOR, "8", "sglang")]),
        (
            {TENSOR: 8, "release": "v0.9", "models.qwen.prefill": {"parallelism": {"tensor": 8}}},
            [_heads(TENSOR, "8"), _heads(PREFILL_TENSOR, "8")],
        ),
        ({TENSOR: 4}, []),
        ({TENSOR: 4, "release": "v0.9", "models.qwen.prefill": {"parallelism": {"tensor": 2}}}, []),
        ({TENSOR: 8, "models.qwen.source": "hf://example/other", "models.qwen.weights": "1Gi"}, []),
        ({TENSOR: 8, **CUSTOM}, []),
    ],
)
def test_tensor_parallelism_splits_attention_by_whole_heads(changes: dict[str, Any], expected: list[Fault]) -> None:
    """Each role is told its own key and what goes; of unknown models, and of an engine of one's own, nothing is."""
    assert faults({**H100, "models.qwen.source": SMALL, **changes}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 1),
        (EFS, 1),
        ({"engine": "sglang"}, 1),
        ({"huggingFace": {"tokenSecret": "hugging-face"}}, 0),
        ({"huggingFace": {"token": SECRET}}, 0),
        ({**EFS, "huggingFace": {"tokenSecret": "hugging-face"}}, 0),
        ({"models.qwen.source": "pvc+hf://models/meta-llama/Llama-3.1-8B-Instruct"}, 0),
        ({"models.qwen.source": "pvc://models/llama", "models.qwen.weights": "16Gi"}, 0),
        ({"models.qwen.source": "hf://Qwen/Qwen3-8B"}, 0),
        (CUSTOM, 0),
    ],
)
def test_a_gated_model_is_downloaded_with_a_token(changes: dict[str, Any], expected: int) -> None:
    """By each pod, or by the Job that fills the cache; weights in a claim of the user's own ask for none."""
    fault = Fault(
        path="models.qwen.source",
        problem="is gated: without a token Hugging Face refuses every download",
        given=LLAMA,
        allowed="huggingFace.tokenSecret or huggingFace.token, of an account that has accepted the licence",
    )

    assert faults({**H100, **GATED, **changes}) == [fault] * expected


def test_a_token_that_is_at_fault_is_not_called_missing_too() -> None:
    """One fault of the key says it all."""
    assert [fault.path for fault in faults({**H100, **GATED, "huggingFace": {"token": "hf_plain"}})] == [
        "huggingFace.token"
    ]
