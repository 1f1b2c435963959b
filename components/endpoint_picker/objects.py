"""The objects of an EndpointPicker; pure.

Reference for content: the inferencepool chart of the Gateway API inference extension. What differs from it: the
metric map is always given, the pods have resources and pass Pod Security `restricted`, there are a
PodDisruptionBudget and a NetworkPolicy, and failureMode is written out.
"""

from collections.abc import Mapping
from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD
from components.endpoint_picker.args import EndpointPickerArgs
from components.endpoint_picker.config import CONFIG_FILE, metric_args, plugins_config
from naming import MODEL_LABEL, ModelNames, common_labels

__all__ = ["COMPONENT", "EXT_PROC_PORT", "HEALTH_PORT", "METRICS_PORT", "build", "picker_selector"]

COMPONENT = "endpoint-picker"
EXT_PROC_PORT = 9002
HEALTH_PORT = 9003
METRICS_PORT = 9090


def picker_selector(model: str) -> Mapping[str, str]:
    """Labels of a model's picker pods. Never the model label, which selects the servers."""
    return {"inferencepool": ModelNames(model=model).picker}


def build(args: EndpointPickerArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    objects = {
        "": _deployment(args),
        "config": _object(args, "v1", "ConfigMap", data=_config(args)),
        "account": _object(args, "v1", "ServiceAccount"),
        "role": _role(args),
        "binding": _binding(args, args_name(args)),
        "service": _service(args),
        "pool": _pool(args),
        "budget": pods.pod_disruption_budget(
            args_name(args), args.namespace, _labels(args), picker_selector(args.model)
        ),
        "network": _network_policy(args),
    }
    objects |= {f"objective-{name}": _objective(args, name) for name in sorted(args.objectives)}
    if args.replicas > 1:
        objects |= _leader_election(args)
    if args.service_monitor:
        objects |= _monitoring(args)
    return objects


def args_name(args: EndpointPickerArgs) -> str:
    """Name of all objects but the pool."""
    return ModelNames(model=args.model).picker


def _labels(args: EndpointPickerArgs) -> Mapping[str, str]:
    return common_labels(component=COMPONENT, instance=args.model)


def _object(args: EndpointPickerArgs, api_version: str, kind: str, **rest: object) -> dict[str, Any]:
    metadata = pods.metadata(args_name(args), args.namespace, _labels(args))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _config(args: EndpointPickerArgs) -> dict[str, str]:
    return {CONFIG_FILE: plugins_config(args)}


def _deployment(args: EndpointPickerArgs) -> dict[str, Any]:
    selector = dict(picker_selector(args.model))
    return _object(
        args,
        "apps/v1",
        "Deployment",
        spec={
            "replicas": args.replicas,
            "revisionHistoryLimit": 3,
            # Two generations at once would each keep half of the prefix index; with leader election a rolling update
            # would wait for a standby that is not ready by design.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": {**_labels(args), **selector},
                    "annotations": {"checksum/config": pods.checksum(_config(args))},
                },
                "spec": {
                    "serviceAccountName": args_name(args),
                    "terminationGracePeriodSeconds": GRACE_PERIOD,
                    "securityContext": pods.pod_security(pods.NONROOT),
                    **pods.pull_secrets(args.pull_secrets),
                    "containers": [_container(args)],
                    "volumes": [{"name": "config", "configMap": {"name": args_name(args)}}],
                },
            },
        },
    )


def _container(args: EndpointPickerArgs) -> dict[str, Any]:
    memory = args.memory_bytes // 2**20
    leading = args.replicas > 1
    probe = {"grpc": {"port": HEALTH_PORT}}
    liveness, readiness = ("liveness", "readiness") if leading else ("inference-extension", "inference-extension")
    return {
        "name": "epp",
        "image": args.image,
        "args": _args(args),
        "env": [pods.field_env("NAMESPACE", "metadata.namespace"), pods.field_env("POD_NAME", "metadata.name")],
        "ports": [
            {"name": "grpc", "containerPort": EXT_PROC_PORT},
            {"name": "grpc-health", "containerPort": HEALTH_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
        ],
        "livenessProbe": {
            "grpc": {**probe["grpc"], "service": liveness},
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
        },
        "readinessProbe": {"grpc": {**probe["grpc"], "service": readiness}, "periodSeconds": 2},
        "resources": {
            "requests": {"cpu": args.cpu, "memory": f"{memory}Mi"},
            # The prefix index grows with traffic; without a limit it takes the node with it (production-stack#687).
            "limits": {"memory": f"{memory * 4}Mi"},
        },
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "config", "mountPath": "/config", "readOnly": True}],
    }


def _args(args: EndpointPickerArgs) -> list[str]:
    result = [
        f"--pool-name={ModelNames(model=args.model).pool}",
        f"--pool-namespace={args.namespace}",
        f"--pool-group={args.pool_api_version.partition('/')[0]}",
        f"--config-file=/config/{CONFIG_FILE}",
        "--zap-encoder=json",
        "--v=1",
        "--tracing=false",
        f"--metrics-endpoint-auth={'true' if args.service_monitor else 'false'}",
        *metric_args(args.dialect, args.metrics),
    ]
    return [*result, "--ha-enable-leader-election"] if args.replicas > 1 else result


