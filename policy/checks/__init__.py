"""The rules, by subject; pure, without any Pulumi import."""

from policy.checks import aws, cost, gpu_scheduling, network_secrets, serving, supply_chain
from policy.checks.rule import Group, Rule, Setting, Settings, Severity
from policy.checks.subject import Subject, UnknownValueError
from policy.checks.world import World

__all__ = ["RULES", "Group", "Rule", "Setting", "Settings", "Severity", "Subject", "UnknownValueError", "World"]

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *supply_chain.RULES,
            *gpu_scheduling.RULES,
            *serving.RULES,
            *network_secrets.RULES,
            *cost.RULES,
            *aws.RULES,
        ),
        key=lambda rule: rule.number,
    )
)
"""Every rule of the pack, by number."""
