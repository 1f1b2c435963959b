"""What a stack exports."""

from pathlib import Path

import pulumi

from naming import GATEWAY
from settings import StackSettings
from settings.kubeconfig import read_kubeconfig
from stacks import cost
from stacks.cluster_layer import ClusterLayer
from stacks.plan import StackPlan
from stacks.serving_layer import ServingLayer, plan_summary

__all__ = ["cluster_outputs", "stack_outputs"]


def stack_outputs(
    settings: StackSettings, plan: StackPlan, serving: ServingLayer, root: Path
) -> dict[str, pulumi.Input[object]]:
    """The stack's outputs: few, and what a consumer cannot work out alone."""
    reason = _why_no_url(settings, root)
    if reason is None and plan.provider.service is None:
        reason = f"provider {plan.provider.name} makes the address up: it is in the status of Gateway {GATEWAY}"
    url = None if reason else serving.url
    return {
        "release": plan.release.name,
        "namespace": plan.namespace,
        "gateway": {
            "provider": plan.provider.name,
            "url": url,
            "baseUrl": None if url is None else url.apply(lambda address: f"{address}/v1"),
            "reason": reason,
        },
        "models": {name: plan_summary(model) for name, model in sorted(plan.models.items())},
    }


def cluster_outputs(settings: StackSettings, cluster: ClusterLayer) -> dict[str, pulumi.Input[object]]:
    """What the cluster layer exports: how another stack finds the cluster, and what its nodes cost."""
    estimate = cost.estimate(settings)
    return {
        "cluster": {
            "name": settings.cluster.eks.name if settings.cluster.eks else None,
            "identifier": cluster.identifier,
            "kubeconfig": cluster.kubeconfig,
        },
        "costEstimate": None if estimate is None else estimate.as_data(),
    }


def _why_no_url(settings: StackSettings, root: Path) -> str | None:
    """Why nothing answers at the gateway, or `None`."""
    if settings.cluster.manifests is not None:
        return "rendered as manifests: nothing is deployed"
    if settings.cluster.there is None:
        return None
    return read_kubeconfig(settings.cluster.there, root).simulated
