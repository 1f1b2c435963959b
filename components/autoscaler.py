"""Autoscaler: what decides how many servers a model has, by the picker's own view of the pool.

It owns a HorizontalPodAutoscaler or KEDA's ScaledObject. It does not own the controller behind it, nor the Deployment,
which states no `replicas` where there is an autoscaler: of a field that two own, each sets back what the other wrote.

    Autoscaler("qwen-autoscaler", AutoscalerArgs(...), ResourceOptions(providers=[provider]))
"""

from dataclasses import dataclass
from typing import Any

import pulumi

from components import pods
from components.objects import create_all
from naming import ModelNames, common_labels
from settings.autoscaling import AutoscalingProvider

__all__ = ["Autoscaler", "AutoscalerArgs", "build"]

COMPONENT = "autoscaler"

# Twice as many every 15 s, and down only after five quiet minutes: servers take minutes to come, and with them their
# caches go (guides/workload-autoscaling of llm-d).
_PERIOD_SECONDS = 15
_QUIET_SECONDS = 300
_DOUBLE = {"type": "Percent", "value": 100, "periodSeconds": _PERIOD_SECONDS}
_BEHAVIOR = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [_DOUBLE]},
    "scaleDown": {"stabilizationWindowSeconds": _QUIET_SECONDS, "policies": [_DOUBLE]},
}


@dataclass(frozen=True, kw_only=True)
class AutoscalerArgs:
    """One model's autoscaler."""

    namespace: str
    """Namespace of all objects."""
    model: str
    """Name of the model."""
    provider: AutoscalingProvider
    """What scales."""
    min_replicas: int
    """The fewest servers."""
    max_replicas: int
    """The most servers."""
    metric: str
    """The picker's gauge, averaged over the pool."""
    value: str
    """What to keep it to, as a quantity."""
    server_address: str | None = None
    """URL of Prometheus, for KEDA."""
    held_requests_metric: str | None = None
    """The picker's gauge of requests that it holds: what scales from zero."""


class Autoscaler(pulumi.ComponentResource):
    """The autoscaler of one model."""

    target: pulumi.Output[str]
    """Name of the Deployment that it scales."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:Autoscaler", name, summarize(args), opts)
        create_all(name, build(args), self)
        self.target = pulumi.Output.from_input(ModelNames(model=args.model).server)
        self.register_outputs({"target": self.target})


def summarize(args: AutoscalerArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "model": args.model,
        "provider": args.provider,
        "minReplicas": args.min_replicas,
        "maxReplicas": args.max_replicas,
        "metric": args.metric,
        "value": args.value,
        "namespace": args.namespace,
    }


def build(args: AutoscalerArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    return {"": _scaled_object(args) if args.provider is AutoscalingProvider.KEDA else _horizontal(args)}


def _horizontal(args: AutoscalerArgs) -> dict[str, Any]:
    selector = {"matchLabels": {"namespace": args.namespace, "name": ModelNames(model=args.model).pool}}
    # `Value`: the gauge is an average of the servers already; `AverageValue` would divide it by their number again.
    external = {
        "metric": {"name": args.metric, "selector": selector},
        "target": {"type": "Value", "value": args.value},
    }
    spec = {
        "scaleTargetRef": _target(args),
        "minReplicas": args.min_replicas,
        "maxReplicas": args.max_replicas,
        "metrics": [{"type": "External", "external": external}],
        "behavior": _BEHAVIOR,
    }
    return _object(args, "autoscaling/v2", "HorizontalPodAutoscaler", spec)


def _scaled_object(args: AutoscalerArgs) -> dict[str, Any]:
    pool = ModelNames(model=args.model).pool
    triggers = [
        _trigger(args, f'max({args.metric}{{namespace="{args.namespace}",name="{pool}"}})', args.value, "Value")
    ]
    if args.held_requests_metric is not None:
        query = f'sum({args.held_requests_metric}{{namespace="{args.namespace}",inference_pool="{pool}"}})'
        triggers.append(_trigger(args, query, "1", "AverageValue"))
    spec = {
        "scaleTargetRef": _target(args),
        "pollingInterval": _PERIOD_SECONDS,
        "cooldownPeriod": _QUIET_SECONDS,
        "minReplicaCount": args.min_replicas,
        "maxReplicaCount": args.max_replicas,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _BEHAVIOR}},
        "triggers": triggers,
    }
    return _object(args, "keda.sh/v1alpha1", "ScaledObject", spec)


def _trigger(args: AutoscalerArgs, query: str, threshold: str, metric_type: str) -> dict[str, Any]:
    metadata = {"serverAddress": args.server_address, "query": query, "threshold": threshold}
    return {"type": "prometheus", "metricType": metric_type, "metadata": metadata}


def _target(args: AutoscalerArgs) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": ModelNames(model=args.model).server}


def _object(args: AutoscalerArgs, api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    labels = common_labels(component=COMPONENT, instance=args.model)
    metadata = pods.metadata(ModelNames(model=args.model).server, args.namespace, labels)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
