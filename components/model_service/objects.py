"""The objects of a ModelService; pure."""

from typing import Any

from components import pods
from components.deadlines import Deadlines, deadlines
from components.model_service.args import ModelServiceArgs
from components.model_service.pod import CONTAINER, PORT_NAME, engine_container, pod_labels, pod_spec
from engines import EngineContainer
from naming import ModelNames, common_labels, model_selector

__all__ = ["build", "deadlines_of"]


def deadlines_of(args: ModelServiceArgs) -> Deadlines:
    """Deadlines from the size of the weights and the way they come."""
    return deadlines(args.weights.size_bytes, downloads=args.weights.claim is None, replicas=args.replicas)


def build(args: ModelServiceArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    names = ModelNames(model=args.model)
    labels = common_labels(component=CONTAINER, instance=args.model)
    selector = model_selector(args.model)
    engine = engine_container(args)
    objects = {
        "": _deployment(args, engine),
        "account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": pods.metadata(names.service_account, args.namespace, labels),
            "automountServiceAccountToken": False,
        },
        "budget": pods.pod_disruption_budget(names.server, args.namespace, labels, selector),
        "network": _network_policy(args),
    }
    if engine.files:
        metadata = pods.metadata(names.server, args.namespace, labels)
        objects["files"] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(engine.files)}
    if args.pod_monitor:
        objects["monitor"] = _pod_monitor(args)
    return objects


def _deployment(args: ModelServiceArgs, engine: EngineContainer) -> dict[str, Any]:
    times = deadlines_of(args)
    # Without a spare GPU a surging pod would stay Pending for ever: one is taken down first.
    rolling = {"maxSurge": 1, "maxUnavailable": 0} if args.surge else {"maxSurge": 0, "maxUnavailable": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pods.metadata(
            ModelNames(model=args.model).server,
            args.namespace,
            common_labels(component=CONTAINER, instance=args.model),
            {"llm-d.ai/engine": args.engine.name},
        ),
        "spec": {
            "replicas": args.replicas,
            "progressDeadlineSeconds": times.progress,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "selector": {"matchLabels": dict(model_selector(args.model))},
            "template": {
                "metadata": {"labels": pod_labels(args), **_annotations(engine)},
                "spec": pod_spec(args, engine, times),
            },
        },
    }


def _annotations(engine: EngineContainer) -> dict[str, Any]:
    """An engine reads its files at start only: their digest is on the pods."""
    return {"annotations": {"checksum/files": pods.checksum(engine.files)}} if engine.files else {}


def _network_policy(args: ModelServiceArgs) -> dict[str, Any]:
    """Only the gateway, the picker and a scraper reach the servers: nobody goes around the gateway."""
    sources: list[dict[str, Any]] = [{"podSelector": {"matchLabels": dict(labels)}} for labels in args.clients]
    if args.pod_monitor:
        sources.append(dict(pods.SCRAPER))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": pods.metadata(
            ModelNames(model=args.model).server,
            args.namespace,
            common_labels(component=CONTAINER, instance=args.model),
        ),
        "spec": {
            "podSelector": {"matchLabels": dict(model_selector(args.model))},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": sources, "ports": [{"port": PORT_NAME, "protocol": "TCP"}]}],
        },
    }


def _pod_monitor(args: ModelServiceArgs) -> dict[str, Any]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": pods.metadata(
            ModelNames(model=args.model).server,
            args.namespace,
            common_labels(component=CONTAINER, instance=args.model),
        ),
        "spec": {
            "selector": {"matchLabels": dict(model_selector(args.model))},
            "podMetricsEndpoints": [
                {"port": PORT_NAME, "path": args.engine.metrics(args.engine_version).path, "interval": "30s"},
            ],
        },
    }
