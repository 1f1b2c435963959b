"""A model whose prefill has servers of its own: two Deployments that are one unit, and what lies between them.

What these tests cannot prove: that two engines find each other and read each other's caches.
"""

from typing import Any

import pytest
import yaml

from components.endpoint_picker import build as build_picker
from components.model_service import ModelServiceArgs, build
from tests.support.configs import plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

PREFILL: dict[str, Any] = {"models.qwen.prefill": {}}
MONITORED = {**PREFILL, "monitoring": "prometheus-operator"}
SGLANG = {**PREFILL, "engine": "sglang"}
GATEWAY = {
    "podSelector": {
        "matchLabels": {
            "app.kubernetes.io/name": "inference-gateway",
            "app.kubernetes.io/instance": "inference-gateway",
        }
    }
}
PICKER = {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}}
PROMETHEUS = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}


def _args(changes: dict[str, Any] | None = None) -> ModelServiceArgs:
    return plan(PREFILL | (changes or {})).models["qwen"].service


def _template(args: ModelServiceArgs, suffix: str) -> dict[str, Any]:
    template: dict[str, Any] = build(args)[suffix]["spec"]["template"]
    return template


def _container(args: ModelServiceArgs, suffix: str) -> dict[str, Any]:
    (container,) = _template(args, suffix)["spec"]["containers"]
    return dict(container)


def _env(args: ModelServiceArgs, suffix: str) -> dict[str, object]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in _container(args, suffix)["env"]}


def _peers(role: str) -> list[dict[str, Any]]:
    return [{"podSelector": {"matchLabels": {"llm-d.ai/model": "qwen", "llm-d.ai/role": role}}}]


def test_each_role_has_its_own_objects() -> None:
    """A Deployment with budget, policy and monitor for either role, and one account for both."""
    assert kinds_and_names(build(_args(MONITORED))) == {
        "account": ("ServiceAccount", "qwen"),
        "": ("Deployment", "qwen-decode"),
        "budget": ("PodDisruptionBudget", "qwen-decode"),
        "network": ("NetworkPolicy", "qwen-decode"),
        "monitor": ("PodMonitor", "qwen-decode"),
        "prefill": ("Deployment", "qwen-prefill"),
        "prefill-budget": ("PodDisruptionBudget", "qwen-prefill"),
        "prefill-network": ("NetworkPolicy", "qwen-prefill"),
        "prefill-monitor": ("PodMonitor", "qwen-prefill"),
    }


def test_prefill_comes_and_goes_by_a_rollout_of_decode() -> None:
    """Aggregated or disaggregated, a model has the same Deployment with the same selector: nothing is replaced."""
    aggregated = build(plan().models["qwen"].service)
    disaggregated = build(_args())

    assert aggregated[""]["spec"]["selector"] == disaggregated[""]["spec"]["selector"]
    assert {suffix: disaggregated[suffix]["metadata"]["name"] for suffix in aggregated} == {
        suffix: aggregated[suffix]["metadata"]["name"] for suffix in aggregated
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"engines": {"vllm": {"image": "vllm-openai"}}},
        {"models.qwen.extraArgs": ["--kv-cache-dtype", "fp8"]},
        {"models.qwen.prefill": {"extraArgs": ["--max-num-seqs", "8"]}},
        {"models.qwen.resources": {"cpu": "3"}},
    ],
)
def test_a_change_to_either_role_rolls_both(changes: dict[str, Any]) -> None:
    """Both pods carry one digest of both roles, so neither meets the other's next generation longer than it must."""
    before, after = _args(), _args(changes)

    annotations = [
        _template(args, suffix)["metadata"]["annotations"] for args in (before, after) for suffix in ("", "prefill")
    ]

    assert annotations[0] == annotations[1]
    assert annotations[2] == annotations[3]
    assert annotations[0] != annotations[2]


def test_to_scale_a_role_rolls_nothing() -> None:
    """Replicas are no part of the digest."""
    before, after = _args(), _args({"models.qwen.replicas": 1, "models.qwen.prefill": {"replicas": 2}})

    assert _template(before, "") == _template(after, "")
    assert _template(before, "prefill") == _template(after, "prefill")


