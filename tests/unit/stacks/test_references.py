"""Every reference of every rendered pod resolves, and the resolver finds what does not.

What these tests cannot prove: that what the config calls external is on the cluster.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from stacks import plan_stack
from tests.support.configs import SECRET, settings
from tests.support.manifests import platform_objects, serving_objects
from tests.support.references import external_references, unresolved_references

PVC = {"source": "pvc://weights/qwen", "weights": "1Gi"}
STACKS: list[dict[str, Any]] = [
    {},
    {"engine": "sglang", "models.other": {"source": "hf://Qwen/Qwen3-8B", "engine": "vllm"}},
    {"monitoring": "prometheus-operator"},
    {"models.qwen": PVC, "images": {"pullSecrets": ["pull"]}},
    {"huggingFace": {"tokenSecret": "hf"}},
    {"huggingFace": {"token": SECRET}},
    {"gateway.listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "tls"}},
    {"gateway": {"provider": "istio", "listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "tls"}}},
    {"devicePlugin": {"sharing": "mps", "replicas": 2, "runtimeClass": "nvidia"}, "models": {}},
    {
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "migProfile": "1g.10gb"}},
        "devicePlugin": {"migStrategy": "mixed"},
    },
]
FULL = {
    "monitoring": "prometheus-operator",
    "models.qwen": {**PVC, "objectives": {"batch": {"priority": -1}}},
    "gateway": {"provider": "istio"},
}


def _objects(changes: dict[str, Any]) -> tuple[list[dict[str, Any]], frozenset[tuple[str, str]]]:
    sound = settings(changes)
    plan = plan_stack(sound)
    return [*platform_objects(plan), *serving_objects(plan)], external_references(sound)


@pytest.mark.parametrize("changes", STACKS)
def test_every_reference_of_a_stack_resolves(changes: dict[str, Any]) -> None:
    """Secrets, ConfigMaps, claims, accounts, port names, mounts and selectors lead to something that is there."""
    assert unresolved_references(*_objects(changes)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"models.qwen": PVC, "images": {"pullSecrets": ["pull"]}},
            {("Secret", "pull"), ("PersistentVolumeClaim", "weights")},
        ),
        (
            {
                "huggingFace": {"tokenSecret": "hf"},
                "gateway.listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "tls"},
            },
            {("Secret", "hf"), ("Secret", "tls")},
        ),
        ({"huggingFace": {"token": SECRET}}, set()),
    ],
)
def test_what_the_config_says_is_there(changes: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    """Exactly what the config names as existing is external."""
    assert external_references(settings(changes)) == expected


def test_nothing_external_is_taken_for_granted() -> None:
    """Without the config's word a claim and a Secret are missing, and each place that needs them is named."""
    objects, _ = _objects({"models.qwen": PVC, "huggingFace": {"tokenSecret": "hf"}, "images": {"pullSecrets": ["p"]}})

    assert unresolved_references(objects) == [
        "DaemonSet nvidia-device-plugin: Secret p does not exist",
        "Deployment inference-gateway: Secret p does not exist",
        "Deployment qwen-decode: PersistentVolumeClaim weights does not exist",
        "Deployment qwen-decode: Secret p does not exist",
        "Deployment qwen-epp: Secret p does not exist",
    ]


def _find(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def _pod(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    pod: dict[str, Any] = _find(objects, "Deployment", name)["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda objects: objects.remove(_find(objects, "ConfigMap", "qwen-epp")),
            ["Deployment qwen-epp: ConfigMap qwen-epp does not exist"],
        ),
        (
            lambda objects: objects.remove(_find(objects, "Namespace", "nvidia-device-plugin")),
            [
                "ConfigMap nvidia-device-plugin-configs: Namespace nvidia-device-plugin does not exist",
                "DaemonSet nvidia-device-plugin: Namespace nvidia-device-plugin does not exist",
                "ServiceAccount nvidia-device-plugin-service-account: Namespace nvidia-device-plugin does not exist",
            ],
        ),
        (
            lambda objects: objects.remove(_find(objects, "ServiceAccount", "qwen-epp")),
            [
                "ClusterRoleBinding llm-d-qwen-epp: ServiceAccount qwen-epp does not exist",
                "Deployment qwen-epp: ServiceAccount qwen-epp does not exist",
                "RoleBinding qwen-epp: ServiceAccount qwen-epp does not exist",
                "Secret qwen-epp-metrics-reader: ServiceAccount qwen-epp does not exist",
            ],
        ),
        (
            lambda objects: objects.remove(_find(objects, "Service", "qwen-epp")),
            [
                "DestinationRule qwen-epp: Service qwen-epp does not exist",
                "InferencePool qwen: Service qwen-epp does not exist",
                "ServiceMonitor qwen-epp: its selector matches no Service",
            ],
        ),
        (
            lambda objects: objects.remove(_find(objects, "InferencePool", "qwen")),
            [
                "HTTPRoute qwen: InferencePool qwen does not exist",
                "InferenceObjective batch: InferencePool qwen does not exist",
            ],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode")["containers"][0]["ports"][0].update(name="api"),
            [
                "Deployment qwen-decode: container modelserver: asks port http, which it does not have",
                "NetworkPolicy qwen-decode: the pods that it selects have no port http",
                "PodMonitor qwen-decode: the pods that it selects have no port http",
            ],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode")["containers"][0]["ports"][0].update(containerPort=1),
            ["InferencePool qwen: the pods that it selects have no port 8000"],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode")["volumes"].pop(1),
            ["Deployment qwen-decode: container modelserver: mounts home, which is no volume"],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode")["containers"][0]["volumeMounts"].pop(1),
            ["Deployment qwen-decode: volume home is mounted nowhere"],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode")["containers"][0]["env"].append({"name": "HOME", "value": "/"}),
            ["Deployment qwen-decode: container modelserver: variable HOME is there twice"],
        ),
        (
            lambda objects: _pod(objects, "qwen-decode").update(runtimeClassName="nvidia"),
            ["Deployment qwen-decode: RuntimeClass nvidia does not exist"],
        ),
        (
            lambda objects: _find(objects, "Deployment", "qwen-decode")["spec"]["template"]["metadata"].update(
                labels={}
            ),
            [
                "Deployment qwen-decode: its selector does not match its own pods",
                "InferencePool qwen: its selector matches no pod",
                "NetworkPolicy qwen-decode: its selector matches no pod",
                "PodDisruptionBudget qwen-decode: its selector matches no pod",
                "PodMonitor qwen-decode: its selector matches no pod",
            ],
        ),
        (
            lambda objects: _find(objects, "HTTPRoute", "qwen")["spec"]["rules"][0]["backendRefs"][0].update(group="x"),
            ["HTTPRoute qwen: InferencePool qwen is not of group x"],
        ),
    ],
)
def test_the_resolver_finds_what_leads_nowhere(
    damage: Callable[[list[dict[str, Any]]], object], expected: list[str]
) -> None:
    """Each kind of broken reference is found, at every object that has it."""
    objects, external = _objects(FULL)
    damaged = deepcopy(objects)
    damage(damaged)

    assert unresolved_references(damaged, external) == expected


def test_a_key_that_a_secret_has_not_is_found() -> None:
    """A Secret of the stack must have the key that a pod reads from it."""
    objects, external = _objects({"huggingFace": {"token": SECRET}})
    _find(objects, "Secret", "hugging-face-token")["stringData"] = {"TOKEN": ""}

    assert unresolved_references(objects, external) == [
        "Deployment qwen-decode: container modelserver: Secret hugging-face-token has no key HF_TOKEN"
    ]
