"""Which pool serves which model: packing, choice, spare GPUs, slices and shares.

What these tests cannot prove: what the scheduler does on a live cluster with other pods on it.
"""

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from settings.placement import PoolCapacity, pack, place, pool_capacities, surely_fits
from tests.support.configs import settings

MODEL = {"source": "hf://Qwen/Qwen3-0.6B"}
POOLS = {
    "l4": {"instanceType": "g6.xlarge", "maxSize": 2},
    "quad": {"instanceType": "g6.12xlarge", "maxSize": 1},
    "h100": {"instanceType": "p5.48xlarge", "maxSize": 1},
}
GIB = 2**30


def _models(**models: dict[str, object]) -> dict[str, object]:
    return {name: {**MODEL, "servedName": name, **keys} for name, keys in models.items()}


def _quad(nodes: int) -> PoolCapacity:
    pools = settings({"gpuPools": {"quad": {"instanceType": "g6.12xlarge", "maxSize": nodes}}})
    return pool_capacities(pools.gpu_pools, pools.device_plugin)["quad"]


@pytest.mark.parametrize(
    ("nodes", "gpus", "fits"),
    [
        (1, [], True),
        (1, [4], True),
        (1, [5], False),
        (1, [1, 1, 1, 1], True),
        (1, [1, 1, 1, 1, 1], False),
        (2, [3, 3], True),
        (2, [3, 3, 2], False),
        (2, [1, 3, 1, 3], True),
        (2, [1, 1, 2, 4], True),
        (2, [1, 1, 3, 3], True),
    ],
)
def test_pods_are_packed_whole_onto_nodes(nodes: int, gpus: list[int], *, fits: bool) -> None:
    """A pod fits on one node or not at all; free GPUs of two nodes do not add up."""
    assert pack(gpus, _quad(nodes)) is fits


@pytest.mark.parametrize(
    ("nodes", "arriving", "there", "fits"),
    [
        (2, [4], [1, 1], False),
        (3, [4], [1, 1], True),
        (2, [2], [1, 1, 1, 1], True),
        (2, [2], [1, 1, 1, 1, 2], False),
        (2, [4], [2, 2], False),
        (2, [2], [2, 2, 2], True),
        (2, [3], [2, 2], False),
        (2, [1, 1], [4], True),
        (1, [1, 4], [], False),
    ],
)
def test_spread_pods_may_close_every_node(nodes: int, arriving: list[int], there: list[int], *, fits: bool) -> None:
    """One GPU taken of each node leaves no place for a pod that needs a whole one."""
    assert surely_fits(arriving, there, _quad(nodes)) is fits


@examples(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=8),
    st.integers(1, 4),
)
def test_what_surely_fits_does_wherever_the_others_are(arranged: list[tuple[int, int]], wanted: int) -> None:
    """No arrangement of the others on three nodes leaves a pod without a node that was promised one."""
    free = [4, 4, 4]
    there = []
    for node, gpus in arranged:
        if free[node] >= gpus:
            free[node] -= gpus
            there.append(gpus)

    assert not surely_fits([wanted], there, _quad(3)) or max(free) >= wanted


@pytest.mark.parametrize(
    ("models", "pool_of"),
    [
        (_models(a={}), {"a": "l4"}),
        (_models(a={"replicas": 2}, b={}), {"a": "l4", "b": "quad"}),
        (_models(a={"replicas": 3}), {"a": "quad"}),
        (_models(a={"parallelism": {"tensor": 8}}), {"a": "h100"}),
        (_models(a={"pool": "h100"}, b={"parallelism": {"tensor": 4}}), {"a": "h100", "b": "quad"}),
        (_models(a={"replicas": 2}, z={"replicas": 2, "pool": "l4"}), {"a": "quad", "z": "l4"}),
    ],
)
def test_a_model_goes_to_the_smallest_nodes_that_hold_it(models: dict[str, object], pool_of: dict[str, str]) -> None:
    """Models that name a pool get it first; the others follow by name, each on the fewest GPUs per node that do."""
    placement = place(settings({"gpuPools": POOLS, "models": models}))

    assert (dict(placement.pool_of), dict(placement.unplaced)) == (pool_of, {})


@pytest.mark.parametrize(
    ("models", "surging"),
    [
        (_models(a={}), {"a"}),
        (_models(a={"replicas": 2}), set()),
        (_models(a={"pool": "quad", "parallelism": {"tensor": 2}}), {"a"}),
        (_models(a={"pool": "quad", "parallelism": {"tensor": 4}}), set()),
        (
            _models(a={"pool": "quad", "parallelism": {"tensor": 2}}, b={"pool": "quad"}),
            {"b"},
        ),
        (_models(a={"pool": "l4"}, b={"pool": "l4", "replicas": 1}), set()),
    ],
)
def test_a_model_surges_where_a_replica_more_fits(models: dict[str, object], surging: set[str]) -> None:
    """Only where the pool holds one more replica beside all that is there may a rollout start with a new pod."""
    assert place(settings({"gpuPools": POOLS, "models": models})).surging == surging


