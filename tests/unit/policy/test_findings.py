"""What rules about Kubernetes find, one change at a time: the branches that a single case cannot reach.

Each row changes one resource and states the whole of what is found: no row is satisfied by another rule's finding.
"""

from typing import Any

import pytest

from policy.checks import RULES
from tests.support.policy_cases import DIGEST, Resource, sound
from tests.support.policy_changes import Change, changed, found, server, set_to


def _gpus(number: str) -> Change:
    def change(container: dict[str, Any]) -> None:
        for amounts in container["resources"].values():
            amounts["nvidia.com/gpu"] = number

    return change


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (
            server(set_to("image", to="ghcr.io/llm-d/llm-d-cuda")),
            ("image-pinned", "modelserver: image ghcr.io/llm-d/llm-d-cuda has no tag, which means latest"),
        ),
        (
            server(set_to("image", to="ghcr.io/llm-d/llm-d-cuda:v0.4.0")),
            (
                "image-pinned",
                "modelserver: image ghcr.io/llm-d/llm-d-cuda:v0.4.0 has no digest, and its tag can be pushed again",
            ),
        ),
        (
            server(_gpus("1.5")),
            ("gpu-amount", "modelserver: limit of nvidia.com/gpu is 1.5, no whole number of devices"),
        ),
        (
            changed("qwen-decode", set_to("tolerations", to=[{"key": "nvidia.com/gpu", "value": "true"}]), "pod"),
            (
                "gpu-placement",
                "does not tolerate taint nvidia.com/gpu whatever its value: values differ between clouds",
            ),
        ),
        (
            changed("qwen-decode", lambda pod: pod.pop("nodeSelector"), "pod"),
            ("gpu-placement", "asks for GPUs and selects no pool: it runs on whatever GPU comes first"),
        ),
        (
            changed("qwen-epp", set_to("tolerations", to=[{"key": "nvidia.com/gpu", "operator": "Exists"}]), "pod"),
            (
                "gpu-placement",
                (
                    "tolerates nvidia.com/gpu without asking for a GPU: "
                    "it would sit on nodes that cost tens of dollars an hour"
                ),
            ),
        ),
        (
            server(set_to("startupProbe", "failureThreshold", to=3)),
            ("probes", "modelserver: startup may take 30 s, which is less than 300"),
        ),
        (
            server(set_to("livenessProbe", "timeoutSeconds", to=1)),
            (
                "probes",
                (
                    "modelserver: liveness gives up after 1 s, before 5: a server under full load answers late, "
                    "and a restart loads the weights again"
                ),
            ),
        ),
        (
            server(set_to("resources", "limits", "memory", to="8Gi")),
            ("resources", "modelserver: memory limit 8Gi is below its request 16Gi"),
        ),
        (
            changed("qwen-decode", set_to("volumes", 0, "emptyDir", to={}), "pod"),
            (
                "resources",
                "modelserver: /dev/shm is no sized memory volume; NCCL needs more than the default of 64 MiB",
            ),
        ),
        (
            changed("gateway", set_to("spec", "listeners", 0, "tls", to={})),
            ("gateway-tls", "listener https names no certificate"),
        ),
        (
            changed("qwen-epp-service", set_to("spec", "type", to="NodePort")),
            (
                "exposure",
                "NodePort exposes sound/qwen-epp: requests would go around the gateway, its limits and its log",
            ),
        ),
        (
            server(set_to("env", to=[{"name": "HF_TOKEN", "value": "short"}])),
            ("literal-secret", "modelserver: HF_TOKEN is written out; it belongs into a Secret"),
        ),
        (
            changed("qwen-decode-network", set_to("spec", "ingress", to=[{}])),
            ("network-policy", "the NetworkPolicy that selects its pods admits everybody"),
        ),
        (
            changed("qwen-decode-network", set_to("spec", "policyTypes", to=["Egress"])),
            (
                "network-policy",
                "no NetworkPolicy guards its pods: anybody in the cluster reaches engine, cache events and metrics",
            ),
        ),
        (
            changed("qwen-decode", set_to("hostNetwork", to=True), "pod"),
            ("hardening", "shares the node: hostNetwork"),
        ),
        (
            changed("qwen-epp", set_to("volumes", to=[{"name": "root", "hostPath": {"path": "/"}}]), "pod"),
            ("hardening", "volume root is the node's own /"),
        ),
        (
            changed("qwen-decode", set_to("securityContext", to={}), "pod"),
            ("hardening", "modelserver: may run as root"),
        ),
        (
            server(set_to("securityContext", "capabilities", to={"drop": ["ALL"], "add": ["IPC_LOCK"]})),
            (
                "hardening",
                "modelserver: adds capability IPC_LOCK; only IPC_LOCK may be, and only with EFA or RDMA",
            ),
        ),
        (
            server(set_to("securityContext", "capabilities", to={})),
            ("hardening", "modelserver: keeps Linux capabilities"),
        ),
        (
            changed(
                "qwen-epp",
                lambda pod: pod.update(automountServiceAccountToken=True, serviceAccountName="default"),
                "pod",
            ),
            ("identity", "runs with account default and its token: give it an account of its own, or no token"),
        ),
        (
            changed("account", lambda p: (p["metadata"].update(name="default"), p.pop("automountServiceAccountToken"))),
            ("identity", "hands the token of account default to every pod that names no account"),
        ),
        (
            changed("qwen-decode", lambda pod: pod.pop("topologySpreadConstraints"), "pod"),
            ("availability", "has several replicas and nothing that spreads them: one node takes all of them down"),
        ),
        (
            changed("qwen-epp-budget", set_to("spec", "selector", to={"matchLabels": {"x": "y"}})),
            ("availability", "has no PodDisruptionBudget: a node upgrade may evict all its pods at once"),
        ),
        (
            changed("qwen", set_to("spec", "targetPorts", to=[{"number": 9000}])),
            ("picker-agreement", "its pool sends to port 9000, but sound/qwen-decode listens on 8000"),
        ),
        (
            changed("quota", set_to("spec", "hard", to={"pods": "9"})),
            ("quota-and-priority", "namespace sound has no ResourceQuota on requests.nvidia.com/gpu"),
        ),
        (
            server(lambda container: container["args"].append("--trust-remote-code")),
            ("model-source", "modelserver: runs code of Qwen/Qwen3-0.6B, which is not in trustedModels"),
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_one_change_is_one_finding(resources: list[Resource], expected: tuple[str, str]) -> None:
    """The change is found by one rule, with these words, and nothing else is."""
    assert found(resources) == [expected]


@pytest.mark.parametrize(
    ("resources", "settings"),
    [
        (server(set_to("image", to=f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/llm-d/engine:1{DIGEST}")), {}),
        (server(set_to("image", to=f"vllm/vllm-openai:v0.12.0{DIGEST}")), {}),
        (
            server(lambda container: container["args"].append("--trust-remote-code")),
            {"model_source": {"revision": True, "trustedModels": ["Qwen/Qwen3-0.6B"]}},
        ),
        (
            changed(
                "qwen-decode",
                lambda pod: pod.update(tolerations=[{"operator": "Exists"}]),
                "pod",
            ),
            {},
        ),
        (
            changed(
                "gateway",
                lambda p: (
                    p["metadata"].update(annotations={"networking.istio.io/service-type": "ClusterIP"}),
                    p["spec"]["listeners"][0].update(protocol="HTTP"),
                ),
            ),
            {},
        ),
        (
            server(
                lambda container: (
                    container["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["IPC_LOCK"]}),
                    [amounts.update({"vpc.amazonaws.com/efa": "4"}) for amounts in container["resources"].values()],
                )
            ),
            {},
        ),
    ],
)
def test_what_is_allowed_is_notfound(resources: list[Resource], settings: dict[str, dict[str, Any]]) -> None:
    """Changes that look like a violation and are none."""
    assert found(resources, **settings) == []


def _plan(**pool: Any) -> Resource:  # noqa: ANN401 - JSON
    stated = {
        "instanceType": "g6.xlarge",
        "minSize": 0,
        "maxSize": 2,
        "gpuResource": "nvidia.com/gpu",
        "gpusPerNode": 1,
        "nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"},
        "taintKey": "nvidia.com/gpu",
        "advertiser": "device-plugin",
        "gpusOfModels": {"qwen": 2},
        **pool,
    }
    return Resource("llmd:index:PlatformLayer", "platform", {"release": "v0.4", "gpuPools": {"p": stated}})


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({"gpusPerNode": 8}, []),
        (
            {},
            [("gpu-amount", "modelserver: asks for 2 nvidia.com/gpu, but no node of a declared pool has more than 1")],
        ),
        (
            {"gpusPerNode": 8, "nodeSelector": {"pool": "other"}},
            [
                (
                    "gpu-placement",
                    "selects node.kubernetes.io/instance-type=p5.48xlarge, which is none of the declared pools p",
                )
            ],
        ),
        ({"gpusPerNode": 8, "advertiser": None}, [("gpu-advertiser", "pool p has nobody who advertises its GPUs")]),
        (
            {"gpusPerNode": 8, "gpusOfModels": {"qwen": 16, "other": 1}},
            [("autoscaling", "pool p: its models need 17 GPUs, it has 16 at its maximum")],
        ),
        (
            {"gpusPerNode": 8, "usdPerHour": 60_000},
            [
                (
                    "gpu-cost",
                    (
                        "all pools at their maximum cost about 120000.00 USD an hour (on-demand estimate), "
                        "the environment allows 100000"
                    ),
                )
            ],
        ),
    ],
)
def test_the_plan_of_the_platform_layer_is_judged(pool: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """What the layer states of its pools is held against the pods, against itself and against the budget."""
    assert found([*sound(), _plan(**pool)]) == expected


def test_a_startup_budget_grows_with_the_weights_of_the_plan() -> None:
    """A model service that states the size of its weights asks more of its Deployment's startup probe."""
    service = {"namespace": "sound", "deployment": "qwen-decode", "weightsBytes": 100 * 2**30}

    assert found([*sound(), Resource("llmd:index:ModelService", "qwen", service)]) == [
        ("probes", "modelserver: startup may take 600 s, which is less than 1000 for 100 GiB of weights")
    ]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--block-size=64"], []),
        (["--block-size", "16"], ["expects blocks of 64, but sound/qwen-decode has 16"]),
        (
            ["--block-size=64", '--kv-events-config={"endpoint":"tcp://epp:5558"}'],
            ["expects cache events on port 5557, but sound/qwen-decode has 5558"],
        ),
        (["--block-size=64", '--kv-events-config={"endpoint":"tcp://epp:5557","topic":"kv@1"}'], []),
    ],
)
def test_a_picker_that_follows_cache_events_counts_as_the_engine_does(flags: list[str], expected: list[str]) -> None:
    """Block size and event port of the picker's config are held against the flags of the servers of its pool."""
    resources = changed("qwen-epp", set_to("volumes", to=[{"name": "c", "configMap": {"name": "notes"}}]), "pod")
    named = {item.name: item.properties for item in resources}
    scorer = "- type: precise-prefix-cache-scorer\n  blockSize: 64\n  zmqEndpoint: tcp://*:5557\n"
    named["sound.notes"]["data"] = {"plugins.yaml": scorer}
    named["sound.qwen-decode"]["spec"]["template"]["spec"]["containers"][0]["args"][-1:] = flags

    assert found(resources) == [("picker-agreement", problem) for problem in expected]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("autoscaling/v2:HorizontalPodAutoscaler", {"minReplicas": 2, "maxReplicas": 4}, []),
        (
            "keda.sh/v1alpha1:ScaledObject",
            {"minReplicaCount": 0, "maxReplicaCount": 4},
            [("availability", "has 0 replicas, the environment asks for 2")],
        ),
        (
            "autoscaling/v2:HorizontalPodAutoscaler",
            {"minReplicas": 2, "maxReplicas": 4, "metrics": [{"type": "Resource", "resource": {"name": "cpu"}}]},
            [("autoscaling", "scales on CPU utilisation, which says nothing about an engine whose work is on the GPU")],
        ),
        (
            "keda.sh/v1alpha1:ScaledObject",
            {"minReplicaCount": 2, "maxReplicaCount": 4, "triggers": [{"type": "cpu"}]},
            [("autoscaling", "scales on CPU utilisation, which says nothing about an engine whose work is on the GPU")],
        ),
    ],
)
def test_an_autoscaled_model_has_the_replicas_that_its_autoscaler_keeps(
    kind: str, spec: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Its Deployment states none; the least that the autoscaler keeps is what survives a drain."""
    resources = changed("qwen-decode", lambda properties: properties["spec"].pop("replicas"))
    properties = {
        "metadata": {"name": "scaler", "namespace": "sound"},
        "spec": {"scaleTargetRef": {"name": "qwen-decode"}, **spec},
    }

    assert found([*resources, Resource(f"kubernetes:{kind}", "sound.scaler", properties)]) == expected


def test_two_advertisers_of_the_same_nodes_are_found_on_both() -> None:
    """Whoever is removed, the finding goes; with nodes of their own, or devices, there is none."""
    resources = sound()
    template = next(item for item in resources if item.name == "sound.qwen-epp").properties["spec"]["template"]["spec"]

    def advertiser(name: str, **pod: Any) -> Resource:  # noqa: ANN401 - JSON
        container = {
            **template["containers"][0],
            "image": f"nvcr.io/nvidia/k8s-device-plugin:v0.20.0{DIGEST}",
            "args": [],
        }
        spec = {"template": {"spec": {**template, **pod, "containers": [container]}}}
        properties = {"metadata": {"name": name, "namespace": "sound"}, "spec": spec}
        return Resource("kubernetes:apps/v1:DaemonSet", f"sound.{name}", properties)

    apart = [advertiser("one", nodeSelector={"a": "1"}), advertiser("two", nodeSelector={"a": "2"})]
    assert found([*resources, *apart]) == []
    efa = advertiser("one")
    (container,) = efa.properties["spec"]["template"]["spec"]["containers"]
    container["image"] = f"602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20{DIGEST}"
    assert found([*resources, efa, advertiser("two")]) == []
    assert found([*resources, advertiser("one"), advertiser("two")]) == [
        ("gpu-advertiser", "advertises GPUs of the nodes that sound/two advertises: each would be handed out twice"),
        ("gpu-advertiser", "advertises GPUs of the nodes that sound/one advertises: each would be handed out twice"),
    ]


def test_every_rule_says_what_to_do_in_a_line() -> None:
    """Reason and remedy are sentences, and the id is a word that a config and a link can hold."""
    for rule in RULES:
        assert rule.reason.endswith(".")
        assert rule.remediation.endswith(".")
        assert rule.id == rule.id.lower().strip()
        assert " " not in rule.id