def _pool(args: EndpointPickerArgs) -> dict[str, Any]:
    names = ModelNames(model=args.model)
    return {
        "apiVersion": args.pool_api_version,
        "kind": "InferencePool",
        "metadata": pods.metadata(names.pool, args.namespace, _labels(args)),
        "spec": {
            # No key that release lines rename: while servers roll from one line to the next both kinds are in the pool.
            "selector": {"matchLabels": {MODEL_LABEL: args.model}},
            "targetPorts": [{"number": args.target_port}],
            "endpointPickerRef": {
                "name": names.picker,
                "port": {"number": EXT_PROC_PORT},
                "failureMode": args.failure_mode,
            },
        },
    }


def _objective(args: EndpointPickerArgs, name: str) -> dict[str, Any]:
    """A priority that requests may ask for by name. A picker looks at those alone that name its pool and its group."""
    pool = {"group": args.pool_api_version.partition("/")[0], "kind": "InferencePool"}
    return {
        "apiVersion": f"{args.dialect.objectives_api_group}/v1alpha2",
        "kind": "InferenceObjective",
        "metadata": pods.metadata(name, args.namespace, _labels(args)),
        "spec": {
            "priority": args.objectives[name],
            "poolRef": {**pool, "name": ModelNames(model=args.model).pool},
        },
    }


def _service(args: EndpointPickerArgs) -> dict[str, Any]:
    return _object(
        args,
        "v1",
        "Service",
        spec={
            "type": "ClusterIP",
            "selector": dict(picker_selector(args.model)),
            "ports": [
                {"name": "grpc-ext-proc", "port": EXT_PROC_PORT, "targetPort": "grpc", "protocol": "TCP"},
                {"name": "http-metrics", "port": METRICS_PORT, "targetPort": "metrics", "protocol": "TCP"},
            ],
        },
    )


def _role(args: EndpointPickerArgs) -> dict[str, Any]:
    read = ["get", "list", "watch"]
    watched = args.dialect
    rules = [
        {
            "apiGroups": list(watched.watched_api_groups),
            "resources": list(watched.watched_resources),
            "verbs": read,
        },
        {"apiGroups": [args.pool_api_version.partition("/")[0]], "resources": ["inferencepools"], "verbs": read},
        {"apiGroups": [""], "resources": ["pods"], "verbs": read},
    ]
    return _object(args, "rbac.authorization.k8s.io/v1", "Role", rules=rules)


def _binding(args: EndpointPickerArgs, role: str) -> dict[str, Any]:
    return _object(
        args,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        subjects=[_subject(args)],
    )


def _subject(args: EndpointPickerArgs) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": args_name(args), "namespace": args.namespace}


def _leader_election(args: EndpointPickerArgs) -> dict[str, dict[str, Any]]:
    name = f"{args_name(args)}-leader-election"
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    rules = [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    role = _object(args, "rbac.authorization.k8s.io/v1", "Role", rules=rules)
    binding = _binding(args, name)
    for item in (role, binding):
        item["metadata"]["name"] = name
    return {"election-role": role, "election-binding": binding}


def _monitoring(args: EndpointPickerArgs) -> dict[str, dict[str, Any]]:
    """Scraping with a token: the picker asks the API server whether the scraper may read /metrics."""
    cluster_name = f"{args.namespace}-{args_name(args)}"
    token = f"{args_name(args)}-metrics-reader"
    cluster = pods.metadata(cluster_name, None, _labels(args))
    rules = [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    secret = _object(args, "v1", "Secret", type="kubernetes.io/service-account-token")
    secret["metadata"] |= {"name": token, "annotations": {"kubernetes.io/service-account.name": args_name(args)}}
    return {
        "cluster-role": {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": cluster, "rules": rules},
        "cluster-binding": {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": cluster,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": cluster_name},
            "subjects": [_subject(args)],
        },
        "token": secret,
        "monitor": _object(
            args,
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            spec={
                "selector": {"matchLabels": dict(_labels(args))},
                "endpoints": [
                    {
                        "port": "http-metrics",
                        "path": "/metrics",
                        "interval": "10s",
                        "authorization": {"credentials": {"name": token, "key": "token"}},
                    }
                ],
            },
        ),
    }


def _network_policy(args: EndpointPickerArgs) -> dict[str, Any]:
    """The gateway asks for endpoints, a scraper for metrics; nobody else. The kubelet's probes pass by node."""
    peers = [dict(client) for client in args.clients]
    ingress: list[dict[str, Any]] = [{"from": peers, "ports": [{"port": "grpc", "protocol": "TCP"}]}]
    if args.service_monitor:
        ingress.append({"from": [dict(pods.SCRAPER)], "ports": [{"port": "metrics", "protocol": "TCP"}]})
    return _object(
        args,
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": dict(picker_selector(args.model))},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    )
