"""For every rule a stack that breaks it and nothing else: raw resources, so that no component validates it away.

Each case is the sound stack of `sound` in a namespace of its own, with one thing changed. So a rule that fires on more
than its own case, or on the sound stack, shows.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

__all__ = ["CASES", "DIGEST", "STRICT", "TOKEN", "Case", "Resource", "sound"]

DIGEST = f"@sha256:{'a' * 64}"
TOKEN = "hf_" + "a" * 34
"""Looks like a Hugging Face token, and opens nothing."""

STRICT: Mapping[str, Any] = {
    "all": "mandatory",
    "image-pinned": {"digest": True},
    "availability": {"modelReplicas": 2, "gatewayReplicas": 2, "pickerReplicas": 1},
    "gpu-cost": {"maxNodes": 4, "minNodes": 0, "usdPerHour": 100_000},
    "cluster": {"publicEndpoint": False, "deletionProtection": True},
    "exposure": {"public": False},
    "required-tags": {"tags": ["owner"], "labels": ["owner"]},
    "tested-versions": {"amiReleases": True, "addons": True},
    "quota-and-priority": {"quota": True, "priorityClass": True},
    "model-source": {"revision": True},
    "protected-state": {"protect": True},
    "observability": {"monitors": True},
}
"""Every rule at its strictest, the advisory ones mandatory."""


@dataclass(slots=True)
class Resource:
    """A raw resource."""

    type: str
    name: str
    properties: dict[str, Any]
    protect: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What breaks one rule."""

    rule: str
    broken: str
    """Name of the resource that must be rejected."""
    resources: tuple[Resource, ...]


def _object(case: str, name: str, api_version: str, kind: str, **rest: Any) -> Resource:  # noqa: ANN401 - JSON
    token = api_version if "/" in api_version else f"core/{api_version}"
    metadata = {"name": name, "namespace": case, "labels": {"owner": "team-a", **rest.pop("labels", {})}}
    properties = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
    return Resource(f"kubernetes:{token}:{kind}", f"{case}.{name}", properties)


def _probe(seconds: int = 600) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": 8000},
        "periodSeconds": 10,
        "failureThreshold": seconds // 10,
        "timeoutSeconds": 10,
    }


_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_SERVER = {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}
_PICKER = {"inferencepool": "qwen-epp"}


def _workload(case: str, name: str, labels: dict[str, str], replicas: int, pod: dict[str, Any]) -> Resource:
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "serviceAccountName": name,
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "runAsUser": 2000},
                "topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname"}],
                **pod,
            },
        },
    }
    return _object(case, name, "apps/v1", "Deployment", spec=spec)


def _server(case: str) -> Resource:
    devices = {"nvidia.com/gpu": "2"}
    container = {
        "name": "modelserver",
        "image": f"ghcr.io/llm-d/llm-d-cuda:v0.4.0{DIGEST}",
        "command": ["vllm", "serve"],
        "args": ["Qwen/Qwen3-0.6B", "--revision", "b" * 40, "--tensor-parallel-size", "2", "--block-size=16"],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {
            "requests": {"cpu": "4", "memory": "16Gi", **devices},
            "limits": {"memory": "16Gi", **devices},
        },
        "startupProbe": _probe(),
        "livenessProbe": _probe(60),
        "readinessProbe": _probe(30),
        "securityContext": deepcopy(_SECURITY),
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108 - a mount path
    }
    pod = {
        "priorityClassName": "inference",
        "nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}],
    }
    return _workload(case, "qwen-decode", _SERVER, 2, pod)


def _picker(case: str) -> Resource:
    container = {
        "name": "epp",
        "image": f"ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0{DIGEST}",
        "args": ["--pool-name=qwen", "--total-queued-requests-metric=vllm:num_requests_waiting"],
        "ports": [{"containerPort": 9002}],
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "8Gi"}},
        "livenessProbe": {"grpc": {"port": 9003}},
        "readinessProbe": {"grpc": {"port": 9003}},
        "securityContext": deepcopy(_SECURITY),
    }
    return _workload(case, "qwen-epp", _PICKER, 1, {"containers": [container]})


