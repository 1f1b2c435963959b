"""The objects of a ModelService; pure."""

import json
from typing import Any

from components import pods
from components.deadlines import Deadlines, deadlines
from components.model_service.args import ModelServiceArgs, RoleArgs
from components.model_service.pod import (
    CONTAINER,
    EVENTS_PORT_NAME,
    PORT_NAME,
    engine_container,
    engine_port,
    pod_labels,
    pod_spec,
)
from components.quantities import canonical
from engines import Role
from naming import ModelNames, common_labels, model_selector

__all__ = ["build", "deadlines_of", "rollout_seconds"]


def deadlines_of(args: ModelServiceArgs, role: RoleArgs) -> Deadlines:
    """Deadlines of a role from the size of the weights and the way they come."""
    return deadlines(args.weights.size_bytes, downloads=args.weights.from_network, replicas=role.replicas)


def rollout_seconds(args: ModelServiceArgs) -> int:
    """How long the roles take to roll, which they do side by side."""
    return max(deadlines_of(args, role).rollout for role in args.roles)


def build(args: ModelServiceArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name. Those of prefill have the role in their suffix."""
    objects = {
        "account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": pods.metadata(ModelNames(model=args.model).service_account, args.namespace, _labels(args)),
            "automountServiceAccountToken": False,
        },
    }
    files = engine_container(args, args.decode).files
    if files:
        metadata = pods.metadata(ModelNames(model=args.model).server, args.namespace, _labels(args))
        objects["files"] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(files)}
    for role in args.roles:
        objects |= _objects_of(args, role)
    return objects


def _objects_of(args: ModelServiceArgs, role: RoleArgs) -> dict[str, dict[str, Any]]:
    prefix = role.label if role.role is Role.PREFILL else ""
    suffix = f"{prefix}-" if prefix else ""
    selector = model_selector(args.model, role.label)
    objects = {
        prefix: _deployment(args, role) if role.pods_per_replica == 1 else _leader_worker_set(args, role),
        f"{suffix}budget": pods.pod_disruption_budget(_name(args, role), args.namespace, _labels(args), selector),
        f"{suffix}network": _network_policy(args, role),
    }
    if args.pod_monitor:
        objects[f"{suffix}monitor"] = _pod_monitor(args, role)
    return objects


def _name(args: ModelServiceArgs, role: RoleArgs) -> str:
    return ModelNames(model=args.model).server_of(role.label)


def _labels(args: ModelServiceArgs) -> dict[str, str]:
    return dict(common_labels(component=CONTAINER, instance=args.model))


def _deployment(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    times = deadlines_of(args, role)
    # Without a spare GPU a surging pod would stay Pending for ever: one is taken down first.
    rolling = {"maxSurge": 1, "maxUnavailable": 0} if role.surge else {"maxSurge": 0, "maxUnavailable": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pods.metadata(
            _name(args, role), args.namespace, _labels(args), {"llm-d.ai/engine": args.engine.name}
        ),
        "spec": {
            # Stated, it would be set back to by every `up` that finds another number.
            **({} if role.autoscaled else {"replicas": role.replicas}),
            "progressDeadlineSeconds": times.progress,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "selector": {"matchLabels": dict(model_selector(args.model, role.label))},
            "template": {
                "metadata": {"labels": pod_labels(args, role), **_annotations(args, role)},
                "spec": pod_spec(args, role, times),
            },
        },
    }


def _leader_worker_set(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    """Replicas of several pods each: the controller makes a group of each, and numbers its pods.

    All pods are alike: each answers requests for its own copies and takes its rank from its number. A group that loses
    one starts over, for the others cannot go on without it.
    """
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": pods.metadata(
            _name(args, role),
            args.namespace,
            _labels(args),
            {"llm-d.ai/engine": args.engine.name, "pulumi.com/waitFor": "condition=Available"},
        ),
        "spec": {
            "replicas": role.replicas,
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxSurge": int(role.surge), "maxUnavailable": int(not role.surge)},
            },
            "startupPolicy": "LeaderCreated",
            "leaderWorkerTemplate": {
                "size": role.pods_per_replica,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "workerTemplate": {
                    "metadata": {"labels": pod_labels(args, role), **_annotations(args, role)},
                    # Its controller's webhook would write them so anyway.
                    "spec": canonical(pod_spec(args, role, deadlines_of(args, role))),
                },
            },
        },
    }


def _annotations(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    """Digests of what pods have to follow: the files that an engine reads at start only, and the other role's pods."""
    files = engine_container(args, role).files
    digests = {"checksum/files": pods.checksum(files)} if files else {}
    if len(args.roles) > 1:
        digests["checksum/roles"] = _roles_checksum(args)
    return {"annotations": digests} if digests else {}


def _roles_checksum(args: ModelServiceArgs) -> str:
    """Digest of all roles' pods: none rolls without the others.

    Servers of two generations cannot be relied on to read each other's caches, and a decode server does not survive
    every restart of its prefill servers (vllm#49238). Replicas are not in it: to scale a role rolls nothing.
    """
    specs = {role.label: pod_spec(args, role, deadlines_of(args, role)) for role in args.roles}
    return pods.checksum({label: json.dumps(spec, sort_keys=True) for label, spec in specs.items()})


def _network_policy(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    """Only the gateway, the picker and a scraper reach the servers: nobody goes around the gateway.

    Roles, and the pods of one replica, reach each other on every port: engines open one for each transfer, wherever
    the system has one free.
    """
    clients: list[dict[str, Any]] = [dict(client) for client in args.clients]
    scrapers: list[dict[str, Any]] = [dict(pods.SCRAPER)] if args.pod_monitor else []
    others = [
        model_selector(args.model, other.label)
        for other in args.roles
        if other is not role or other.pods_per_replica > 1
    ]
    if others:
        # By number: not every network plugin finds the names of ports in init containers.
        ingress: list[dict[str, Any]] = [_admit(clients, args.engine.default_port)]
        ingress += [_admit(scrapers, engine_port(args, role))] if scrapers else []
        ingress.append({"from": [{"podSelector": {"matchLabels": dict(labels)}} for labels in others]})
    else:
        ingress = [_admit([*clients, *scrapers], PORT_NAME)]
    if args.events is not None:
        ingress.append(_admit([dict(peer) for peer in args.events.subscribers], EVENTS_PORT_NAME))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": pods.metadata(_name(args, role), args.namespace, _labels(args)),
        "spec": {
            "podSelector": {"matchLabels": dict(model_selector(args.model, role.label))},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def _admit(sources: list[dict[str, Any]], port: int | str) -> dict[str, Any]:
    return {"from": sources, "ports": [{"port": port, "protocol": "TCP"}]}


def _pod_monitor(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    """The engine itself is scraped, not the sidecar in front of it."""
    engine, *_ = pod_spec(args, role, deadlines_of(args, role))["containers"]
    path = args.engine.metrics(args.engine_version).path
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": pods.metadata(_name(args, role), args.namespace, _labels(args)),
        "spec": {
            "selector": {"matchLabels": dict(model_selector(args.model, role.label))},
            "podMetricsEndpoints": [
                {"port": engine["ports"][0]["name"], "path": path, "interval": "30s"},
            ],
        },
    }
