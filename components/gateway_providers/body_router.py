"""Upstream's body-based router: copies the `model` of a request's body into a header, by which routes match; pure.

Reference for content: the body-based-routing chart of the Gateway API inference extension. What differs: the pods have
resources and probes and pass Pod Security `restricted`, there are two of them and a PodDisruptionBudget, since every
request waits for one; a NetworkPolicy lets nobody but the gateway ask them.

How a proxy is told to ask them is the provider's.
"""

from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD
from components.gateway_providers.base import GatewaySpec
from naming import BODY_ROUTER, common_labels

__all__ = ["BODY_ROUTER_PORT", "HEALTH_PORT", "body_router"]

BODY_ROUTER_PORT = 9004
HEALTH_PORT = 9005

_LABELS = common_labels(component=BODY_ROUTER, instance=BODY_ROUTER)
_SELECTOR = {"app.kubernetes.io/name": BODY_ROUTER, "app.kubernetes.io/instance": BODY_ROUTER}


def body_router(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    metadata = pods.metadata(BODY_ROUTER, spec.namespace, _LABELS)
    objects = {
        "router": _deployment(spec),
        # Its manager reads the cluster's address and a token, whatever it then asks for.
        "router-account": {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        "router-service": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": dict(_SELECTOR),
                "ports": [
                    {
                        "name": "grpc",
                        "port": BODY_ROUTER_PORT,
                        "targetPort": "grpc",
                        "protocol": "TCP",
                        "appProtocol": "HTTP2",
                    }
                ],
            },
        },
        "router-budget": pods.pod_disruption_budget(BODY_ROUTER, spec.namespace, _LABELS, _SELECTOR),
        "router-policy": {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": {
                "podSelector": {"matchLabels": dict(_SELECTOR)},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {
                        "from": [dict(peer) for peer in spec.proxies],
                        "ports": [{"port": port, "protocol": "TCP"} for port in ("grpc", "health")],
                    }
                ],
            },
        },
    }
    return objects | (_rights(spec) if spec.body_router.reads_config_maps else {})


def _rights(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    """What the lines need whose router looks LoRA adapters up in ConfigMaps; without it, it never starts to serve."""
    group = "rbac.authorization.k8s.io"
    metadata = pods.metadata(BODY_ROUTER, spec.namespace, _LABELS)
    return {
        "router-role": {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}],
        },
        "router-binding": {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": BODY_ROUTER},
            "subjects": [{"kind": "ServiceAccount", "name": BODY_ROUTER, "namespace": spec.namespace}],
        },
    }


def _deployment(spec: GatewaySpec) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pods.metadata(BODY_ROUTER, spec.namespace, _LABELS),
        "spec": {
            "replicas": 2,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": dict(_SELECTOR)},
            "template": {
                "metadata": {"labels": dict(_LABELS)},
                "spec": {
                    "serviceAccountName": BODY_ROUTER,
                    "terminationGracePeriodSeconds": GRACE_PERIOD,
                    "securityContext": pods.pod_security(pods.NONROOT),
                    **pods.pull_secrets(spec.pull_secrets),
                    "topologySpreadConstraints": pods.spread_over_nodes(_SELECTOR),
                    "containers": [_container(spec)],
                },
            },
        },
    }


def _container(spec: GatewaySpec) -> dict[str, Any]:
    return {
        "name": "router",
        "image": spec.body_router.image,
        "args": [*spec.body_router.args],
        "env": [pods.field_env("NAMESPACE", "metadata.namespace")],
        "ports": [
            {"name": "grpc", "containerPort": BODY_ROUTER_PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": {"grpc": {"port": HEALTH_PORT}, "periodSeconds": 5},
        "livenessProbe": {"grpc": {"port": HEALTH_PORT}, "periodSeconds": 10, "failureThreshold": 6},
        # It holds a body while it reads it; a body is some hundred kilobytes, unless there are images in it.
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
    }
