"""Deploys the layers that a stack owns, in their order, and says what it exports."""

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from settings import StackSettings
from settings.cluster import LayerName
from settings.placement import Placement, place
from stacks import cost
from stacks.cluster_layer import ClusterLayer, ClusterLayerArgs
from stacks.cluster_plan import plan_cluster
from stacks.outputs import cluster_outputs, stack_outputs
from stacks.plan import plan_stack
from stacks.platform_layer import PlatformLayer, PlatformLayerArgs
from stacks.provider import build_aws_provider, build_provider
from stacks.serving_layer import ServingLayer, ServingLayerArgs
from stacks.token import hugging_face_token

__all__ = ["deploy"]


def deploy(settings: StackSettings, root: Path) -> dict[str, pulumi.Input[object]]:
    """Register everything that the stack owns; returns its outputs.

    Args:
        settings: The stack's config, validated.
        root: The project's folder; relative paths are relative to it.
    """
    outputs: dict[str, pulumi.Input[object]] = {}
    before: list[pulumi.Resource] = []
    provider: kubernetes.Provider | None = None
    if LayerName.CLUSTER in settings.owned_layers:
        cluster = _cluster(settings, root)
        provider = cluster.provider
        before.append(cluster)
        outputs |= cluster_outputs(settings, cluster)
    if not settings.owned_layers & {LayerName.PLATFORM, LayerName.SERVING}:
        return outputs
    provider = provider or build_provider(settings.cluster, root)
    plan = plan_stack(settings)
    if LayerName.PLATFORM in settings.owned_layers:
        opts = pulumi.ResourceOptions(providers=[provider], depends_on=[*before])
        before.append(PlatformLayer("platform", PlatformLayerArgs.of(plan), opts))
    if LayerName.SERVING in settings.owned_layers:
        opts = pulumi.ResourceOptions(providers=[provider], depends_on=[*before])
        _warn_of_crowds(place(settings))
        serving = ServingLayer("serving", ServingLayerArgs.of(plan, hugging_face_token(settings)), opts)
        outputs |= stack_outputs(settings, plan, serving, root)
    return outputs


def _warn_of_crowds(placement: Placement) -> None:
    """A reviewer reads it in the preview; what the scheduler does depends on what it sees first, so it is no fault."""
    for name in sorted(placement.crowded):
        pulumi.log.warn(
            f"models.{name}: pool {placement.pool_of[name]} has GPUs enough, but the scheduler spreads the smaller pods"
            " over its nodes and may leave none with enough of them free: a pod of this one stays Pending then, and"
            " `up` waits for it. Give it a pool of its own, or raise the pool's maxSize."
        )


def _cluster(settings: StackSettings, root: Path) -> ClusterLayer:
    plan = plan_cluster(settings)
    assert plan is not None  # noqa: S101 - the settings refuse the layer without a cluster to make
    if (estimate := cost.estimate(settings)) is not None and pulumi.runtime.is_dry_run():
        pulumi.log.info(cost.render(estimate))
    args = ClusterLayerArgs(
        plan=plan,
        provider=build_provider(settings.cluster, root) if plan.cluster is None else None,
        provider_version=settings.cluster.provider_version,
    )
    opts = pulumi.ResourceOptions(providers=[build_aws_provider(plan.eks)])
    return ClusterLayer("cluster", args, opts)
