"""Precise prefix cache routing: what is refused, and the way out that is named.

What these tests cannot prove: that an engine's events and a picker understand each other.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

KEY = "models.qwen.precisePrefixCache"
PRECISE: dict[str, Any] = {"release": "v0.9", KEY: {}}
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_engines_whose_events_the_picker_reads(engine: str) -> None:
    """On line v0.9 vLLM and SGLang are followed, with the sizes of render servers that the config states."""
    render = {"replicas": 2, "cpu": "500m", "memory": "2Gi"}

    assert faults({**PRECISE, "engine": engine, KEY: {"render": render}}) == []


def test_line_v0_4_has_it_not() -> None:
    """Its picker would need tokenizers and hashes of its own; the line that has it is named."""
    assert faults({KEY: {}}) == [
        Fault(
            path=KEY,
            problem="cannot be had of engine vllm on line v0.4: its picker downloads tokenizers into its own process,"
            " and recomputes vLLM's block hashes, whose seed and algorithm every server has to be given alike",
            allowed="release v0.9; or remove the key",
        )
    ]


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        ("tensorrt-llm", "llm-d's picker reads the events of vLLM and SGLang"),
        (
            "custom",
            (
                "this program does not know how an engine of your own says what it has cached, nor whether the line's"
                " picker reads it"
            ),
        ),
    ],
)
def test_engines_that_nobody_follows(engine: str, why: str) -> None:
    """An engine without events, or with none that is known, is refused with those that have them."""
    custom = {"models.qwen.custom": CUSTOM} if engine == "custom" else {}

    assert faults({**PRECISE, **custom, "engine": engine}) == [
        Fault(
            path=KEY,
            problem=f"cannot be had of engine {engine} on line v0.9: {why}",
            allowed="engine vllm, sglang; or remove the key",
        )
    ]


def test_roles_are_not_followed() -> None:
    """Upstream's guide routes aggregated servers."""
    assert faults({**PRECISE, "models.qwen.prefill": {}}) == [
        Fault(
            path=KEY,
            problem="does not go with prefill servers of their own: llm-d's guide for it has aggregated servers",
            allowed="one of this and models.qwen.prefill",
        )
    ]


def test_copies_behind_one_address_are_not_followed() -> None:
    """Several caches would be taken for one."""
    wide = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge"}}, "models.qwen.parallelism": {"data": 2}}

    assert faults({**PRECISE, **wide}) == [
        Fault(
            path=KEY,
            problem="does not go with 2 copies of the model as one server: each has a cache of its own, and the pool"
            " one address for all of a pod",
            allowed="models.qwen.parallelism.data 1, and more replicas",
        )
    ]


def test_the_tokenizer_is_hugging_faces() -> None:
    """Render servers mount no claim, no image and no bucket."""
    source = {"models.qwen.source": "pvc://weights/qwen", "models.qwen.weights": "2Gi"}

    assert faults({**PRECISE, **source}) == [
        Fault(
            path="models.qwen.source",
            problem="precisePrefixCache takes prompts apart with the model's tokenizer, which its render servers get"
            " from Hugging Face",
            given="pvc://weights/qwen",
            allowed="hf://<org>/<model>",
        )
    ]


def test_a_topic_ends_at_the_name() -> None:
    """The picker splits a topic at each '@'."""
    assert faults({**PRECISE, "models.qwen.servedName": "chat@home"}) == [
        Fault(
            path="models.qwen.servedName",
            problem="is told in the topic of KV events, kv@<address>@<model>, where an '@' would end it",
            given="chat@home",
            allowed="a name without '@'",
        )
    ]
    assert faults({**PRECISE, KEY: None, "models.qwen.servedName": "chat@home"}) == []


@pytest.mark.parametrize(
    ("engine", "given", "flag", "why"),
    [
        ("vllm", "--block-size=32", "--block-size", "picker and engine count in the same blocks"),
        (
            "vllm",
            "--no-enable-prefix-caching",
            "--enable-prefix-caching",
            "it is on by default, and without it there is nothing to route by",
        ),
        ("sglang", "--page-size=32", "--page-size", "picker and engine count in the same blocks"),
        ("sglang", "--disable-radix-cache", "--disable-radix-cache", "without that cache there is nothing to route by"),
    ],
)
def test_what_picker_and_engine_share_is_said_once(engine: str, given: str, flag: str, why: str) -> None:
    """An argument that would part the two is refused; without the routing it is the user's to give."""
    changes = {**PRECISE, "engine": engine, "models.qwen.extraArgs": [given]}

    assert faults(changes) == [
        Fault(
            path="models.qwen.extraArgs",
            problem=f"{flag} follows from precisePrefixCache: {why}; remove the argument",
            given=given.partition("=")[0],
        )
    ]
    assert faults({**changes, KEY: None}) == []
