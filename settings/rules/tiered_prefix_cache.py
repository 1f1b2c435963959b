"""A tiered prefix cache: what the line, the engine and the topology can, and whether the tier fits."""

from collections.abc import Iterator

from catalog import MODELS
from engines import ENGINES, CpuTier, NoCpuTier
from engines.custom import NO_CPU_TIER
from engines.flags import flags_in, meant
from releases import RELEASES, Release, TieredPrefixDialect
from settings.base import GIB, MIB
from settings.faults import Fault
from settings.models import ModelSettings
from settings.placement import format_memory, judged, place, pod_memory, pool_capacities
from settings.prefix_cache import TieredPrefixCacheSettings
from settings.rules.capability import cannot_be_had
from settings.rules.rule import Rule
from settings.source import parse_source, weights_bytes
from settings.stack import StackSettings
from settings.workloads import ENGINE_MEMORY, Workload, workloads

__all__ = ["RULES"]

# As settings/rules/hardware.py: the rest is the engine's own.
_USABLE_MEMORY = 0.9

# Engines may round what each GPU gets of a tier down to whole gigabytes.
_ROUNDED_OFF = 10**9


def _possible(settings: StackSettings) -> Iterator[Fault]:
    """The engine has a tier, and the line's picker counts it."""
    release = RELEASES.get(settings.release)
    if release is None:
        return
    for name, model, _ in _tiered(settings):
        fault = cannot_be_had(f"models.{name}.tieredPrefixCache", release, model.engine or settings.engine, _why_not)
        if fault is not None:
            yield fault


def _why_not(release: Release, engine: str) -> str | None:
    tier = _tier(engine)
    if isinstance(tier, NoCpuTier):
        return tier.reason
    dialect = release.picker.tiered_prefix
    return None if isinstance(dialect, TieredPrefixDialect) else dialect


def _tier(engine: str) -> CpuTier | NoCpuTier:
    return ENGINES[engine].cpu_tier if engine in ENGINES else NO_CPU_TIER


def _tiered(settings: StackSettings) -> Iterator[tuple[str, ModelSettings, TieredPrefixCacheSettings]]:
    for name, model in settings.models.items():
        if model.tiered_prefix_cache is not None:
            yield name, model, model.tiered_prefix_cache


def _topology(settings: StackSettings) -> Iterator[Fault]:
    """A pod has one tier, and one connector moves blocks of the KV cache."""
    for name, model, _ in _tiered(settings):
        path = f"models.{name}.tieredPrefixCache"
        if model.prefill is not None:
            yield Fault(
                path=path,
                problem="does not go with prefill servers of their own: llm-d's guide for it has aggregated servers",
                allowed=f"one of this and models.{name}.prefill",
            )
        if model.parallelism.copies > 1:
            yield Fault(
                path=path,
                problem=f"does not go with {model.parallelism.copies} copies of the model as one server: each would"
                " take a tier of that size",
                allowed=f"models.{name}.parallelism.data 1, and more replicas",
            )


def _flags(settings: StackSettings) -> Iterator[Fault]:
    """The tier is said once."""
    for name, model, _ in _tiered(settings):
        tier = _tier(model.engine or settings.engine)
        if isinstance(tier, NoCpuTier):
            continue
        for given in flags_in(model.extra_args):
            flag = meant(tier.owned_flags, given)
            if flag is not None:
                yield Fault(
                    path=f"models.{name}.extraArgs",
                    problem=f"{flag} follows from tieredPrefixCache: {tier.owned_flags[flag]}; remove the argument",
                    given=given,
                )


def _countable(settings: StackSettings) -> Iterator[Fault]:
    """The picker counts the tier in blocks, unless servers tell it what they have."""
    for name, model, tiered in _tiered(settings):
        if model.precise_prefix_cache is not None or tiered.kv_bytes_per_token is not None:
            continue
        try:
            repository = parse_source(model.source).repository
        except ValueError:
            continue
        if repository not in MODELS:
            yield Fault(
                path=f"models.{name}.tieredPrefixCache.kvBytesPerToken",
                problem="is needed to count the tier in blocks: the catalogue does not know the model",
                allowed="2 x layers x key and value heads x their width x bytes of a number, by its config.json",
            )


