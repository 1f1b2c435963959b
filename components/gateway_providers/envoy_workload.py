"""Envoy with a static config as a workload: Deployment, config, account, Service and budget; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD, PRE_STOP
from components.gateway_providers.base import GatewaySpec
from components.gateway_providers.envoy_config import LISTENER_PORT, READY_PORT, TLS_MOUNT
from naming import common_labels

__all__ = ["EnvoyWorkload", "envoy_workload"]

# The uid of the image's own user.
_UID = 101


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvoyWorkload:
    """One use of Envoy."""

    name: str
    """Of every object, and what its labels say."""
    config: str
    """Envoy's configuration as YAML."""
    replicas: int
    port: int
    """Of the Service."""
    service_type: str
    tls_secret: str | None
    """Mounted where the config looks for it."""
    cpu: str
    memory: str
    """Requested; CPU is not limited (docs/adr/0009)."""
    memory_limit: str

    @property
    def selector(self) -> Mapping[str, str]:
        """Labels that select the pods."""
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/instance": self.name}

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of every object."""
        return common_labels(component=self.name, instance=self.name)


def envoy_workload(spec: GatewaySpec, envoy: EnvoyWorkload) -> dict[str, dict[str, Any]]:
    """Every object, by kind: the suffix of its logical name."""
    metadata = pods.metadata(envoy.name, spec.namespace, envoy.labels)
    config = {"envoy.yaml": envoy.config}
    return {
        "": _deployment(spec, envoy, config),
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
                "type": envoy.service_type,
                "selector": dict(envoy.selector),
                "ports": [{"name": "http", "port": envoy.port, "targetPort": "http", "protocol": "TCP"}],
            },
        },
        "budget": pods.pod_disruption_budget(envoy.name, spec.namespace, envoy.labels, envoy.selector),
    }


def _deployment(spec: GatewaySpec, envoy: EnvoyWorkload, config: Mapping[str, str]) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [{"name": "config", "configMap": {"name": envoy.name}}]
    if envoy.tls_secret is not None:
        volumes.append({"name": "tls", "secret": {"secretName": envoy.tls_secret}})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pods.metadata(envoy.name, spec.namespace, envoy.labels),
        "spec": {
            "replicas": envoy.replicas,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": dict(envoy.selector)},
            "template": {
                "metadata": {
                    "labels": dict(envoy.labels),
                    # Envoy reads its static config at start only.
                    "annotations": {"checksum/config": pods.checksum(config)},
                },
                "spec": {
                    "serviceAccountName": envoy.name,
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": GRACE_PERIOD,
                    "securityContext": pods.pod_security(_UID),
                    **pods.pull_secrets(spec.pull_secrets),
                    "topologySpreadConstraints": pods.spread_over_nodes(envoy.selector),
                    "containers": [_container(spec, envoy)],
                    "volumes": volumes,
                },
            },
        },
    }


def _container(spec: GatewaySpec, envoy: EnvoyWorkload) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "config", "mountPath": "/etc/envoy", "readOnly": True}]
    if envoy.tls_secret is not None:
        mounts.append({"name": "tls", "mountPath": TLS_MOUNT, "readOnly": True})
    return {
        "name": "envoy",
        "image": spec.proxy_image,
        "command": ["envoy"],
        "args": [
            "--config-path",
            "/etc/envoy/envoy.yaml",
            "--service-node",
            envoy.name,
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
            "requests": {"cpu": envoy.cpu, "memory": envoy.memory},
            "limits": {"memory": envoy.memory_limit},
        },
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
        # Envoy ends at once on SIGTERM, streams and all, and every added model rolls it: so it is told late.
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP}}},
        "volumeMounts": mounts,
    }
