"""What a plan may cost, and who answers for it; pure.

Prices are on-demand prices of one day in one region: every sum here is an estimate.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policy.checks.instances import INSTANCES
from policy.checks.pods import count_of
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import Subject, at, children, mapping
from policy.checks.world import World

__all__ = ["RULES", "gpu_types", "is_gpu_group"]

_GROUP = "aws:eks/nodeGroup:NodeGroup"
_AWS_PROVIDER = "pulumi:providers:aws"

_TAGGED = (
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    _GROUP,
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
)


def gpu_types(subject: Subject) -> list[str]:
    """The instance types with GPUs that a node group names."""
    return [str(name) for name in children(subject.properties, "instanceTypes") if str(name) in INSTANCES]


def is_gpu_group(subject: Subject) -> bool:
    """Whether it is a node group whose nodes have NVIDIA GPUs."""
    if subject.type != _GROUP:
        return False
    return "NVIDIA" in str(at(subject.properties, "amiType")) or bool(gpu_types(subject))


def _has_nodes(subject: Subject) -> bool:
    return subject.kind == "PlatformLayer" or is_gpu_group(subject)


def _cost(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    if subject.kind == "PlatformLayer":
        pools = world.pools
        yield from _over_budget(sum(_usd_of_pool(pool) for pool in pools.values()), settings)
        return
    scaling = mapping(subject.properties, "scalingConfig")
    most, least = count_of(scaling.get("maxSize")) or 0, count_of(scaling.get("minSize")) or 0
    if most > settings["maxNodes"]:
        yield f"may grow to {most} nodes, the environment allows {settings['maxNodes']:g}"
    if least > settings["minNodes"]:
        yield f"keeps {least} GPU nodes when nobody asks anything, the environment allows {settings['minNodes']:g}"
    groups = [group for group in world.of_kind("NodeGroup") if is_gpu_group(group)]
    if not world.of_kind("PlatformLayer") and groups and groups[0].key == subject.key:
        yield from _over_budget(sum(map(_usd_of_group, groups)), settings)


def _over_budget(usd: float, settings: Settings) -> Iterator[str]:
    if usd > settings["usdPerHour"]:
        yield (
            f"all pools at their maximum cost about {usd:.2f} USD an hour (on-demand estimate), "
            f"the environment allows {settings['usdPerHour']:g}"
        )


def _usd_of_pool(pool: Mapping[str, Any]) -> float:
    instance = INSTANCES.get(str(at(pool, "instanceType")))
    price = at(pool, "usdPerHour") or (instance.usd_per_hour if instance else None) or 0
    return float(price) * int(at(pool, "maxSize") or 0)


def _usd_of_group(group: Subject) -> float:
    prices = [INSTANCES[name].usd_per_hour or 0 for name in gpu_types(group)]
    return max(prices, default=0) * (count_of(at(group.properties, "scalingConfig", "maxSize")) or 0)


def _tags(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    wanted = settings["labels"] if subject.is_kubernetes else settings["tags"]
    if subject.is_kubernetes:
        given = set(at(subject.properties, "metadata", "labels") or {})
    else:
        given = set(at(subject.properties, "tags") or {}) | _default_tags(world)
    missing = [name for name in wanted if name not in given]
    if missing:
        yield f"has no {'label' if subject.is_kubernetes else 'tag'} {', '.join(missing)}"


def _default_tags(world: World) -> set[str]:
    """Tags that the stack's AWS providers put on everything."""
    providers = [item for item in world.of_kind("aws") if item.type == _AWS_PROVIDER]
    return {name for item in providers for name in at(_decoded(at(item.properties, "defaultTags")), "tags") or {}}


def _decoded(value: object) -> object:
    """A provider's nested settings travel as JSON in a string."""
    return json.loads(value) if isinstance(value, str) else value


def _is_tagged(subject: Subject) -> bool:
    return subject.type in _TAGGED or subject.is_a("Namespace")


RULES = (
    Rule(
        number=15,
        id="gpu-cost",
        group=Group.COST,
        reason="A pool without a cap, or one that never shrinks, costs more in a week than a team in a month.",
        severity=Severity.MANDATORY,
        remediation="Lower maxSize or minSize, or raise the environment's cap in its policy config.",
        key="gpuPools.<name>.minSize, gpuPools.<name>.maxSize",
        applies=_has_nodes,
        check=_cost,
        across=True,
        settings=setting_table(
            maxNodes=(8, "most nodes of one GPU node group"),
            minNodes=(0, "most GPU nodes of one group that are kept when nobody asks anything"),
            usdPerHour=(100, "most US dollars an hour of all GPU pools at their maximum, on-demand estimate"),
        ),
    ),
    Rule(
        number=25,
        id="required-tags",
        group=Group.COST,
        reason="What carries no owner and no cost centre is nobody's, and is paid for ever.",
        severity=Severity.ADVISORY,
        remediation="Tag it; the AWS provider's default tags count.",
        key="(tags of the provider)",
        applies=_is_tagged,
        check=_tags,
        across=True,
        settings=setting_table(
            tags=([], "keys that every AWS resource is tagged with"),
            labels=([], "keys that every namespace is labelled with"),
        ),
        asked_by=("tags", "labels"),
    ),
)
