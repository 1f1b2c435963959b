"""Parts of pod specs that every component shares; pure.

Every pod of the serving layer passes the Pod Security Standard `restricted`, which the serving namespace enforces.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "CONTAINER_SECURITY",
    "NONROOT",
    "SCRAPER",
    "checksum",
    "field_env",
    "http_probe",
    "metadata",
    "peer",
    "pod_disruption_budget",
    "pod_security",
    "pull_secrets",
    "secret_env",
    "spread",
    "spread_over_nodes",
]

CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""securityContext of a container that needs no privilege."""

NONROOT = 65532
"""Uid of distroless' user `nonroot`, which the picker's image and the body-based router's run as."""

SCRAPER: Mapping[str, Any] = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
}
"""NetworkPolicy peer: the Prometheus operator's own label on its servers, in any namespace."""


def pod_security(uid: int) -> dict[str, Any]:
    """SecurityContext of a pod that runs as `uid`, its volumes owned by the same group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        "fsGroup": uid,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def metadata(
    name: str,
    namespace: str | None,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Metadata of an object; `namespace` is `None` for a cluster-scoped one."""
    result: dict[str, Any] = {"name": name, "labels": dict(labels)}
    if namespace is not None:
        result["namespace"] = namespace
    if annotations:
        result["annotations"] = dict(annotations)
    return result


def peer(labels: Mapping[str, str], namespace: str | None = None) -> dict[str, Any]:
    """NetworkPolicy peer: pods by their labels, in the policy's own namespace or in the one that is named."""
    pods_of = {"podSelector": {"matchLabels": dict(labels)}}
    if namespace is None:
        return pods_of
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}, **pods_of}


def pull_secrets(names: Sequence[str]) -> dict[str, Any]:
    """`imagePullSecrets`, absent where there are none."""
    return {"imagePullSecrets": [{"name": name} for name in names]} if names else {}


def http_probe(path: str, port: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    """An HTTP probe; times in seconds."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def secret_env(name: str, secret: str, key: str) -> dict[str, Any]:
    """An environment variable from a Secret's key: the value is in no manifest."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def field_env(name: str, path: str) -> dict[str, Any]:
    """An environment variable from a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def spread(topology_key: str, selector: Mapping[str, str]) -> dict[str, Any]:
    """One of `topologySpreadConstraints`: pods apart by a label of their nodes, and together rather than not at all."""
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }


def spread_over_nodes(selector: Mapping[str, str]) -> list[dict[str, Any]]:
    """`topologySpreadConstraints`: on as many nodes as there are."""
    return [spread("kubernetes.io/hostname", selector)]


def pod_disruption_budget(
    name: str, namespace: str, labels: Mapping[str, str], selector: Mapping[str, str]
) -> dict[str, Any]:
    """One pod at a time may be evicted, and a broken one always.

    A minimum that is available would block every drain of a node as soon as there is one replica.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(name, namespace, labels),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": dict(selector)},
        },
    }


def checksum(data: Mapping[str, str]) -> str:
    """Digest of a ConfigMap's data, for a pod annotation: pods that read config only at start roll when it changes."""
    return hashlib.sha256(json.dumps(dict(data), sort_keys=True).encode()).hexdigest()
