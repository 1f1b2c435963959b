"""The pools themselves, and the device plugin that serves them."""

from collections import defaultdict
from collections.abc import Iterator

from catalog import INSTANCE_TYPES, Architecture, nearest
from settings.faults import Fault
from settings.gpu_pools import Advertiser, Sharing
from settings.placement import judged, node_selector, place
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]

# The lab's nodes without a GPU: they are named after their pool, as the others are.
_RESERVED_NAME = "cpu"


def _instance_types(settings: StackSettings) -> Iterator[Fault]:
    for name, pool in settings.gpu_pools.items():
        instance = INSTANCE_TYPES.get(pool.instance_type)
        path = f"gpuPools.{name}.instanceType"
        if instance is None:
            yield Fault(
                path=path,
                problem="unknown instance type",
                given=pool.instance_type,
                allowed=f"one of the {len(INSTANCE_TYPES)} types in catalog/instance_types.py",
                nearest=nearest(pool.instance_type, list(INSTANCE_TYPES)),
            )
        elif instance.architecture is not Architecture.AMD64:
            yield Fault(
                path=path,
                problem=f"pool {name} has ARM64 CPUs, but the images of the release lines are amd64",
                given=pool.instance_type,
                allowed="a type with an amd64 CPU",
            )


def _names(settings: StackSettings) -> Iterator[Fault]:
    if _RESERVED_NAME in settings.gpu_pools:
        yield Fault(
            path=f"gpuPools.{_RESERVED_NAME}",
            problem="is the name of the lab's own pool of nodes without a GPU",
            given=_RESERVED_NAME,
            allowed="any other name",
        )


def _empty_selectors(settings: StackSettings) -> Iterator[Fault]:
    for name, pool in settings.gpu_pools.items():
        if pool.node_selector is not None and not pool.node_selector:
            yield Fault(
                path=f"gpuPools.{name}.nodeSelector",
                problem="is empty and would select every node",
                allowed="one label or more; without the key it is the instance type's label",
            )


def _overlaps(settings: StackSettings) -> Iterator[Fault]:
    """A node is in one pool: else it would have two advertisers, or its GPUs would be counted twice.

    Only what the selectors themselves tell: pools that select by different labels may still share nodes.
    """
    pools = sorted(settings.gpu_pools.items())
    selectors = {name: node_selector(pool) for name, pool in pools if pool.node_selector != {}}
    allowed = "a label that only this pool's nodes have, such as example.com/pool: <name>; or one pool instead of two"
    for name, selector in selectors.items():
        for other, others in selectors.items():
            is_equal = selector.items() == others.items()
            if (is_equal and other < name) or (not is_equal and selector.items() > others.items()):
                advertisers = {settings.gpu_pools[name].advertised_by, settings.gpu_pools[other].advertised_by}
                why = "be counted twice" if len(advertisers) == 1 else "have two advertisers"
                yield Fault(
                    path=f"gpuPools.{name}.nodeSelector",
                    problem=f"pool {name} selects nodes of pool {other}, which would {why}",
                    given=", ".join(f"{key}: {value}" for key, value in sorted(selector.items())),
                    allowed=allowed,
                )


def _runtime_class(settings: StackSettings) -> Iterator[Fault]:
    is_installed = any(pool.advertised_by is Advertiser.DEVICE_PLUGIN for pool in settings.gpu_pools.values())
    if settings.device_plugin.runtime_class is not None and not is_installed:
        yield Fault(
            path="devicePlugin.runtimeClass",
            problem="nothing would create it: no pool has the device plugin as its advertiser",
            given=settings.device_plugin.runtime_class,
            allowed="remove the key, or set a pool's advertiser to device-plugin",
        )


def _mps(settings: StackSettings) -> Iterator[Fault]:
    """NVIDIA mounts the MPS daemon's shared memory at /dev/shm, where an engine's pod has a volume of its own."""
    if settings.device_plugin.sharing is not Sharing.MPS:
        return
    models = defaultdict(list)
    for name, pool in sorted(place(judged(settings)).pool_of.items()):
        if settings.gpu_pools[pool].advertised_by is Advertiser.DEVICE_PLUGIN:
            models[pool].append(name)
    for pool, names in sorted(models.items()):
        yield Fault(
            path="devicePlugin.sharing",
            problem=f"models on pool {pool} ({', '.join(names)}) cannot use MPS: an engine's /dev/shm volume hides the"
            " MPS daemon's",
            given=Sharing.MPS,
            allowed="time-slicing, none",
        )


_POOLS = frozenset({"gpuPools", "devicePlugin"})

RULES = (
    Rule(needs=frozenset(), check=_instance_types),
    Rule(needs=frozenset(), check=_names),
    Rule(needs=frozenset({"gpuPools"}), check=_empty_selectors),
    Rule(needs=frozenset({"gpuPools"}), check=_overlaps),
    Rule(needs=_POOLS, check=_runtime_class),
    Rule(needs=_POOLS, of_model=frozenset({"parallelism", "pool", "replicas", "prefill"}), check=_mps),
)
