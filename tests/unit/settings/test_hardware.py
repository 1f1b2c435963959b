"""MIG, sharing, tensor parallelism and memory: what no GPU could do is refused before anything is applied.

What these tests cannot prove: that a driver agrees. The catalogue's memory is nominal, and an engine may need more
than the tenth that is kept free for it.
"""

import pytest

from settings import Fault
from tests.support.configs import faults

SMALLER = "fewer replicas, less parallelism, a larger maxSize or another pool"
MORE_MEMORY = "more GPUs per replica, or a pool whose GPUs have more memory"
H100 = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge"}}}
SLICED = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "migProfile": "1g.10gb"}}}
MIXED = {"devicePlugin": {"migStrategy": "mixed"}}
SHARED = {"devicePlugin": {"sharing": "time-slicing", "replicas": 4}}
TENSOR = "models.qwen.parallelism.tensor"
SHARING = "set sharing to time-slicing"


@pytest.mark.parametrize(
    "changes",
    [
        {**SLICED, **MIXED},
        {**SLICED, "devicePlugin": {"migStrategy": "single"}},
        {**SHARED, "models.qwen.replicas": 12},
        {
            "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "diskSizeGib": 1448}},
            "devicePlugin": {"sharing": "time-slicing", "replicas": 8},
            "models.qwen.replicas": 64,
        },
        {**H100, TENSOR: 8},
        {
            "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "migProfile": "1g.10gb", "advertiser": "external"}},
        },
        {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "advertiser": "external"}}, **SHARED, TENSOR: 8},
    ],
)
def test_what_fits_is_sound(changes: dict[str, object]) -> None:
    """Slices that are advertised, shares that are there and GPUs of one node raise no fault."""
    assert faults(changes) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            SLICED,
            Fault(
                path="devicePlugin.migStrategy",
                problem="pool h100 is cut into MIG slices, but the device plugin does not advertise slices",
                given="none",
                allowed="single, mixed",
            ),
        ),
        (
            {"gpuPools.l4.migProfile": "1g.10gb"},
            Fault(
                path="gpuPools.l4.migProfile",
                problem="g6.xlarge has L4 GPUs, which cannot be cut into MIG slices",
                given="1g.10gb",
            ),
        ),
        (
            {**MIXED, "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "migProfile": "1g.12gb"}}},
            Fault(
                path="gpuPools.h100.migProfile",
                problem="H100 has no such MIG profile",
                given="1g.12gb",
                allowed="1g.10gb, 1g.20gb, 2g.20gb, 3g.40gb, 4g.40gb, 7g.80gb",
                nearest="1g.20gb",
            ),
        ),
        (
            {**SLICED, **MIXED, TENSOR: 2},
            Fault(path=TENSOR, problem="cannot cross the MIG slices of pool h100", given="2", allowed="1"),
        ),
        (
            {**H100, **SHARED, TENSOR: 2},
            Fault(
                path=TENSOR,
                problem="cannot cross GPUs that several pods share (devicePlugin.sharing time-slicing)",
                given="2",
                allowed="1",
            ),
        ),
        (
            {**H100, TENSOR: 3, "models.qwen.source": "hf://facebook/opt-125m"},
            Fault(
                path=TENSOR,
                problem="does not divide the 8 GPUs of a node of pool h100: some would never be used",
                given="3",
            ),
        ),
        (
            {**H100, TENSOR: 16},
            Fault(
                path="models.qwen",
                problem="one replica needs 16 GPUs of one node, the widest node has 8",
                allowed=SMALLER,
            ),
        ),
        (
            {"models.qwen.source": "hf://Qwen/Qwen3-32B"},
            Fault(
                path=TENSOR,
                problem="61.0 GiB of weights do not fit into the 20.1 GiB that are usable of 1 x L4 (90 %)",
                given="1",
                allowed=MORE_MEMORY,
            ),
        ),
        (
            {"models.qwen.weights": "22Gi"},
            Fault(
                path=TENSOR,
                problem="22.0 GiB of weights do not fit into the 20.1 GiB that are usable of 1 x L4 (90 %)",
                given="1",
                allowed=MORE_MEMORY,
            ),
        ),
        (
            {**SLICED, **MIXED, "models.qwen.weights": "12Gi"},
            Fault(
                path=TENSOR,
                problem="12.0 GiB of weights do not fit into the 10.3 GiB that are usable of 1 x H100 (90 %)",
                given="1",
                allowed=MORE_MEMORY,
            ),
        ),
        (
            {"devicePlugin": {"replicas": 2}},
            Fault(path="devicePlugin", problem=f"replicas has no meaning with sharing none; {SHARING}"),
        ),
        (
            {"devicePlugin": {"sharing": "mps"}},
            Fault(path="devicePlugin", problem="sharing mps needs replicas of 2 or more"),
        ),
        (
            {"devicePlugin": {"sharing": "mps", "replicas": 2, "migStrategy": "single"}},
            Fault(
                path="devicePlugin",
                problem="MPS and MIG exclude each other (NVIDIA device plugin 0.20); set one of them to none",
            ),
        ),
    ],
)
def test_what_no_gpu_could_do_is_refused(changes: dict[str, object], expected: Fault) -> None:
    """Each rule of the hardware gives exactly its fault, with the numbers that it is about."""
    assert faults(changes) == [expected]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {
                "models.qwen.replicas": 2,
                "models.other": {"source": "hf://Qwen/Qwen3-8B", "replicas": 2},
                "models.qwen.pool": "l4",
            },
            "2 x 1 GPUs fit no pool: l4 has 3 x 1 GPUs, 2 of them taken",
        ),
        (
            {
                "gpuPools": {
                    "a": {"instanceType": "g6.xlarge", "maxSize": 1},
                    "b": {"instanceType": "g6.12xlarge", "maxSize": 1},
                },
                "models.other": {"source": "hf://Qwen/Qwen3-8B", "replicas": 5, "pool": "b"},
            },
            "5 x 1 GPUs fit no pool: b has 1 x 4 GPUs, 0 of them taken",
        ),
        (
            {
                "gpuPools": {
                    "a": {"instanceType": "g6.xlarge", "maxSize": 2},
                    "b": {"instanceType": "g6.12xlarge", "maxSize": 1},
                },
                "models.other": {"source": "hf://Qwen/Qwen3-8B", "replicas": 6},
            },
            "6 x 1 GPUs fit no pool: a has 2 x 1 GPUs, 0 of them taken; b has 1 x 4 GPUs, 0 of them taken",
        ),
    ],
)
def test_the_arithmetic_of_every_pool_is_told(changes: dict[str, object], problem: str) -> None:
    """A model that fits nowhere is told what each pool has and how much of it is taken."""
    assert faults(changes) == [Fault(path="models.other", problem=problem, allowed=SMALLER)]
