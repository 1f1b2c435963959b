"""Prefill as a role of its own: what is refused, and how its workload is placed.

What these tests cannot prove: that an engine takes every pair that is let through.
"""

from typing import Any

import pytest

from settings import Fault
from settings.placement import place
from tests.support.configs import faults, settings

VLLM_PAIRS = (
    "vLLM 0.11 and 0.12 stop at 'Decode TP cannot be smaller than prefill TP', and divide one by the other"
    " (nixl_connector.py; llm-d#394)"
)
SGLANG_PAIRS = (
    "with others SGLang breaks on models with sliding windows, and the sidecar swallows prefill's error, so that"
    " clients wait for ever (llm-d#2433, llm-d#2442)"
)
H100 = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 2}}}
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}
PREFILL: dict[str, Any] = {"models.qwen.prefill": {}}


def _pair(engine: str, prefill: int, decode: int) -> dict[str, Any]:
    return {
        **H100,
        "engine": engine,
        "models.qwen.parallelism": {"tensor": decode},
        "models.qwen.prefill": {"parallelism": {"tensor": prefill}},
    }


def test_engine_custom_cannot_be_disaggregated() -> None:
    """Whether an engine hands caches over is for its adapter to say; engine custom has none."""
    assert faults({**PREFILL, "engine": "custom", "models.qwen.custom": CUSTOM}) == [
        Fault(
            path="models.qwen.prefill",
            problem="engine custom cannot be disaggregated: this program does not know how an engine of your own hands"
            " a KV cache over, nor whether the line's routing sidecar speaks its protocol",
            allowed="engine vllm, sglang; or remove the key",
        )
    ]


@pytest.mark.parametrize(
    ("engine", "prefill", "decode"),
    [("vllm", 1, 1), ("vllm", 1, 4), ("vllm", 2, 4), ("sglang", 1, 1), ("sglang", 4, 4)],
)
def test_pairs_that_an_engine_brings_together(engine: str, prefill: int, decode: int) -> None:
    """On line v0.4 decode may have a multiple of prefill's GPUs with vLLM, and must have as many with SGLang."""
    assert faults(_pair(engine, prefill, decode)) == []


def test_line_v0_9_lets_vllm_have_the_wider_prefill() -> None:
    """Its vLLM reads from several GPUs at once, so long as one side is a multiple of the other."""
    assert faults({**_pair("vllm", 4, 2), "release": "v0.9"}) == []
    assert faults({**_pair("vllm", 8, 2), "release": "v0.9"}) == []
    assert faults({**_pair("sglang", 2, 1), "release": "v0.9"})[0].path == "models.qwen.prefill.parallelism.tensor"


@pytest.mark.parametrize(
    ("engine", "prefill", "decode", "why", "allowed"),
    [
        ("vllm", 4, 1, VLLM_PAIRS, "for decode what prefill has, or a multiple of it"),
        ("sglang", 1, 2, SGLANG_PAIRS, "the same on both sides"),
        ("sglang", 2, 1, SGLANG_PAIRS, "the same on both sides"),
    ],
)
def test_pairs_that_an_engine_breaks_on(engine: str, prefill: int, decode: int, why: str, allowed: str) -> None:
    """The fault is at prefill's side, and says what the engine does with such a pair."""
    assert faults(_pair(engine, prefill, decode)) == [
        Fault(
            path="models.qwen.prefill.parallelism.tensor",
            problem=f"does not go with decode's {decode}: {why}",
            given=str(prefill),
            allowed=allowed,
        )
    ]


@pytest.mark.parametrize(
    ("engine", "args", "flag"),
    [
        ("vllm", ["--kv-transfer-config", "{}"], "--kv-transfer-config"),
        ("vllm", ["--kv-transfer-config.kv_connector=X"], "--kv-transfer-config"),
        ("sglang", ["--disaggregation-mode=null"], "--disaggregation-mode"),
    ],
)
@pytest.mark.parametrize("key", ["extraArgs", "prefill.extraArgs"])
def test_what_makes_a_pair_is_not_for_arguments_to_say(engine: str, args: list[str], flag: str, key: str) -> None:
    """Flags that the key `prefill` stands for are refused wherever they are given."""
    assert faults({**PREFILL, "engine": engine, f"models.qwen.{key}": args}) == [
        Fault(
            path=f"models.qwen.{key}",
            problem=f"{flag} is set by the key prefill, for both roles; remove it",
            given=flag,
        )
    ]