def test_both_roles_share_what_makes_them_a_pair() -> None:
    """Image, block size and the model's own arguments are the same; prefill's own come last, and only there."""
    args = _args(
        {
            "models.qwen.extraArgs": ["--kv-cache-dtype", "fp8"],
            "models.qwen.prefill": {"extraArgs": ["--max-num-seqs", "8"]},
        }
    )
    decode, prefill = _container(args, ""), _container(args, "prefill")
    shared = [
        *("--disable-uvicorn-access-log", "--kv-transfer-config"),
        '{"kv_connector":"NixlConnector","kv_role":"kv_both"}',
        *("--block-size", "128", "--kv-cache-dtype", "fp8"),
    ]

    assert decode["image"] == prefill["image"]
    assert decode["args"] == [
        *("Qwen/Qwen3-0.6B", "--port", "8200", "--served-model-name", "Qwen/Qwen3-0.6B"),
        *shared,
    ]
    assert prefill["args"] == [
        *("Qwen/Qwen3-0.6B", "--port", "8000", "--served-model-name", "Qwen/Qwen3-0.6B"),
        *(*shared, "--max-num-seqs", "8"),
    ]


def test_the_sidecar_has_the_pools_port_and_the_engine_one_behind_it() -> None:
    """On line v0.4 the sidecar speaks plain HTTP on 8000 and knows vLLM on 8200; prefill servers have none."""
    args = _args()

    assert _template(args, "")["spec"]["initContainers"] == [
        {
            "name": "routing-proxy",
            "image": "ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
            "restartPolicy": "Always",
            "args": [
                *("--port=8000", "--vllm-port=8200", "--connector=nixlv2"),
                *("--secure-proxy=false", "--zap-encoder=json"),
            ],
            "ports": [{"name": "http", "containerPort": 8000, "protocol": "TCP"}],
            "readinessProbe": {
                "httpGet": {"path": "/health", "port": "http"},
                "periodSeconds": 5,
                "timeoutSeconds": 5,
                "failureThreshold": 3,
            },
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1024Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        }
    ]
    assert "initContainers" not in _template(args, "prefill")["spec"]


def test_ports_and_probes_of_the_roles() -> None:
    """Probes ask the engine itself; the pool's port is the sidecar's in one role and the engine's in the other."""
    args = _args()
    decode, prefill = _container(args, ""), _container(args, "prefill")
    probes = ("startupProbe", "livenessProbe", "readinessProbe")

    assert decode["ports"] == [{"name": "engine", "containerPort": 8200, "protocol": "TCP"}]
    assert prefill["ports"] == [
        {"name": "http", "containerPort": 8000, "protocol": "TCP"},
        {"name": "nixl", "containerPort": 5600, "protocol": "TCP"},
    ]
    assert {decode[probe]["httpGet"]["port"] for probe in probes} == {"engine"}
    assert {prefill[probe]["httpGet"]["port"] for probe in probes} == {"http"}


def test_vllm_tells_where_its_blocks_are() -> None:
    """NIXL's handshake is reached at the pod's own address, and prefill outlives the sidecar's idle connections."""
    args = _args()
    side_channel = {
        "VLLM_NIXL_SIDE_CHANNEL_HOST": {"fieldRef": {"fieldPath": "status.podIP"}},
        "VLLM_NIXL_SIDE_CHANNEL_PORT": "5600",
    }
    aggregated = plan().models["qwen"].service

    assert {k: v for k, v in _env(args, "").items() if k not in _env(aggregated, "")} == side_channel
    assert {k: v for k, v in _env(args, "prefill").items() if k not in _env(aggregated, "")} == {
        **side_channel,
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "120",
    }


