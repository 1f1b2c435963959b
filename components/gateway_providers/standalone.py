"""Provider `standalone`: Envoy in front of the pickers, without a gateway controller; pure."""

from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD, PRE_STOP
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.envoy_config import (
    LISTENER_PORT,
    MEMORY_BYTES,
    READY_PORT,
    TLS_MOUNT,
    envoy_config,
)
from naming import GATEWAY, common_labels

__all__ = ["STANDALONE"]

# The uid of the image's own user.
_UID = 101

_SELECTOR = {"app.kubernetes.io/name": GATEWAY, "app.kubernetes.io/instance": GATEWAY}


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    labels = common_labels(component=GATEWAY, instance=GATEWAY)
    metadata = pods.metadata(GATEWAY, spec.namespace, labels)
    config = {"envoy.yaml": envoy_config(spec)}
    return {
        "": _deployment(spec, config),
        "config": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config},
        "account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
        },
        "service": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "type": "LoadBalancer" if spec.load_balancer else "ClusterIP",
                "selector": dict(_SELECTOR),
                "ports": [{"name": "http", "port": spec.port, "targetPort": "http", "protocol": "TCP"}],
            },
        },
        "budget": pods.pod_disruption_budget(GATEWAY, spec.namespace, labels, _SELECTOR),
    }


def _deployment(spec: GatewaySpec, config: dict[str, str]) -> dict[str, Any]:
    labels = common_labels(component=GATEWAY, instance=GATEWAY)
    volumes: list[dict[str, Any]] = [{"name": "config", "configMap": {"name": GATEWAY}}]
    if spec.tls_secret is not None:
        volumes.append({"name": "tls", "secret": {"secretName": spec.tls_secret}})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pods.metadata(GATEWAY, spec.namespace, labels),
        "spec": {
            "replicas": spec.replicas,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": dict(_SELECTOR)},
            "template": {
                "metadata": {
                    "labels": dict(labels),
                    # Envoy reads its static config at start only.
                    "annotations": {"checksum/config": pods.checksum(config)},
                },
                "spec": {
                    "serviceAccountName": GATEWAY,
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": GRACE_PERIOD,
                    "securityContext": pods.pod_security(_UID),
                    **pods.pull_secrets(spec.pull_secrets),
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": dict(_SELECTOR)},
                        }
                    ],
                    "containers": [_container(spec)],
                    "volumes": volumes,
                },
            },
        },
    }


def _container(spec: GatewaySpec) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "config", "mountPath": "/etc/envoy", "readOnly": True}]
    if spec.tls_secret is not None:
        mounts.append({"name": "tls", "mountPath": TLS_MOUNT, "readOnly": True})
    return {
        "name": "envoy",
        "image": spec.proxy_image,
        "command": ["envoy"],
        "args": [
            "--config-path",
            "/etc/envoy/envoy.yaml",
            "--service-node",
            GATEWAY,
            "--log-level",
            "warn",
            "--cpuset-threads",
        ],
        "ports": [
            {"name": "http", "containerPort": LISTENER_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": READY_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": pods.http_probe("/ready", "metrics", period=5, timeout=1, failures=1),
        "livenessProbe": pods.http_probe("/ready", "metrics", period=10, timeout=5, failures=6),
        "resources": {
            "requests": {"cpu": "500m", "memory": "512Mi"},
            "limits": {"memory": f"{MEMORY_BYTES // 1024**3}Gi"},
        },
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
        # Envoy ends at once on SIGTERM, streams and all, and every added model rolls it: so it is told late.
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP}}},
        "volumeMounts": mounts,
    }


def _route(_spec: GatewaySpec, _route: ModelRoute) -> dict[str, dict[str, Any]]:
    """Nothing: the routes are in Envoy's own config."""
    return {}


STANDALONE = GatewayProvider(
    name="standalone",
    gateway=_gateway,
    route=_route,
    proxy_labels=_SELECTOR,
    service=GATEWAY,
)
