"""Pools that share nodes, and what a node has not: CPU, memory, disk, the architecture of the images.

What these tests cannot prove: what a live node offers. The catalogue estimates it, and other pods take their part.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

ONE_POOL = "a label that only this pool's nodes have, such as example.com/pool: <name>; or one pool instead of two"
QUAD = {"gpuPools": {"quad": {"instanceType": "g6.12xlarge"}}}
LABEL_KEY = "must be a Kubernetes label key: [<domain>/]<name>, such as example.com/pool"
LABEL_VALUE = (
    "must be a Kubernetes label value: letters, digits, '-', '_' and '.', 63 characters at most, starting and ending"
    " with a letter or digit"
)
DEFAULT_CPU = "less; the share of a node that the pod's GPUs are is 10757m, which is the default"
DEFAULT_MEMORY = "less; the share of a node that the pod's GPUs are is 40566Mi, which is the default"


@pytest.mark.parametrize(
    ("l4", "other", "expected"),
    [
        (
            {},
            {},
            Fault(
                path="gpuPools.other.nodeSelector",
                problem="pool other selects nodes of pool l4, which would be counted twice",
                given="node.kubernetes.io/instance-type: g6.xlarge",
                allowed=ONE_POOL,
            ),
        ),
        (
            {"nodeSelector": {"pool": "x"}},
            {"nodeSelector": {"pool": "x"}, "advertiser": "external"},
            Fault(
                path="gpuPools.other.nodeSelector",
                problem="pool other selects nodes of pool l4, which would have two advertisers",
                given="pool: x",
                allowed=ONE_POOL,
            ),
        ),
        (
            {"nodeSelector": {"pool": "x", "zone": "a"}},
            {"nodeSelector": {"pool": "x"}},
            Fault(
                path="gpuPools.l4.nodeSelector",
                problem="pool l4 selects nodes of pool other, which would be counted twice",
                given="pool: x, zone: a",
                allowed=ONE_POOL,
            ),
        ),
    ],
)
def test_a_node_is_in_one_pool(l4: dict[str, Any], other: dict[str, Any], expected: Fault) -> None:
    """Of two pools with equal selectors, or with one contained in the other, one is a fault that names both."""
    pools = {name: {"instanceType": "g6.xlarge", **keys} for name, keys in (("l4", l4), ("other", other))}

    assert faults({"gpuPools": pools}) == [expected]


def test_pools_of_one_type_with_labels_of_their_own_are_sound() -> None:
    """Two pools of one instance type are two pools where a label tells them apart."""
    pools = {name: {"instanceType": "g6.xlarge", "nodeSelector": {"pool": name}} for name in ("a", "b")}

    assert faults({"gpuPools": pools}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"gpuPools.l4.nodeSelector": {}},
            Fault(
                path="gpuPools.l4.nodeSelector",
                problem="is empty and would select every node",
                allowed="one label or more; without the key it is the instance type's label",
            ),
        ),
        (
            {"gpuPools.l4.nodeSelector": {"my pool": "x"}},
            Fault(path="gpuPools.l4.nodeSelector.my pool", problem=LABEL_KEY),
        ),
        (
            {"gpuPools.l4.nodeSelector": {"Example.com/pool": "x"}},
            Fault(path="gpuPools.l4.nodeSelector.Example.com/pool", problem=LABEL_KEY),
        ),
        (
            {"gpuPools.l4.nodeSelector": {"/pool": "x"}},
            Fault(path="gpuPools.l4.nodeSelector./pool", problem=LABEL_KEY),
        ),
        (
            {"gpuPools.l4.nodeSelector": {"pool": "-x"}},
            Fault(path="gpuPools.l4.nodeSelector.pool", problem=LABEL_VALUE, given="-x"),
        ),
        (
            {"gpuPools.l4.taint": {"key": "a/b/c"}},
            Fault(path="gpuPools.l4.taint.key", problem=LABEL_KEY, given="a/b/c"),
        ),
        (
            {"gpuPools.l4.taint": {"value": "x" * 64}},
            Fault(path="gpuPools.l4.taint.value", problem=LABEL_VALUE, given="x" * 64),
        ),
        (
            {"gpuPools": {"cpu": {"instanceType": "g6.xlarge"}}, "models.qwen.pool": "cpu"},
            Fault(
                path="gpuPools.cpu",
                problem="is the name of the lab's own pool of nodes without a GPU",
                given="cpu",
                allowed="any other name",
            ),
        ),
        (
            {"gpuPools": {"arm": {"instanceType": "g5g.xlarge"}}},
            Fault(
                path="gpuPools.arm.instanceType",
                problem="pool arm has ARM64 CPUs, but the images of the release lines are amd64",
                given="g5g.xlarge",
                allowed="a type with an amd64 CPU",
            ),
        ),
        (
            {"gpuPools": {"gb": {"instanceType": "p6e-gb200.36xlarge"}}},
            Fault(
                path="gpuPools.gb.instanceType",
                problem="pool gb has ARM64 CPUs, but the images of the release lines are amd64",
                given="p6e-gb200.36xlarge",
                allowed="a type with an amd64 CPU",
            ),
        ),
        (
            {"devicePlugin": {"runtimeClass": "nvidia"}, "gpuPools.l4.advertiser": "external"},
            Fault(
                path="devicePlugin.runtimeClass",
                problem="nothing would create it: no pool has the device plugin as its advertiser",
                given="nvidia",
                allowed="remove the key, or set a pool's advertiser to device-plugin",
            ),
        ),
        (
            {"devicePlugin": {"runtimeClass": "NVIDIA"}},
            Fault(
                path="devicePlugin.runtimeClass",
                problem="must be a DNS subdomain: lower-case letters, digits, '-' and '.', 253 characters at most",
                given="NVIDIA",
            ),
        ),
        (
            {"devicePlugin": {"sharing": "mps", "replicas": 2}, "models.other": {"source": "hf://Qwen/Qwen3-4B"}},
            Fault(
                path="devicePlugin.sharing",
                problem="models on pool l4 (other, qwen) cannot use MPS: an engine's /dev/shm volume hides the MPS"
                " daemon's",
                given="mps",
                allowed="time-slicing, none",
            ),
        ),
    ],
)
def test_what_no_pool_can_be_is_refused(changes: dict[str, object], expected: Fault) -> None:
    """Labels, names, architectures and what the device plugin cannot do give exactly their fault."""
    assert faults(changes) == [expected]


def test_mps_is_refused_for_models_on_the_plugins_pools_alone() -> None:
    """A pool with another advertiser is not shared by the plugin, whatever the plugin does elsewhere."""
    changes = {"devicePlugin": {"sharing": "mps", "replicas": 2}, "gpuPools.l4.advertiser": "external"}

    assert faults(changes) == []


@pytest.mark.parametrize(
    ("resources", "replicas", "expected"),
    [
        (
            {"cpu": "48"},
            1,
            Fault(
                path="models.qwen.resources.cpu",
                problem="48000m of CPU do not fit onto a node of pool quad: g6.12xlarge offers 47810m of CPU to pods",
                given="48000m",
                allowed=DEFAULT_CPU,
            ),
        ),
        (
            {"cpu": 24},
            2,
            Fault(
                path="models.qwen.resources.cpu",
                problem="2 x 24000m of CPU do not fit onto 1 nodes of pool quad: g6.12xlarge offers 47810m of CPU to"
                " pods",
                given="24000m",
                allowed=DEFAULT_CPU,
            ),
        ),
        (
            {"memory": "192Gi"},
            1,
            Fault(
                path="models.qwen.resources.memory",
                problem="196608Mi of memory do not fit onto a node of pool quad: g6.12xlarge offers 180297Mi of memory"
                " to pods",
                given="196608Mi",
                allowed=DEFAULT_MEMORY,
            ),
        ),
    ],
)
def test_a_pods_requests_fit_onto_its_nodes(resources: dict[str, Any], replicas: int, expected: Fault) -> None:
    """CPU and memory that no node offers are refused with both numbers and the default."""
    assert faults({**QUAD, "models.qwen.resources": resources, "models.qwen.replicas": replicas}) == [expected]


@pytest.mark.parametrize(
    ("resources", "replicas"), [({"cpu": "47810m"}, 1), ({"cpu": 23.9, "memory": "80Gi"}, 2), ({"cpu": "11.952"}, 4)]
)
def test_requests_that_fit_are_sound(resources: dict[str, Any], replicas: int) -> None:
    """What a node offers may be asked for to the last millicore."""
    assert faults({**QUAD, "models.qwen.resources": resources, "models.qwen.replicas": replicas}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"gpuPools.l4.diskSizeGib": 61},
            Fault(
                path="gpuPools.l4.diskSizeGib",
                problem="1 x 22 GiB for pods of model qwen on one node (20 GiB of caches and 1.2 x 1.4 GiB of weights"
                " each) do not fit into the 21 GiB that 40 GiB of images leave",
                given="61",
                allowed="62 or more",
            ),
        ),
        (
            {"gpuPools": {"quad": {"instanceType": "g6.12xlarge", "diskSizeGib": 105}}, "models.qwen.replicas": 3},
            Fault(
                path="gpuPools.quad.diskSizeGib",
                problem="3 x 22 GiB for pods of model qwen on one node (20 GiB of caches and 1.2 x 1.4 GiB of weights"
                " each) do not fit into the 65 GiB that 40 GiB of images leave",
                given="105",
                allowed="106 or more",
            ),
        ),
        (
            {
                "gpuPools": {"quad": {"instanceType": "g6.12xlarge", "diskSizeGib": 79, "maxSize": 2}},
                "models.qwen": {"source": "pvc://c/p", "weights": "8Gi", "replicas": 4, "parallelism": {"tensor": 2}},
            },
            Fault(
                path="gpuPools.quad.diskSizeGib",
                problem="2 x 20 GiB for pods of model qwen on one node (20 GiB of caches each) do not fit into the 39"
                " GiB that 40 GiB of images leave",
                given="79",
                allowed="80 or more",
            ),
        ),
    ],
)
def test_a_nodes_disk_holds_its_pods(changes: dict[str, object], expected: Fault) -> None:
    """As many pods as a node's GPUs serve have to find room beside the images, or the arithmetic is told."""
    assert faults(changes) == [expected]


@pytest.mark.parametrize("size", [62, 300])
def test_a_disk_that_is_large_enough_is_sound(size: int) -> None:
    """To the last GiB, and with the default."""
    assert faults({"gpuPools.l4.diskSizeGib": size}) == []