@pytest.mark.parametrize(
    ("nodes", "crowded"),
    [
        (2, {"large"}),
        (3, set()),
    ],
)
def test_a_large_pod_may_be_crowded_out_of_a_pool_that_holds_it(nodes: int, crowded: set[str]) -> None:
    """Two pods of one GPU may take a GPU of two nodes each; a third node is left whole."""
    models = _models(small={"replicas": 2}, large={"parallelism": {"tensor": 4}})
    pools = {"quad": {"instanceType": "g6.12xlarge", "maxSize": nodes}}
    made = place(settings({"models": models, "gpuPools": pools}))

    assert dict(made.unplaced) == {}
    assert made.crowded == crowded


def test_pods_that_spread_evenly_crowd_nobody_out() -> None:
    """Two prefill pods of two GPUs on each of two nodes leave each four for decode."""
    models = _models(
        decode={"replicas": 2, "parallelism": {"tensor": 4}}, other={"replicas": 4, "parallelism": {"tensor": 2}}
    )
    pools = {"h100": {"instanceType": "p5.48xlarge", "maxSize": 2}}

    assert place(settings({"models": models, "gpuPools": pools})).crowded == set()


def test_the_order_of_the_config_does_not_matter() -> None:
    """The same pools and models in another order are placed alike."""
    models = _models(a={"replicas": 2}, b={"replicas": 3}, c={"parallelism": {"tensor": 8}}, d={})
    pools = {**POOLS, "h200": {"instanceType": "p5en.48xlarge", "maxSize": 1}}
    forward = place(settings({"gpuPools": pools, "models": models}))
    backward = place(settings({"gpuPools": dict(reversed(pools.items())), "models": dict(reversed(models.items()))}))

    assert forward == backward
    assert forward.pool_of == {"a": "l4", "b": "quad", "c": "h100", "d": "quad"}


@pytest.mark.parametrize(
    ("pool", "plugin", "resource", "units", "memory"),
    [
        ({}, {}, "nvidia.com/gpu", 8, 80 * GIB),
        ({"migProfile": "1g.10gb"}, {"migStrategy": "single"}, "nvidia.com/gpu", 56, 80 * GIB // 7),
        ({"migProfile": "3g.40gb"}, {"migStrategy": "mixed"}, "nvidia.com/mig-3g.40gb", 16, 40 * GIB),
        ({}, {"sharing": "time-slicing", "replicas": 4}, "nvidia.com/gpu", 32, 80 * GIB),
        ({}, {"sharing": "mps", "replicas": 4}, "nvidia.com/gpu", 32, 20 * GIB),
        (
            {"migProfile": "3g.40gb"},
            {"migStrategy": "mixed", "sharing": "time-slicing", "replicas": 2},
            "nvidia.com/mig-3g.40gb",
            32,
            40 * GIB,
        ),
        ({"advertiser": "external"}, {"sharing": "mps", "replicas": 4}, "nvidia.com/gpu", 8, 80 * GIB),
    ],
)
def test_slices_and_shares_are_the_units_of_a_pool(
    pool: dict[str, str], plugin: dict[str, object], resource: str, units: int, memory: int
) -> None:
    """MIG and MPS multiply units and divide memory, time-slicing only multiplies; sharing only by our own plugin."""
    # No models: those that are served may not use MPS.
    changes = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge", **pool}}, "devicePlugin": plugin, "models": {}}
    sound = settings(changes)
    capacity = pool_capacities(sound.gpu_pools, sound.device_plugin)["h100"]

    assert (capacity.gpu_resource, capacity.gpus_per_node, capacity.memory_per_gpu) == (resource, units, memory)
    assert capacity.share(units) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {"node.kubernetes.io/instance-type": "g6.xlarge"}),
        ({"pool": "l4"}, {"pool": "l4"}),
    ],
)
def test_a_pool_is_selected_by_instance_type_unless_it_says_otherwise(
    given: dict[str, str] | None, expected: dict[str, str]
) -> None:
    """The default node selector is the label that every cloud sets."""
    sound = settings({"gpuPools.l4.nodeSelector": given})

    assert pool_capacities(sound.gpu_pools, sound.device_plugin)["l4"].node_selector == expected


@pytest.mark.parametrize(
    ("instance_type", "plugin", "gpus", "cpu", "memory_mib"),
    [
        ("g6.xlarge", {}, 1, 3528, 12231),
        ("g6.12xlarge", {}, 1, 10757, 40566),
        ("g6.12xlarge", {}, 4, 43029, 162267),
        ("g6.xlarge", {"sharing": "time-slicing", "replicas": 4}, 1, 882, 3057),
    ],
)
def test_a_pods_default_share_is_of_what_a_node_offers(
    instance_type: str, plugin: dict[str, object], gpus: int, cpu: int, memory_mib: int
) -> None:
    """A pod asks for 90 % of the node's allocatable times its part of the node's GPUs, memory in whole MiB."""
    sound = settings({"gpuPools": {"l4": {"instanceType": instance_type}}, "devicePlugin": plugin})
    capacity = pool_capacities(sound.gpu_pools, sound.device_plugin)["l4"]

    assert (capacity.cpu_millicores_for(gpus), capacity.memory_bytes_for(gpus)) == (cpu, memory_mib * 2**20)