def test_sglang_and_the_sidecar_agree_on_the_bootstrap_port() -> None:
    """Each server is told its role, and the port of prefill's bootstrap server is one value in three places."""
    args = _args(SGLANG)
    (sidecar,) = _template(args, "")["spec"]["initContainers"]
    shared = ["--disaggregation-transfer-backend", "nixl", "--disaggregation-bootstrap-port", "8998"]

    assert _container(args, "")["args"][-6:] == ["--disaggregation-mode", "decode", *shared]
    assert _container(args, "prefill")["args"][-6:] == ["--disaggregation-mode", "prefill", *shared]
    assert sidecar["args"][2] == "--connector=sglang"
    assert sidecar["env"] == [{"name": "SGLANG_BOOTSTRAP_PORT", "value": "8998"}]
    assert _container(args, "prefill")["ports"][1] == {"name": "bootstrap", "containerPort": 8998, "protocol": "TCP"}


def test_the_roles_have_sizes_and_places_of_their_own() -> None:
    """Replicas, GPUs, resources and pool are each role's; unset ones are derived for each."""
    args = _args(
        {
            "gpuPools.h100": {"instanceType": "p5.48xlarge"},
            "models.qwen.pool": "h100",
            "models.qwen.parallelism": {"tensor": 4},
            "models.qwen.prefill": {"replicas": 2, "pool": "l4", "resources": {"memory": "8Gi"}},
        }
    )
    objects = build(args)

    assert [objects[suffix]["spec"]["replicas"] for suffix in ("", "prefill")] == [1, 2]
    assert [_container(args, suffix)["resources"]["limits"] for suffix in ("", "prefill")] == [
        {"memory": "872235Mi", "nvidia.com/gpu": "4"},
        {"memory": "8192Mi", "nvidia.com/gpu": "1"},
    ]
    assert [_template(args, suffix)["spec"]["nodeSelector"] for suffix in ("", "prefill")] == [
        {"node.kubernetes.io/instance-type": "p5.48xlarge"},
        {"node.kubernetes.io/instance-type": "g6.xlarge"},
    ]
    assert args.gpus == 6


def test_caches_go_between_the_roles_and_nowhere_else() -> None:
    """Clients reach the pool's port, a scraper the engine's, and on every other port a role admits only the other."""
    objects = build(_args(MONITORED))
    clients = {"from": [GATEWAY, PICKER], "ports": [{"port": 8000, "protocol": "TCP"}]}

    assert objects["network"]["spec"]["ingress"] == [
        clients,
        {"from": [PROMETHEUS], "ports": [{"port": 8200, "protocol": "TCP"}]},
        {"from": _peers("prefill")},
    ]
    assert objects["prefill-network"]["spec"]["ingress"] == [
        clients,
        {"from": [PROMETHEUS], "ports": [{"port": 8000, "protocol": "TCP"}]},
        {"from": _peers("decode")},
    ]
    assert objects["network"]["spec"]["podSelector"] == _peers("decode")[0]["podSelector"]
    assert objects["prefill-network"]["spec"]["podSelector"] == _peers("prefill")[0]["podSelector"]


def test_each_roles_engine_is_scraped_itself() -> None:
    """The sidecar's port would go dark with the sidecar."""
    objects = build(_args(MONITORED))
    ports = [objects[suffix]["spec"]["podMetricsEndpoints"][0]["port"] for suffix in ("monitor", "prefill-monitor")]

    assert ports == ["engine", "http"]


@pytest.mark.parametrize("changes", [PREFILL, SGLANG])
def test_both_pods_pass_the_restricted_standard(changes: dict[str, Any]) -> None:
    """The sidecar needs no more than the engine."""
    args = _args(changes)

    assert [restricted_violations(_template(args, suffix)) for suffix in ("", "prefill")] == [[], []]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_picker_picks_one_of_either_role(engine: str) -> None:
    """Line v0.4: two profiles, each with its filter and its scorer; every request is disaggregated."""
    objects = build_picker(plan({**PREFILL, "engine": engine}).models["qwen"].picker)

    assert yaml.safe_load(objects["config"]["data"]["plugins.yaml"]) == {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": [
            {"type": "prefill-header-handler"},
            {"type": "prefill-filter"},
            {"type": "decode-filter"},
            {"type": "queue-scorer"},
            {"type": "pd-profile-handler", "parameters": {"threshold": 0}},
        ],
        "schedulingProfiles": [
            {
                "name": role,
                "plugins": [{"pluginRef": f"{role}-filter"}, {"pluginRef": "queue-scorer", "weight": 1}],
            }
            for role in ("prefill", "decode")
        ],
    }