def _memory(settings: StackSettings) -> Iterator[Fault]:
    """The tier and the engine beside it fit into the pod, and the pods onto the nodes."""
    settings = judged(settings)
    capacities, pool_of = pool_capacities(settings.gpu_pools, settings.device_plugin), place(settings).pool_of
    for workload in workloads(settings):
        least = workload.least_memory
        if least is None or workload.name not in pool_of:
            continue
        path, capacity = f"{workload.path}.tieredPrefixCache.cpuMemory", capacities[pool_of[workload.name]]
        parts = (
            f"{format_memory(workload.cpu_tier or 0)} of tier and {ENGINE_MEMORY // GIB} GiB for each of"
            f" {workload.gpus} GPUs"
        )
        if workload.resources.memory is not None:
            if workload.resources.memory < least:
                yield Fault(
                    path=path,
                    problem=f"{parts} do not fit into the {format_memory(workload.resources.memory)} that"
                    f" {workload.path}.resources.memory gives a pod",
                    given=format_memory(workload.cpu_tier or 0),
                    allowed=f"less; or {least // MIB}Mi of resources.memory",
                )
            continue
        wanted, offered = pod_memory(workload, capacity), capacity.instance.allocatable.memory_mib * MIB
        each = min(offered // wanted, capacity.gpus_per_node // workload.gpus)
        if each * capacity.nodes < workload.pods:
            yield Fault(
                path=path,
                problem=f"{workload.pods} pods with {parts} do not fit onto {capacity.nodes} nodes of pool"
                f" {capacity.name}: {capacity.instance.name} offers {format_memory(offered)} to pods",
                given=format_memory(workload.cpu_tier or 0),
                allowed=f"less; {format_memory(_room(workload, offered, capacity.gpus_per_node))} leave room for as"
                " many pods as there are GPUs for",
            )


def _room(workload: Workload, offered: int, gpus_per_node: int) -> int:
    pods = gpus_per_node // workload.gpus
    return max(offered // pods - workload.gpus * ENGINE_MEMORY, 0)


def _above_gpu(settings: StackSettings) -> Iterator[Fault]:
    """Where an engine keeps in memory all that its GPUs hold and more, it has room for that."""
    settings = judged(settings)
    capacities, pool_of = pool_capacities(settings.gpu_pools, settings.device_plugin), place(settings).pool_of
    for name, model, tiered in _tiered(settings):
        tier = _tier(model.engine or settings.engine)
        if isinstance(tier, NoCpuTier) or tier.above_gpu is None or name not in pool_of:
            continue
        if any(meant(tier.gpu_flags, flag) for flag in flags_in(model.extra_args)):
            continue
        try:
            weights = weights_bytes(model) or 0
        except ValueError:
            continue
        gpus, smaller = model.parallelism.tensor, ", ".join(sorted(tier.gpu_flags))
        caches = int(gpus * capacities[pool_of[name]].memory_per_gpu * _USABLE_MEMORY) - weights
        needed = caches + gpus * _ROUNDED_OFF
        if tiered.cpu_memory <= needed:
            gpu = capacities[pool_of[name]].instance.gpu.name
            yield Fault(
                path=f"models.{name}.tieredPrefixCache.cpuMemory",
                problem=f"is no more than the {format_memory(caches)} that {gpus} x {gpu} (90 %) have for caches beside"
                f" {format_memory(weights)} of weights: {tier.above_gpu}",
                given=format_memory(tiered.cpu_memory),
                allowed=f"more than {format_memory(needed)}; or one of {smaller} in extraArgs",
            )


_ENGINE = frozenset({"release", "engine"})
_POOLS = frozenset({"gpuPools", "devicePlugin"})
_KEY = "tieredPrefixCache"
_PLACED = frozenset({"parallelism", "pool", "replicas", "autoscaling", "prefill", _KEY})

RULES = (
    Rule(needs=_ENGINE, of_model=frozenset({"engine", _KEY}), check=_possible),
    Rule(needs=frozenset(), of_model=frozenset({_KEY, "prefill", "parallelism"}), check=_topology),
    Rule(needs=_ENGINE, of_model=frozenset({_KEY, "engine", "extraArgs"}), check=_flags),
    Rule(needs=frozenset(), of_model=frozenset({_KEY, "source", "precisePrefixCache"}), check=_countable),
    Rule(needs=_POOLS, of_model=_PLACED | {"resources"}, check=_memory),
    Rule(
        needs=_POOLS | {"engine"},
        of_model=_PLACED | {"engine", "source", "weights", "extraArgs"},
        check=_above_gpu,
    ),
)
