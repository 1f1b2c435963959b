"""A tiered prefix cache: what is refused, with the arithmetic, and the memory that a pod gets for it.

What these tests cannot prove: how much an engine needs beside its tier.
"""

from typing import Any

import pytest

from settings import Fault
from settings.placement import place, pod_memory, pool_capacities
from settings.workloads import workloads
from tests.support.configs import faults, settings

KEY = "models.qwen.tieredPrefixCache"
H100: dict[str, Any] = {"release": "v0.9", "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 1}}}
TIERED: dict[str, Any] = {**H100, KEY: {"cpuMemory": "100Gi"}}
GIB = 2**30


def _memory(changes: dict[str, Any]) -> int:
    made = settings(changes)
    (workload,) = workloads(made)
    capacities = pool_capacities(made.gpu_pools, made.device_plugin)
    return pod_memory(workload, capacities[place(made).pool_of[workload.name]])


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_engines_that_have_a_tier(engine: str) -> None:
    """On line v0.9 vLLM and SGLang, with room for it."""
    assert faults({**TIERED, "engine": engine}) == []


@pytest.mark.parametrize(
    ("changes", "what", "why", "allowed"),
    [
        (
            {"release": "v0.4"},
            "vllm on line v0.4",
            (
                "its vLLM takes the tier as a number of blocks (num_cpu_blocks), whose size in bytes only the running"
                " engine knows, and its guide has no SGLang"
            ),
            "release v0.9; or remove the key",
        ),
        (
            {"engine": "tensorrt-llm"},
            "tensorrt-llm on line v0.9",
            "llm-d has no guide for it (its tiered caches are vLLM's and SGLang's)",
            "engine vllm, sglang; or remove the key",
        ),
    ],
    ids=["line", "engine"],
)
def test_lines_and_engines_without_a_tier(changes: dict[str, Any], what: str, why: str, allowed: str) -> None:
    """What has none is refused with what has."""
    assert faults({**TIERED, **changes}) == [
        Fault(path=KEY, problem=f"cannot be had of engine {what}: {why}", allowed=allowed)
    ]


def test_a_tier_belongs_to_one_aggregated_copy() -> None:
    """Neither to one of two roles, nor to several copies in a pod."""
    assert faults({**TIERED, "models.qwen.prefill": {}}) == [
        Fault(
            path=KEY,
            problem="does not go with prefill servers of their own: llm-d's guide for it has aggregated servers",
            allowed="one of this and models.qwen.prefill",
        )
    ]
    assert faults({**TIERED, "models.qwen.parallelism": {"data": 2}}) == [
        Fault(
            path=KEY,
            problem="does not go with 2 copies of the model as one server: each would take a tier of that size",
            allowed="models.qwen.parallelism.data 1, and more replicas",
        )
    ]


@pytest.mark.parametrize(
    ("engine", "given", "flag", "why"),
    [
        ("vllm", "--kv-offloading-size=4", "--kv-offloading-size", "the size is tieredPrefixCache.cpuMemory"),
        ("sglang", "--hicache-ratio=2", "--hicache-ratio", "the size is tieredPrefixCache.cpuMemory"),
    ],
)
def test_a_tier_is_said_once(engine: str, given: str, flag: str, why: str) -> None:
    """The engine's own flags are free as long as the key is absent."""
    changes = {**TIERED, "engine": engine, "models.qwen.extraArgs": [given]}

    assert faults(changes) == [
        Fault(
            path="models.qwen.extraArgs",
            problem=f"{flag} follows from tieredPrefixCache: {why}; remove the argument",
            given=flag,
        )
    ]
    assert faults({**changes, KEY: None}) == []


def test_a_model_that_the_catalogue_does_not_know_says_what_a_token_takes() -> None:
    """The picker could not count the tier; where servers tell it what they have, it need not."""
    unknown = {**TIERED, "models.qwen.source": "hf://org/unknown", "models.qwen.weights": "2Gi"}

    assert faults(unknown) == [
        Fault(
            path=f"{KEY}.kvBytesPerToken",
            problem="is needed to count the tier in blocks: the catalogue does not know the model",
            allowed="2 x layers x key and value heads x their width x bytes of a number, by its config.json",
        )
    ]
    assert faults({**unknown, f"{KEY}.kvBytesPerToken": 114688}) == []
    assert faults({**unknown, "models.qwen.precisePrefixCache": {}}) == []


def test_the_memory_of_a_pod_is_its_share_of_a_node_or_what_the_tier_takes() -> None:
    """A tier that fits into the share changes nothing; a larger one adds 24 GiB for each GPU to itself."""
    share = _memory(H100)

    assert _memory(TIERED) == share > 124 * GIB
    assert _memory({**H100, KEY: {"cpuMemory": "400Gi"}}) == 424 * GIB
    assert _memory({**TIERED, "models.qwen.resources": {"memory": "130Gi"}}) == 130 * GIB


def test_a_tier_that_no_node_has_room_for_is_refused() -> None:
    """With what a pod would take, what a node offers, and how much would do."""
    assert faults({**H100, KEY: {"cpuMemory": "1000Gi"}, "models.qwen.replicas": 2}) == [
        Fault(
            path=f"{KEY}.cpuMemory",
            problem="2 pods with 1000.0 GiB of tier and 24 GiB for each of 1 GPUs do not fit onto 1 nodes of pool h100:"
            " p5.48xlarge offers 1892.9 GiB to pods",
            given="1000.0 GiB",
            allowed="less; 212.6 GiB leave room for as many pods as there are GPUs for",
        )
    ]


def test_a_tier_that_the_stated_memory_has_no_room_for_is_refused() -> None:
    """The user's own request is not raised behind their back."""
    assert faults({**TIERED, "models.qwen.resources": {"memory": "110Gi"}}) == [
        Fault(
            path=f"{KEY}.cpuMemory",
            problem="100.0 GiB of tier and 24 GiB for each of 1 GPUs do not fit into the 110.0 GiB that"
            " models.qwen.resources.memory gives a pod",
            given="100.0 GiB",
            allowed="less; or 126976Mi of resources.memory",
        )
    ]


def test_sglang_keeps_in_memory_more_than_its_gpus_hold() -> None:
    """A smaller tier would stop it at start, unless the GPUs' part is made smaller as well."""
    small = {**H100, "engine": "sglang", KEY: {"cpuMemory": "40Gi"}}

    assert faults(small) == [
        Fault(
            path=f"{KEY}.cpuMemory",
            problem="is no more than the 70.6 GiB that 1 x H100 (90 %) have for caches beside 1.4 GiB of weights:"
            " SGLang stops with 'The host memory should be larger than the device memory with the current protocol'"
            " (srt/mem_cache/memory_pool_host.py)",
            given="40.0 GiB",
            allowed="more than 71.5 GiB; or one of --max-total-tokens, --mem-fraction-static in extraArgs",
        )
    ]
    assert faults({**small, "models.qwen.extraArgs": ["--mem-fraction-static", "0.3"]}) == []
    assert faults({**small, "engine": "vllm"}) == []
