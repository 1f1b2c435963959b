"""Rules across keys: what no single field can know.

Each rule is a pure function from settings to faults and names the paths that it needs; where something at or below
one of them was at fault already, the rule (or the one model that it is about) is left out, for its findings would
only follow from the first fault.
"""

from collections.abc import Set as AbstractSet

from settings.faults import Fault
from settings.rules import (
    adapters,
    arguments,
    autoscaling,
    canary,
    collisions,
    digests,
    disaggregation,
    eks,
    eks_pools,
    engine,
    fabrics,
    gateway,
    hardware,
    known_models,
    layers,
    literals,
    multi_node,
    objectives,
    pods,
    pools,
    prefix_cache,
    served_names,
    sources,
    tiered_prefix_cache,
)
from settings.stack import StackSettings

__all__ = ["faults_across"]

_RULES = (
    *engine.RULES,
    *sources.RULES,
    *known_models.RULES,
    *disaggregation.RULES,
    *prefix_cache.RULES,
    *tiered_prefix_cache.RULES,
    *multi_node.RULES,
    *arguments.RULES,
    *autoscaling.RULES,
    *pools.RULES,
    *hardware.RULES,
    *pods.RULES,
    *collisions.RULES,
    *served_names.RULES,
    *canary.RULES,
    *adapters.RULES,
    *objectives.RULES,
    *gateway.RULES,
    *layers.RULES,
    *literals.RULES,
    *digests.RULES,
    *eks.RULES,
    *eks_pools.RULES,
    *fabrics.RULES,
)


def faults_across(settings: StackSettings, broken: AbstractSet[str]) -> list[Fault]:
    """Every fault that the rules find.

    Args:
        settings: The config, or what is sound of it.
        broken: Paths that were at fault and have been taken out.
    """
    return [fault for rule in _RULES for fault in rule.faults(settings, broken)]
