"""A user's own arguments: refused before anything is applied where the engine would refuse them after.

What these tests cannot prove: that an argument's value is one that the engine takes.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

PATH = "models.qwen.extraArgs"
NO_KEY = "it would be plain text in the pod, and the probes have no key"
STREAMED = "the weights are streamed, as source says"
S3 = {
    "models.qwen.source": "s3://models/qwen",
    "models.qwen.weights": "1Gi",
    "models.qwen.image": "example.com/mine:2",
}


def _with(arguments: list[str], changes: dict[str, Any]) -> list[Fault]:
    return faults({**changes, PATH: arguments})


@pytest.mark.parametrize(
    ("changes", "version", "given", "near"),
    [
        ({}, "vllm 0.11.2", "--max-model-length", "--max-model-len"),
        ({"models.qwen.image": "vllm-openai"}, "vllm 0.12.0", "--disable-access-log-for-endpoints", None),
        ({"release": "v0.9"}, "vllm 0.26.0", "--gpu-memory-utilisation", "--gpu-memory-utilization"),
        ({"engine": "sglang"}, "sglang 0.5.6.post2", "--gpu-memory-utilization", None),
        (
            {"release": "v0.9", "engine": "sglang"},
            "sglang 0.5.13.post1",
            "--mem-fraction-statc",
            "--mem-fraction-static",
        ),
    ],
)
def test_an_argument_that_the_engine_does_not_know_is_refused(
    changes: dict[str, Any], version: str, given: str, near: str | None
) -> None:
    """The fault names version and argument, and the nearest one that this version has."""
    (fault,) = _with([f"{given}=1"], changes)

    assert (fault.path, fault.given) == (PATH, given)
    assert fault.problem == f"{version} knows no such argument, and would not start"
    if near is not None:
        assert fault.nearest == near


@pytest.mark.parametrize(
    ("changes", "arguments"),
    [
        ({}, ["--max-model-len", "4096", "--enable-prefix-caching"]),
        ({}, ["--max_model_len=4096"]),
        ({}, ["--no-enable-prefix-caching", "-O3", "--compilation-config.level", "3"]),
        ({}, ["--kv-transfer-config", '{"kv_connector": "NixlConnector"}', "--seed", "-1"]),
        ({"release": "v0.9"}, ["--disable-access-log-for-endpoints", "/health,/metrics"]),
        ({}, ["--load-format", "runai_streamer"]),
        ({"engine": "sglang"}, ["--mem-fraction-static", "0.9"]),
    ],
)
def test_an_argument_that_the_engine_knows_is_taken(changes: dict[str, Any], arguments: list[str]) -> None:
    """In every spelling that the engine's parser takes; values are nobody's arguments."""
    assert _with(arguments, changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"models.qwen.image": "example.com/mine:2"},
        {"models.qwen.image": "vllm/vllm-openai:v0.13.0"},
        {"release": "v0.9", "engine": "tensorrt-llm"},
    ],
)
def test_where_the_arguments_are_not_known_in_full_none_is_refused(changes: dict[str, Any]) -> None:
    """An image of unknown content, a version without a list, and a list with gaps say nothing against an argument."""
    assert _with(["--no-such-argument"], changes) == []


@pytest.mark.parametrize(
    ("changes", "given", "allowed"),
    [
        ({}, "--port", "the engine's port is the pool's"),
        ({}, "--model", "models.<name>.source"),
        ({}, "--served_model_name", "models.<name>.servedName"),
        ({}, "-tp", "models.<name>.parallelism.tensor"),
        ({"models.qwen.image": "example.com/mine:2"}, "--tensor-parallel-size", "models.<name>.parallelism.tensor"),
        ({"engine": "sglang"}, "--host", "the engine listens on the pod's address"),
        ({"engine": "sglang"}, "--tp", "models.<name>.parallelism.tensor"),
        ({"release": "v0.9", "engine": "tensorrt-llm"}, "--tp_size", "models.<name>.parallelism.tensor"),
        ({}, "--api-key", NO_KEY),
        ({}, "--hf-token", "the token is in the Secret of huggingFace"),
        ({}, "--ssl-keyfile", "probes, picker and gateway speak plain HTTP to the pod"),
        ({}, "--uds", "the engine listens on the pod's address"),
        ({}, "-dpl", "models.<name>.parallelism.dataLocal"),
        ({}, "-dpp", "each replica's leader is found by its LeaderWorkerSet"),
        ({"models.qwen.image": "example.com/mine:2"}, "-n", "models.<name>.parallelism.workers"),
        ({"release": "v0.9", "engine": "sglang"}, "--admin-api-key", NO_KEY),
        (
            {**S3, "models.qwen.image": "example.com/mine:2"},
            "--load-format",
            "the weights are streamed, as source says",
        ),
        (
            {**S3, "engine": "sglang", "models.qwen.image": "example.com/mine:2"},
            "--load-format",
            "the weights are streamed, as source says",
        ),
        ({"release": "v0.9", "engine": "tensorrt-llm"}, "--config", "the options file is this program's"),
    ],
)
def test_an_argument_that_the_program_sets_is_refused(changes: dict[str, Any], given: str, allowed: str) -> None:
    """Whatever the image: said twice, pool, probes or GPUs would disagree with the engine; the fault says where."""
    assert _with([given, "1"], changes) == [
        Fault(path=PATH, problem="is set by this program itself; remove the argument", given=given, allowed=allowed)
    ]


def test_the_arguments_of_prefill_are_held_against_the_same_engine() -> None:
    """A role's own arguments are neither unknown nor the program's."""
    changes = {
        "release": "v0.9",
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "diskSizeGib": 1000}},
        "models.qwen.prefill": {"extraArgs": ["--port", "1", "--max-model-length", "2"]},
    }

    assert [(fault.path, fault.given) for fault in faults(changes)] == [
        ("models.qwen.prefill.extraArgs", "--port"),
        ("models.qwen.prefill.extraArgs", "--max-model-length"),
    ]


def test_every_wrong_argument_is_told_at_once() -> None:
    """Two faults of one list are two faults of the message."""
    found = _with(["--port", "1", "--max-model-length", "2"], {})

    assert [(fault.given, fault.path) for fault in found] == [("--port", PATH), ("--max-model-length", PATH)]


def test_an_engine_of_ones_own_takes_any_argument() -> None:
    """Of engine custom nothing is known."""
    custom = {
        "image": "example.com/engine:1",
        "command": ["serve"],
        "metrics": {"queuedRequests": "a", "kvCacheUsage": "b"},
    }
    assert _with(["--port", "--whatever"], {"engine": "custom", "models.qwen.custom": custom}) == []