def _guards(case: str, name: str, labels: dict[str, str]) -> list[Resource]:
    selector = {"matchLabels": labels}
    admitted = [{"from": [{"podSelector": {"matchLabels": {"app": "gateway"}}}]}]
    network = {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": admitted}
    return [
        _object(case, f"{name}-budget", "policy/v1", "PodDisruptionBudget", spec={"selector": selector}),
        _object(case, f"{name}-network", "networking.k8s.io/v1", "NetworkPolicy", spec=network),
        _object(case, f"{name}-monitor", "monitoring.coreos.com/v1", "PodMonitor", spec={"selector": selector}),
    ]


def _gateway(case: str) -> Resource:
    listener = {
        "name": "https",
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"certificateRefs": [{"kind": "Secret", "name": "tls"}]},
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    spec = {"gatewayClassName": "istio", "listeners": [listener]}
    return _object(case, "gateway", "gateway.networking.k8s.io/v1", "Gateway", spec=spec)


def _pool(case: str) -> Resource:
    spec = {
        "selector": {"matchLabels": _SERVER},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": "qwen-epp", "failureMode": "FailClose"},
    }
    return _object(case, "qwen", "inference.networking.k8s.io/v1", "InferencePool", spec=spec)


def _kubernetes(case: str) -> list[Resource]:
    service = {"type": "ClusterIP", "selector": _PICKER, "ports": [{"port": 9002}]}
    quota = {"hard": {"requests.nvidia.com/gpu": "16"}}
    return [
        _server(case),
        _picker(case),
        _pool(case),
        _gateway(case),
        *_guards(case, "qwen-decode", _SERVER),
        *_guards(case, "qwen-epp", _PICKER),
        _object(case, "qwen-epp-service", "v1", "Service", spec=service),
        _object(case, "quota", "v1", "ResourceQuota", spec=quota),
        _object(case, "notes", "v1", "ConfigMap", data={"text": "nothing to hide"}),
        _object(case, "account", "v1", "ServiceAccount", automountServiceAccountToken=False),
    ]


def _aws(case: str) -> list[Resource]:
    tags = {"owner": "team-a"}
    template = {
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeSize": 300}}],
        "instanceMarketOptions": {"marketType": "capacity-block"},
        "capacityReservationSpecification": {"capacityReservationTarget": {"capacityReservationId": "cr-1"}},
        "tags": tags,
    }
    group = {
        "clusterName": "c",
        "nodeRoleArn": "arn:aws:iam::111122223333:role/node",
        "subnetIds": ["subnet-1"],
        "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
        "instanceTypes": ["p5.48xlarge"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "releaseVersion": "1.34.1-20260810",
        "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
        "labels": {"nvidia.com/gpu.present": "true"},
        "tags": tags,
    }
    cluster = {
        "roleArn": "arn:aws:iam::111122223333:role/cluster",
        "vpcConfig": {"subnetIds": ["subnet-1"], "endpointPrivateAccess": True, "endpointPublicAccess": False},
        "encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:::key/1"}, "resources": ["secrets"]},
        "enabledClusterLogTypes": ["api", "audit", "authenticator"],
        "accessConfig": {"authenticationMode": "API"},
        "version": "1.35",
        "deletionProtection": True,
        "tags": tags,
    }
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::weights/*"}
    return [
        Resource("aws:ec2/launchTemplate:LaunchTemplate", f"{case}.template", template),
        Resource("aws:eks/nodeGroup:NodeGroup", f"{case}.group", group),
        Resource("aws:eks/cluster:Cluster", f"{case}.cluster", cluster),
        Resource(
            "aws:eks/addon:Addon", f"{case}.addon", {"addonName": "vpc-cni", "addonVersion": "v1.20.0-eksbuild.1"}
        ),
        Resource("aws:iam/policy:Policy", f"{case}.policy", {"policy": {"Statement": [statement]}}),
        Resource("aws:ec2/vpc:Vpc", f"{case}.vpc", {"cidrBlock": "10.0.0.0/16", "tags": tags}),
        Resource("aws:kms/key:Key", f"{case}.key", {"description": "secrets", "tags": tags}, protect=True),
    ]


def sound(case: str = "sound") -> list[Resource]:
    """A stack that breaks no rule."""
    return [*_kubernetes(case), *_aws(case)]


def _at(resources: list[Resource], name: str) -> Resource:
    return next(item for item in resources if item.name.partition(".")[2] == name)


def _container(resources: list[Resource], name: str) -> dict[str, Any]:
    found: dict[str, Any] = _at(resources, name).properties["spec"]["template"]["spec"]["containers"][0]
    return found


def _pod(resources: list[Resource], name: str) -> dict[str, Any]:
    found: dict[str, Any] = _at(resources, name).properties["spec"]["template"]["spec"]
    return found


_Change = Callable[[list[Resource]], Any]


def _case(rule: str, broken: str, part: Callable[[str], list[Resource]], change: _Change) -> Case:
    resources = part(rule)
    change(resources)
    return Case(rule=rule, broken=f"{rule}.{broken}", resources=tuple(resources))


def _server_case(rule: str, change: Callable[[dict[str, Any]], Any]) -> Case:
    return _case(rule, "qwen-decode", _kubernetes, lambda all_: change(_container(all_, "qwen-decode")))


def _without(name: str) -> _Change:
    return lambda resources: resources.remove(_at(resources, name))


def _aws_case(rule: str, broken: str, change: Callable[[dict[str, Any]], Any]) -> Case:
    return _case(rule, broken, _aws, lambda all_: change(_at(all_, broken).properties))


def _adds(*extra: Callable[[str], Resource]) -> Callable[[str], list[Resource]]:
    return lambda case: [*_kubernetes(case), *(make(case) for make in extra)]


def _nothing(_: list[Resource]) -> None:
    """The case is broken by what it adds."""


def _public_service(case: str) -> Resource:
    return _object(case, "public", "v1", "Service", spec={"type": "LoadBalancer", "selector": _SERVER})


def _sharing(case: str) -> Resource:
    return _object(case, "plugin", "v1", "ConfigMap", data={"config": "version: v1\nsharing:\n  timeSlicing:\n"})


def _autoscaler(case: str) -> Resource:
    spec = {"minReplicas": 3, "maxReplicas": 1, "metrics": []}
    return _object(case, "scaler", "autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)


def _leak(case: str) -> Resource:
    return _object(case, "leak", "v1", "ConfigMap", data={"env": f"TOKEN={TOKEN}"})


def _claim(case: str) -> Resource:
    found = _object(case, "weights", "v1", "PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"]})
    found.protect = True
    return found


def _mount_claim(resources: list[Resource]) -> None:
    volumes = _pod(resources, "qwen-decode")["volumes"]
    volumes.append({"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}})


CASES: tuple[Case, ...] = (
    _server_case("image-pinned", lambda c: c.update(image="ghcr.io/llm-d/llm-d-cuda:latest")),
    _server_case("image-registry", lambda c: c.update(image=f"docker.io/somebody/vllm{DIGEST}")),
    _server_case("gpu-amount", lambda c: c["resources"]["requests"].update({"nvidia.com/gpu": "1"})),
    _server_case("parallelism", lambda c: c["args"].__setitem__(4, "1")),
    _case("gpu-placement", "qwen-decode", _kubernetes, lambda all_: _pod(all_, "qwen-decode").pop("tolerations")),
    _server_case("probes", lambda c: c.pop("startupProbe")),
    _server_case("resources", lambda c: c["resources"]["requests"].pop("cpu")),
    _case(
        "gateway-tls",
        "gateway",
        _kubernetes,
        lambda all_: _at(all_, "gateway").properties["spec"]["listeners"][0].update(protocol="HTTP", port=80),
    ),
    _case(
        "gateway-routes",
        "gateway",
        _kubernetes,
        lambda all_: (
            _at(all_, "gateway").properties["spec"]["listeners"][0]["allowedRoutes"].update(namespaces={"from": "All"})
        ),
    ),
    _case("exposure", "public", _adds(_public_service), _nothing),
    _case("literal-secret", "leak", _adds(_leak), _nothing),
    _case("network-policy", "qwen-decode", _kubernetes, _without("qwen-decode-network")),
    _server_case("hardening", lambda c: c["securityContext"].update(privileged=True)),
    _case("gpu-advertiser", "plugin", _adds(_sharing), _nothing),
    _aws_case("gpu-cost", "group", lambda p: p["scalingConfig"].update(maxSize=99)),
    _aws_case("launch-template", "template", lambda p: p["metadataOptions"].update(httpTokens="optional")),
    _aws_case("gpu-node-group", "group", lambda p: p.pop("taints")),
    _aws_case("reserved-capacity", "template", lambda p: p.pop("capacityReservationSpecification")),
    _aws_case("cluster", "cluster", lambda p: p["vpcConfig"].update(endpointPublicAccess=True)),
    _aws_case("identity", "policy", lambda p: p["policy"]["Statement"][0].update({"Action": "*", "Resource": "*"})),
    _case(
        "availability",
        "qwen-decode",
        _kubernetes,
        lambda all_: _at(all_, "qwen-decode").properties["spec"].update(replicas=1),
    ),
    _case("volume-access", "qwen-decode", _adds(_claim), _mount_claim),
    _case("autoscaling", "scaler", _adds(_autoscaler), _nothing),
    _case(
        "picker-agreement",
        "qwen-epp",
        _kubernetes,
        lambda all_: _container(all_, "qwen-epp")["args"].__setitem__(
            1, "--total-queued-requests-metric=sglang:num_queue_reqs"
        ),
    ),
    _aws_case("required-tags", "vpc", lambda p: p.pop("tags")),
    _aws_case("tested-versions", "addon", lambda p: p.pop("addonVersion")),
    _case(
        "quota-and-priority",
        "qwen-decode",
        _kubernetes,
        lambda all_: _pod(all_, "qwen-decode").pop("priorityClassName"),
    ),
    _server_case("model-source", lambda c: c["args"].__delitem__(slice(1, 3))),
    _case("protected-state", "key", _aws, lambda all_: setattr(_at(all_, "key"), "protect", False)),
    _case("observability", "qwen-decode", _kubernetes, _without("qwen-decode-monitor")),
)
"""One case for each rule, in the order of their numbers."""
