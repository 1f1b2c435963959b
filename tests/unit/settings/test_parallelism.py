"""How replicas are spread over GPUs and nodes: the algebra of the chart's words, and what is refused.

What these tests cannot prove: that an engine runs so many copies of a model well.
"""

from typing import Any

import pytest

from settings import Fault
from settings.parallelism import ParallelismSettings
from settings.placement import place
from tests.support.configs import faults, settings

H100 = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 2}}}
LWS = {"controllers": {"leaderWorkerSet": "existing"}}
TWO_NODES: dict[str, Any] = {**H100, "models.qwen.parallelism": {"data": 16, "dataLocal": 8}}


@pytest.mark.parametrize(
    ("given", "copies", "per_node", "nodes", "gpus"),
    [
        ({}, 1, 1, 1, 1),
        ({"tensor": 4}, 1, 1, 1, 4),
        ({"data": 4}, 4, 4, 1, 4),
        ({"data": 16, "dataLocal": 8}, 16, 8, 2, 8),
        ({"data": 16, "workers": 4}, 16, 4, 4, 4),
        ({"dataLocal": 4, "workers": 2}, 8, 4, 2, 4),
        ({"workers": 2}, 2, 1, 2, 1),
        ({"tensor": 2, "data": 8, "dataLocal": 4, "workers": 2}, 8, 4, 2, 8),
    ],
)
def test_each_word_follows_from_the_others(
    given: dict[str, int], copies: int, per_node: int, nodes: int, gpus: int
) -> None:
    """Copies are copies per node times nodes; what is not said is what makes that true."""
    made = ParallelismSettings.model_validate(given)

    assert (made.copies, made.copies_per_node, made.nodes, made.gpus_per_pod) == (copies, per_node, nodes, gpus)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"data": 6, "dataLocal": 4}, "data 6 cannot be divided by dataLocal 4"),
        ({"data": 6, "workers": 4}, "data 6 cannot be divided by workers 4"),
        ({"data": 8, "dataLocal": 2, "workers": 2}, "data 8 is not dataLocal 2 times workers 2; leave one out"),
    ],
)
def test_words_that_contradict_each_other(given: dict[str, int], problem: str) -> None:
    """The fault is the block's, with the numbers in it."""
    (fault,) = faults({**H100, **LWS, "models.qwen.parallelism": given})

    assert (fault.path, fault.problem) == ("models.qwen.parallelism", problem)


def test_several_nodes_need_the_controller() -> None:
    """A stack says that the cluster has it; nothing would make pods of the object otherwise."""
    assert faults({**TWO_NODES, **LWS}) == []
    assert faults(TWO_NODES) == [
        Fault(
            path="controllers.leaderWorkerSet",
            problem="models.qwen is spread over 2 nodes, which takes the LeaderWorkerSet controller",
            given="none",
            allowed="existing, where the cluster has it; or parallelism on one node",
        )
    ]


def test_several_copies_are_vllms_alone() -> None:
    """Another engine is refused with its reason, and with the engines that can."""
    assert faults({**H100, "engine": "sglang", "models.qwen.parallelism": {"data": 2}}) == [
        Fault(
            path="models.qwen.parallelism",
            problem="engine sglang cannot be given data or expert parallelism: llm-d has no guide for it (wide expert"
            " parallelism is vLLM's alone up to 0.9)",
            allowed="tensor alone; or engine vllm",
        )
    ]


def test_an_images_own_entry_point_has_no_rank() -> None:
    """Over several nodes the server is started by a command of ours."""
    assert faults({**TWO_NODES, **LWS, "models.qwen.modelCommand": "imageDefault"}) == [
        Fault(
            path="models.qwen.modelCommand",
            problem="a server of several nodes computes its rank before it starts, which an image's own entry point"
            " does not",
            given="imageDefault",
            allowed="vllmServe",
        )
    ]


def test_every_pod_of_a_replica_is_placed() -> None:
    """Two nodes hold one replica of two pods of eight GPUs, and not two of them, nor one more while it rolls."""
    assert faults({**TWO_NODES, **LWS, "models.qwen.replicas": 2}) == [
        Fault(
            path="models.qwen",
            problem="4 x 8 GPUs fit no pool: h100 has 2 x 8 GPUs, 0 of them taken",
            allowed="fewer replicas, less parallelism, a larger maxSize or another pool",
        )
    ]
    assert place(settings({**TWO_NODES, **LWS, "gpuPools.h100.maxSize": 3})).surging == set()
    assert place(settings({**TWO_NODES, **LWS, "gpuPools.h100.maxSize": 4})).surging == {"qwen"}


def test_spread_experts_need_less_memory_each() -> None:
    """A mixture of experts that no GPU holds fits once its experts are spread over the GPUs of a replica."""
    model = {"source": "hf://deepseek-ai/DeepSeek-R1-0528", "parallelism": {"data": 16, "dataLocal": 8}}
    pool = {"instanceType": "p5en.48xlarge", "maxSize": 2, "diskSizeGib": 2000}
    config = {**LWS, "gpuPools": {"h200": pool}, "models": {"r1": model}}

    assert [fault.path for fault in faults(config)] == ["models.r1.parallelism.tensor"]
    model["parallelism"] = {"data": 16, "dataLocal": 8, "expert": True}
    assert faults(config) == []