@pytest.mark.parametrize(
    ("engine", "args", "flag"),
    [("vllm", ["--block-size", "64"], "--block-size"), ("sglang", ["--page-size=64"], "--page-size")],
)
def test_the_layout_of_the_cache_is_said_once_for_both_roles(engine: str, args: list[str], flag: str) -> None:
    """What decode has to read is a matter of both: refused for prefill alone, taken for the model."""
    assert faults({**PREFILL, "engine": engine, "models.qwen.prefill.extraArgs": args}) == [
        Fault(
            path="models.qwen.prefill.extraArgs",
            problem=f"{flag} has to be the same in both roles, or decode cannot read prefill's cache",
            given=flag,
            allowed="models.qwen.extraArgs, which both roles get",
        )
    ]
    assert faults({**PREFILL, "engine": engine, "models.qwen.extraArgs": args}) == []


def test_a_disaggregated_model_needs_its_picker() -> None:
    """FailOpen would send requests to servers that do not answer them."""
    assert faults({**PREFILL, "gateway": {"provider": "istio"}, "models.qwen.picker": {"failureMode": "FailOpen"}}) == [
        Fault(
            path="models.qwen.picker.failureMode",
            problem="without its picker the gateway would send requests to prefill servers, which do not answer them as"
            " decode does",
            given="FailOpen",
            allowed="FailClose",
        )
    ]


def test_both_roles_are_counted() -> None:
    """Three GPUs hold two decode servers and one of prefill, and not two."""
    config = {"models.qwen.replicas": 2}

    assert faults({**config, "models.qwen.prefill": {}}) == []
    assert faults({**config, "models.qwen.prefill": {"replicas": 2}}) == [
        Fault(
            path="models.qwen.prefill",
            problem="2 x 1 GPUs fit no pool: l4 has 3 x 1 GPUs, 2 of them taken",
            allowed="fewer replicas, less parallelism, a larger maxSize or another pool",
        )
    ]


@pytest.mark.parametrize(
    ("prefill", "expected"),
    [
        (
            {"pool": "l5"},
            Fault(path="models.qwen.prefill.pool", problem="unknown pool", given="l5", allowed="l4"),
        ),
        (
            {"replica": 2},
            Fault(
                path="models.qwen.prefill.replica",
                problem="unknown key",
                nearest="replicas",
                allowed="extraArgs, parallelism, pool, replicas, resources",
            ),
        ),
        (
            {"resources": {"cpu": "4"}},
            Fault(
                path="models.qwen.prefill.resources.cpu",
                problem="4000m of CPU do not fit onto a node of pool l4: g6.xlarge offers 3920m of CPU to pods",
                given="4000m",
                allowed="less; the share of a node that the pod's GPUs are is 3528m, which is the default",
            ),
        ),
    ],
)
def test_faults_of_prefill_are_at_its_own_path(prefill: dict[str, Any], expected: Fault) -> None:
    """Every rule for a model's servers holds for prefill's, and names its key."""
    assert faults({"models.qwen.prefill": prefill}) == [expected]


def test_the_sidecar_needs_room_beside_decode() -> None:
    """What fits onto a node for an aggregated model may not for one that has a sidecar."""
    cpu = {"models.qwen.resources": {"cpu": "3900m"}}

    assert faults(cpu) == []
    assert faults({**cpu, **PREFILL}) == [
        Fault(
            path="models.qwen.resources.cpu",
            problem="3900m of CPU do not fit onto a node of pool l4: g6.xlarge offers 3820m of CPU to pods",
            given="3900m",
            allowed="less; the share of a node that the pod's GPUs are is 3528m, which is the default",
        )
    ]


@pytest.mark.parametrize(("nodes", "surging"), [(4, {"qwen", "qwen.prefill"}), (3, set())])
def test_the_roles_surge_together_or_not_at_all(nodes: int, surging: set[str]) -> None:
    """They roll as one: a spare GPU for one of them is none."""
    made = place(settings({"gpuPools.l4.maxSize": nodes, **PREFILL}))

    assert dict(made.pool_of) == {"qwen": "l4", "qwen.prefill": "l4"}
    assert made.surging == surging
