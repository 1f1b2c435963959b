"""Simulated nodes: what they look like, and keeping the cluster's set of them.

Owns no catalogue: what an instance type holds is handed in. A node is made
Ready by kwok, not here.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from lab.api import Api

__all__ = ["POOL_LABEL", "SimulatedPool", "apply_nodes", "apply_pool", "cpu_pool", "node_manifests"]

POOL_LABEL = "llm-d.ai/lab-pool"
"""On every node of the lab: a node without it is none of ours and never removed."""

_REGION = "lab-1"
_ZONES = ("lab-1a", "lab-1b", "lab-1c")
_PARALLEL = 8


@dataclass(frozen=True, kw_only=True)
class SimulatedPool:
    """Equal nodes, as a cloud's node pool would make them."""

    name: str
    """Node names are this and a number."""
    count: int
    instance_type: str
    """The label node.kubernetes.io/instance-type."""
    capacity: Mapping[str, str]
    """By resource name: cpu, memory and pods at least."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside the well-known ones, which are set from the other fields; these win."""
    taints: Sequence[Mapping[str, str]] = ()
    """As in a Node: key, value, effect."""

    def __post_init__(self) -> None:
        """Refuse a capacity on which no pod would ever fit."""
        missing = [name for name in ("cpu", "memory", "pods") if name not in self.capacity]
        if missing:
            raise ValueError(f"simulated pool {self.name}: capacity lacks {', '.join(missing)}, so no pod would fit")


def cpu_pool(count: int) -> SimulatedPool:
    """Nodes for everything that asks for no GPU."""
    capacity = {"cpu": "16", "ephemeral-storage": "100Gi", "memory": "64Gi", "pods": "234"}
    return SimulatedPool(name="cpu", count=count, instance_type="m7i.4xlarge", capacity=capacity)


def _node(pool: SimulatedPool, index: int) -> dict[str, Any]:
    name = f"{pool.name}-{index}"
    labels = {
        POOL_LABEL: pool.name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": _REGION,
        "topology.kubernetes.io/zone": _ZONES[index % len(_ZONES)],
        **pool.labels,
    }
    resources = dict(sorted(pool.capacity.items()))
    metadata = {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": dict(sorted(labels.items()))}
    node: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}
    if pool.taints:
        node["spec"]["taints"] = [dict(taint) for taint in pool.taints]
    node["status"] = {"allocatable": resources, "capacity": dict(resources)}
    return node


def node_manifests(pools: Iterable[SimulatedPool]) -> list[dict[str, Any]]:
    """The nodes of these pools, each zone in turn."""
    return [_node(pool, index) for pool in pools for index in range(pool.count)]


def _apply(api: Api, node: Mapping[str, Any]) -> None:
    path = f"/api/v1/nodes/{node['metadata']['name']}"
    # The first call creates the node with its status, so that kwok never sees
    # it without capacity; on a node that exists only the second changes it.
    api.apply(path, node)
    status = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node["metadata"]["name"]}}
    api.apply(f"{path}/status", {**status, "status": node["status"]})


def _remove(api: Api, name: str) -> None:
    pods = api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}") or {"items": []}
    api.delete(f"/api/v1/nodes/{name}")
    # Without the node nothing simulates its pods' end, and the garbage
    # collector takes most of a minute.
    for pod in pods["items"]:
        api.delete(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}")


def apply_nodes(api: Api, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Make the lab's nodes exactly these."""
    _make_exactly(api, nodes, POOL_LABEL)


def apply_pool(api: Api, pool: SimulatedPool) -> None:
    """Make the nodes of one pool exactly as many as it counts; other pools stay as they are."""
    _make_exactly(api, node_manifests([pool]), f"{POOL_LABEL}={pool.name}")


def _make_exactly(api: Api, nodes: Sequence[Mapping[str, Any]], selector: str) -> None:
    wanted = {node["metadata"]["name"] for node in nodes}
    existing = api.get("/api/v1/nodes", labelSelector=selector) or {"items": []}
    unwanted = [item["metadata"]["name"] for item in existing["items"] if item["metadata"]["name"] not in wanted]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        done = [pool.submit(_apply, api, node) for node in nodes]
        done += [pool.submit(_remove, api, name) for name in unwanted]
    for future in done:
        future.result()
