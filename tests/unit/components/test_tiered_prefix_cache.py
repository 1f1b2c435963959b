"""A tiered prefix cache as objects: the picker counts what the engine is given.

What these tests cannot prove: that the tier holds as many blocks as the picker believes.
"""

from typing import Any

import yaml

from components.endpoint_picker import build as build_picker
from components.model_service import build as build_servers
from stacks.plan import ModelPlan
from tests.support.configs import plan

TIERED: dict[str, Any] = {
    "release": "v0.9",
    "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 1}},
    "models.qwen.tieredPrefixCache": {"cpuMemory": "100Gi"},
}


def _model(changes: dict[str, Any] | None = None) -> ModelPlan:
    return plan({**TIERED, **(changes or {})}).models["qwen"]


def _config(model: ModelPlan) -> dict[str, Any]:
    return dict(yaml.safe_load(build_picker(model.picker)["config"]["data"]["plugins.yaml"]))


def _capacity(model: ModelPlan) -> object:
    plugins = {item.get("name"): item for item in _config(model)["plugins"]}
    return plugins["cpu-prefix-cache-producer"]["parameters"]["lruCapacityPerServer"]


def test_the_picker_looks_for_prefixes_in_both_tiers() -> None:
    """What GPUs hold tunes itself; the tier has blocks of 64 tokens, as many as its bytes give for this model."""
    config = _config(_model())

    assert config["plugins"][:7] == [
        {"type": "approx-prefix-cache-producer", "name": "gpu-prefix-cache-producer"},
        {
            "type": "approx-prefix-cache-producer",
            "name": "cpu-prefix-cache-producer",
            # 28 layers x 2 x 8 heads x 128 x 2 bytes are 114,688 bytes a token.
            "parameters": {
                "autoTune": False,
                "blockSizeTokens": 64,
                "lruCapacityPerServer": 100 * 2**30 // (114_688 * 64),
            },
        },
        {
            "type": "prefix-cache-scorer",
            "name": "gpu-prefix-cache-scorer",
            "parameters": {"prefixMatchInfoProducerName": "gpu-prefix-cache-producer"},
        },
        {
            "type": "prefix-cache-scorer",
            "name": "cpu-prefix-cache-scorer",
            "parameters": {"prefixMatchInfoProducerName": "cpu-prefix-cache-producer"},
        },
        {
            "type": "no-hit-lru-scorer",
            "parameters": {"prefixMatchInfoProducerName": "cpu-prefix-cache-producer"},
        },
        {"type": "queue-scorer"},
        {"type": "kv-cache-utilization-scorer"},
    ]
    assert config["schedulingProfiles"][0]["plugins"] == [
        {"pluginRef": "queue-scorer", "weight": 2},
        {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
        {"pluginRef": "gpu-prefix-cache-scorer", "weight": 1},
        {"pluginRef": "cpu-prefix-cache-scorer", "weight": 1},
        {"pluginRef": "no-hit-lru-scorer", "weight": 2},
    ]


def test_adapters_keep_their_scorer_beside_the_tiers() -> None:
    """Where a request finds its adapter loaded still counts."""
    adapters = {"models.qwen.loraAdapters": {"support": {"source": "hf://org/support", "rank": 16}}}
    config = _config(_model(adapters))

    assert {"type": "lora-affinity-scorer"} in config["plugins"]
    assert {"pluginRef": "lora-affinity-scorer", "weight": 2} in config["schedulingProfiles"][0]["plugins"]


def test_what_a_token_takes_may_be_said() -> None:
    """A cache of eight bits a number holds twice as many blocks."""
    half = {"cpuMemory": "100Gi", "kvBytesPerToken": 57_344}

    assert _capacity(_model({"models.qwen.tieredPrefixCache": half})) == 100 * 2**30 // (57_344 * 64)


def test_of_an_engine_that_tells_no_blocks_the_gpus_index_is_told_their_length() -> None:
    """An SGLang that does not tell its pages; the tier's index keeps its own parameters."""
    old = {
        "engine": "sglang",
        "models.qwen.image": "docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
    }
    gpu, cpu = _config(_model(old))["plugins"][:2]

    assert gpu["parameters"] == {"autoTune": False, "blockSizeTokens": 64}
    assert cpu["parameters"]["autoTune"] is False
    assert len(cpu["parameters"]) == 3


def test_servers_that_publish_tell_of_both_tiers() -> None:
    """The events say which tier a block is in: there is nothing to count."""
    model = _model({"models.qwen.precisePrefixCache": {}})

    assert model.picker.cpu_tier_blocks is None
    assert [item["type"] for item in _config(model)["plugins"]][:3] == [
        "token-producer",
        "endpoint-notification-source",
        "precise-prefix-cache-producer",
    ]


def test_a_pod_has_memory_for_its_tier() -> None:
    """Request and limit are one, and the tier is within them."""
    model = _model({"models.qwen.tieredPrefixCache": {"cpuMemory": "400Gi"}})
    (container,) = build_servers(model.service)[""]["spec"]["template"]["spec"]["containers"]

    assert (container["resources"]["requests"]["memory"], container["resources"]["limits"]["memory"]) == (
        "434176Mi",
        "434176Mi",
    )
    assert '"cpu_bytes_to_use":429496729600' in container["args"][-1]
