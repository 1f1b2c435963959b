"""LoRA adapters: what of them is refused before anything is applied.

What these tests cannot prove: that an adapter fits its model, or has the rank that the config says.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults, settings

ADAPTERS = {"support": {"source": "hf://org/support"}, "legal": {"source": "pvc://adapters/legal", "rank": 32}}
SOURCE = "models.qwen.loraAdapters.support.source"
FORMS = "hf://<org>/<adapter>, pvc://<claim>/<path>"
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_adapters_are_kept_by_name(engine: str) -> None:
    """Both kinds of source are taken, and a rank of 16 is assumed, as engines do."""
    found = settings({"engine": engine, "models.qwen.loraAdapters": ADAPTERS}).models["qwen"].lora_adapters

    assert {name: given.rank for name, given in found.items()} == {"support": 16, "legal": 32}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"release": "v0.9", "engine": "tensorrt-llm"},
            (
                "engine tensorrt-llm serves no adapters: llm-d routes to no adapter of trtllm-serve's: it tells no"
                " metric of those that are loaded"
            ),
        ),
        (
            {"engine": "custom", "models.qwen.custom": CUSTOM},
            (
                "engine custom serves no adapters: this program does not know how an engine of your own is told of"
                " adapters, nor by which name it serves them"
            ),
        ),
    ],
)
def test_an_engine_that_serves_none_is_refused_with_the_reason(changes: dict[str, Any], problem: str) -> None:
    """The message says why, and which engines do."""
    assert faults({**changes, "models.qwen.loraAdapters": ADAPTERS}) == [
        Fault(path="models.qwen.loraAdapters", problem=problem, allowed="engine vllm, sglang; or remove the key")
    ]


def test_adapters_and_prefill_apart_are_refused() -> None:
    """No guide of llm-d's brings the two together."""
    assert faults({"models.qwen.loraAdapters": ADAPTERS, "models.qwen.prefill": {}}) == [
        Fault(
            path="models.qwen.loraAdapters",
            problem="none of llm-d's guides serves adapters with prefill apart: whether a decode server may take over"
            " what prefill computed with one is not known",
            allowed="the model without prefill; or remove the key",
        )
    ]


def test_adapters_and_the_precise_prefix_cache_are_refused() -> None:
    """Blocks are published under the model's name alone: the picker could not tell adapters apart."""
    changes = {"release": "v0.9", "models.qwen.loraAdapters": ADAPTERS, "models.qwen.precisePrefixCache": {}}

    assert faults(changes) == [
        Fault(
            path="models.qwen.loraAdapters",
            problem="does not go with precisePrefixCache: servers publish what they cache under the model's name,"
            " and the picker would take blocks of one adapter for those of another",
            allowed="the model without precisePrefixCache; or remove the key",
        )
    ]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("s3://bucket/support", "an adapter does not come from a source of scheme s3"),
        ("git://org/support", "unknown source scheme"),
        ("hf://support", "is not hf://<org>/<model>"),
    ],
)
def test_an_adapter_comes_from_hugging_face_or_a_claim(source: str, problem: str) -> None:
    """What engines load, or the pod can mount, and nothing else."""
    assert faults({"models.qwen.loraAdapters": {"support": {"source": source}}}) == [
        Fault(path=SOURCE, problem=problem, given=source, allowed=FORMS)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"models.qwen.source": "pvc+hf://hub/Qwen/Qwen3-0.6B"},
        {
            "models.qwen.cache": {"storageClass": "efs"},
            "storageClasses": {"efs": {"accessModes": ["ReadWriteMany"]}},
        },
    ],
)
def test_a_pod_that_is_offline_downloads_no_adapter(changes: dict[str, Any]) -> None:
    """A model that is read from a Hugging Face cache takes its adapters from a claim."""
    assert faults({**changes, "models.qwen.loraAdapters": ADAPTERS}) == [
        Fault(
            path=SOURCE,
            problem="the pods read the model from a cache and are offline: they download no adapter",
            given="hf://org/support",
            allowed=FORMS,
        )
    ]


@pytest.mark.parametrize(("engine", "refused"), [("sglang", True), ("vllm", False)])
def test_sglang_reads_what_is_behind_a_colon_as_an_adapter(engine: str, refused: bool) -> None:  # noqa: FBT001
    """There a model with a colon in its name could not be asked for at all."""
    changes = {"engine": engine, "models.qwen.servedName": "qwen:small", "models.qwen.loraAdapters": ADAPTERS}
    expected = Fault(
        path="models.qwen.servedName",
        problem="engine sglang takes what is behind a : for an adapter",
        given="qwen:small",
        allowed="a name without :",
    )

    assert faults(changes) == ([expected] if refused else [])


@pytest.mark.parametrize("name", ["a b", "a=b", "a:b", "-a", ""])
def test_an_adapters_name_fits_between_the_arguments(name: str) -> None:
    """A name that an engine's parser would cut is a fault."""
    (found,) = faults({"models.qwen.loraAdapters": {name: {"source": "hf://org/support"}}})

    assert found.problem.endswith("must be letters, digits, '.', '_', '-' and '/', first and last a letter or digit")


def test_an_adapters_name_is_no_other_models() -> None:
    """A client names what it wants by one word: models and adapters of a stack share none."""
    changes = {
        "models.qwen.loraAdapters": ADAPTERS,
        "models.other": {"source": "hf://Qwen/Qwen3-8B", "servedName": "support"},
        "models.third": {"source": "hf://Qwen/Qwen3-4B", "loraAdapters": {"legal": {"source": "hf://org/legal"}}},
    }

    assert faults(changes) == [
        Fault(
            path="models.qwen.loraAdapters.support",
            problem="the served name support is taken by model other",
            given="support",
        ),
        Fault(
            path="models.third.loraAdapters.legal",
            problem="the served name legal is taken by an adapter of model qwen",
            given="legal",
        ),
    ]


@pytest.mark.parametrize(
    ("engine", "flag"),
    [("vllm", "--lora-modules"), ("vllm", "--max-loras"), ("sglang", "--lora-paths"), ("sglang", "--max-lora-rank")],
)
def test_the_arguments_of_adapters_are_the_programs_where_it_says_them(engine: str, flag: str) -> None:
    """With `loraAdapters` they would contradict it; without, they are the user's own to give."""
    own = {"engine": engine, "models.qwen.extraArgs": [flag, "x"]}

    assert faults(own) == []
    assert faults({**own, "models.qwen.loraAdapters": ADAPTERS}) == [
        Fault(
            path="models.qwen.extraArgs",
            problem="is set by this program itself; remove the argument",
            given=flag,
            allowed="models.<name>.loraAdapters",
        )
    ]
