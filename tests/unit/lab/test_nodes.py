"""What simulated nodes look like. Cannot prove that the scheduler likes them; the integration tests do."""

import pytest

from lab.nodes import SimulatedPool, cpu_pool, node_manifests

_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
_POOL = SimulatedPool(
    name="h100",
    count=4,
    instance_type="p5.48xlarge",
    capacity={"nvidia.com/gpu": "8", "cpu": "192", "memory": "2Ti", "pods": "100"},
    labels={"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
    taints=(_TAINT,),
)


def test_a_node_carries_its_pools_capacity_labels_and_taints() -> None:
    """The whole manifest of a node is decided by its pool and its number."""
    node = node_manifests([_POOL])[0]

    resources = {"cpu": "192", "memory": "2Ti", "nvidia.com/gpu": "8", "pods": "100"}
    assert node == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "h100-0",
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": "h100-0",
                "kubernetes.io/os": "linux",
                "llm-d.ai/lab-pool": "h100",
                "node.kubernetes.io/instance-type": "p5.48xlarge",
                "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
                "topology.kubernetes.io/region": "lab-1",
                "topology.kubernetes.io/zone": "lab-1a",
            },
        },
        "spec": {"taints": [_TAINT]},
        "status": {"allocatable": resources, "capacity": resources},
    }


def test_nodes_are_spread_over_three_zones() -> None:
    """Zones are taken in turn, so that topology spread has something to spread over."""
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in node_manifests([_POOL])]

    assert zones == ["lab-1a", "lab-1b", "lab-1c", "lab-1a"]


def test_an_empty_pool_has_no_nodes() -> None:
    """A pool that may scale from zero adds no node."""
    assert node_manifests([cpu_pool(0)]) == []


def test_cpu_nodes_have_no_gpu_and_no_taint() -> None:
    """What asks for no GPU finds room without a toleration."""
    nodes = node_manifests([cpu_pool(2)])

    assert [node["metadata"]["name"] for node in nodes] == ["cpu-0", "cpu-1"]
    assert [node["spec"] for node in nodes] == [{}, {}]
    assert all("nvidia.com/gpu" not in node["status"]["capacity"] for node in nodes)


def test_a_capacity_on_which_no_pod_fits_is_refused() -> None:
    """A forgotten resource would leave every pod pending; the message names it."""
    with pytest.raises(ValueError, match="simulated pool l4: capacity lacks memory, pods, so no pod would fit"):
        SimulatedPool(name="l4", count=1, instance_type="g6.xlarge", capacity={"cpu": "4"})


def test_a_pools_own_labels_win() -> None:
    """A catalogue may set a well-known label otherwise, such as another architecture."""
    pool = SimulatedPool(
        name="gh200",
        count=1,
        instance_type="x",
        capacity={"cpu": "1", "memory": "1Gi", "pods": "9"},
        labels={"kubernetes.io/arch": "arm64"},
    )

    assert node_manifests([pool])[0]["metadata"]["labels"]["kubernetes.io/arch"] == "arm64"