def test_the_picker_of_line_v0_9_decides_scores_and_filters_by_role() -> None:
    """Line v0.9: the handler has a decider, scorers differ between the roles, and metrics come by plugins as ever."""
    objects = build_picker(plan({**PREFILL, "release": "v0.9"}).models["qwen"].picker)
    config = yaml.safe_load(objects["config"]["data"]["plugins.yaml"])

    assert [plugin["type"] for plugin in config["plugins"]] == [
        *("always-disagg-pd-decider", "disagg-profile-handler", "prefill-filter", "decode-filter"),
        *("prefix-cache-scorer", "queue-scorer", "kv-cache-utilization-scorer", "active-request-scorer"),
        *("max-score-picker", "metrics-data-source", "core-metrics-extractor"),
    ]
    assert config["plugins"][1]["parameters"] == {"deciders": {"prefill": "always-disagg-pd-decider"}}
    assert config["schedulingProfiles"] == [
        {
            "name": "prefill",
            "plugins": [
                {"pluginRef": "prefill-filter"},
                {"pluginRef": "prefix-cache-scorer", "weight": 3},
                {"pluginRef": "queue-scorer", "weight": 2},
                {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
                {"pluginRef": "max-score-picker"},
            ],
        },
        {
            "name": "decode",
            "plugins": [
                {"pluginRef": "decode-filter"},
                {"pluginRef": "active-request-scorer", "weight": 2},
                {"pluginRef": "prefix-cache-scorer", "weight": 3},
                {"pluginRef": "max-score-picker"},
            ],
        },
    ]


@pytest.mark.parametrize(("engine", "connector"), [("vllm", "nixlv2"), ("sglang", "sglang")])
def test_the_sidecar_of_line_v0_9_has_other_flags(engine: str, connector: str) -> None:
    """The old words for connector and engine port would end it at once: each line has its own."""
    args = _args({"release": "v0.9", "engine": engine})
    (sidecar,) = _template(args, "")["spec"]["initContainers"]

    assert sidecar["image"] == "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0"
    assert sidecar["args"] == [
        *("--port=8000", "--model-server-port=8200", f"--kv-connector={connector}"),
        *("--secure-proxy=false", "--zap-encoder=json"),
    ]


def test_line_v0_9_switches_on_vllms_hybrid_cache() -> None:
    """Both roles get what the line's guide gives them."""
    args = _args({"release": "v0.9"})
    shared = ["--block-size", "128", "--no-disable-hybrid-kv-cache-manager"]

    assert [_container(args, suffix)["args"][-3:] for suffix in ("", "prefill")] == [shared, shared]


def test_the_pool_selects_both_roles() -> None:
    """The filters tell the roles apart by their label; the pool's selector and its one port are those of both."""
    made = plan(PREFILL).models["qwen"]
    pool = build_picker(made.picker)["pool"]["spec"]
    selector = pool["selector"]["matchLabels"].items()

    assert pool["targetPorts"] == [{"number": 8000}]
    for suffix, role in (("", "decode"), ("prefill", "prefill")):
        labels = _template(made.service, suffix)["metadata"]["labels"]
        assert selector <= labels.items()
        assert labels["llm-d.ai/role"] == role


def test_over_efa_pods_ask_for_interfaces_and_need_no_right() -> None:
    """Both roles ask for their GPUs' interfaces and are told the provider; the namespace's restrictions still hold."""
    args = _args(
        {
            "release": "v0.9",
            "gpuPools.l4": {"instanceType": "p5en.48xlarge", "maxSize": 2, "fabric": "efa"},
            "models.qwen.image": "llm-d-aws",
        }
    )

    for suffix in ("", "prefill"):
        resources = _container(args, suffix)["resources"]
        assert resources["limits"]["vpc.amazonaws.com/efa"] == "2"
        assert resources["requests"]["vpc.amazonaws.com/efa"] == "2"
        assert _env(args, suffix)["FI_PROVIDER"] == "efa"
        assert restricted_violations(_template(args, suffix)) == []
    assert "FI_PROVIDER" not in _env(_args(), "")
