"""The objects of an EndpointPicker: arguments and config in the line's dialect, rights, pool, leader election.

What these tests cannot prove: that the picker's image knows the flags, or that a gateway speaks to it.
"""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.endpoint_picker import EndpointPickerArgs, build, picker_selector
from components.endpoint_picker.config import metric_args, plugins_config
from engines import ENGINES
from releases import RELEASES
from tests.support.configs import plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

OTHER = {"models.other": {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang"}}
MONITORED = {"monitoring": "prometheus-operator"}
GATEWAY_LABELS = {"app.kubernetes.io/name": "inference-gateway", "app.kubernetes.io/instance": "inference-gateway"}
V0_9 = {"release": "v0.9"}
RBAC = "rbac.authorization.k8s.io"

OBJECTS = {
    "": ("Deployment", "qwen-epp"),
    "config": ("ConfigMap", "qwen-epp"),
    "account": ("ServiceAccount", "qwen-epp"),
    "role": ("Role", "qwen-epp"),
    "binding": ("RoleBinding", "qwen-epp"),
    "service": ("Service", "qwen-epp"),
    "pool": ("InferencePool", "qwen"),
    "budget": ("PodDisruptionBudget", "qwen-epp"),
    "network": ("NetworkPolicy", "qwen-epp"),
}
ELECTION = {
    "election-role": ("Role", "qwen-epp-leader-election"),
    "election-binding": ("RoleBinding", "qwen-epp-leader-election"),
}
MONITORING = {
    "cluster-role": ("ClusterRole", "llm-d-qwen-epp"),
    "cluster-binding": ("ClusterRoleBinding", "llm-d-qwen-epp"),
    "token": ("Secret", "qwen-epp-metrics-reader"),
    "monitor": ("ServiceMonitor", "qwen-epp"),
}
COMMON_ARGS = [
    "--pool-name=qwen",
    "--pool-namespace=llm-d",
    "--pool-group=inference.networking.k8s.io",
    "--config-file=/config/plugins.yaml",
    "--zap-encoder=json",
    "--v=1",
    "--tracing=false",
]
VLLM_ARGS = [
    "--total-queued-requests-metric=vllm:num_requests_waiting",
    "--kv-cache-usage-percentage-metric=vllm:kv_cache_usage_perc",
    "--lora-info-metric=vllm:lora_requests_info",
    "--cache-info-metric=vllm:cache_config_info",
    "--model-server-metrics-path=/metrics",
]
SGLANG_ARGS = [
    "--total-queued-requests-metric=sglang:num_queue_reqs",
    "--kv-cache-usage-percentage-metric=sglang:token_usage",
    "--lora-info-metric=",
    "--cache-info-metric=",
    "--model-server-metrics-path=/metrics",
]


# What the component can and the settings refuse for now: a standby is not ready by design, so `up` would wait in vain.
PAIR = {"replicas": 2}


def _args(
    changes: dict[str, Any] | None = None, model: str = "qwen", args: dict[str, Any] | None = None
) -> EndpointPickerArgs:
    return replace(plan(changes).models[model].picker, **(args or {}))


def _container(args: EndpointPickerArgs) -> dict[str, Any]:
    (container,) = build(args)[""]["spec"]["template"]["spec"]["containers"]
    return dict(container)


def _plugins(changes: dict[str, Any]) -> dict[str, Any]:
    return dict(yaml.safe_load(plugins_config(_args(changes))))


@pytest.mark.parametrize(
    ("changes", "args", "expected"),
    [
        ({}, {}, OBJECTS),
        ({}, PAIR, OBJECTS | ELECTION),
        (MONITORED, {}, OBJECTS | MONITORING),
        (MONITORED, PAIR, OBJECTS | ELECTION | MONITORING),
    ],
)
def test_the_objects_are_exactly_these(
    changes: dict[str, Any], args: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    """Leader election comes with a second replica and monitoring with its operator, each with its own objects."""
    assert kinds_and_names(build(_args(changes, args=args))) == expected


@pytest.mark.parametrize(
    ("changes", "args", "expected"),
    [
        ({}, {}, [*COMMON_ARGS, "--metrics-endpoint-auth=false", *VLLM_ARGS]),
        ({"engine": "sglang"}, {}, [*COMMON_ARGS, "--metrics-endpoint-auth=false", *SGLANG_ARGS]),
        (MONITORED, {}, [*COMMON_ARGS, "--metrics-endpoint-auth=true", *VLLM_ARGS]),
        (
            {},
            PAIR,
            [*COMMON_ARGS, "--metrics-endpoint-auth=false", *VLLM_ARGS, "--ha-enable-leader-election"],
        ),
    ],
)
def test_the_arguments_on_line_v0_4(changes: dict[str, Any], args: dict[str, Any], expected: list[str]) -> None:
    """The metric map is always given by flags; an empty one switches off what the engine does not tell."""
    assert _container(_args(changes, args=args))["args"] == expected


def test_a_line_without_metric_flags_gets_none() -> None:
    """Where a line says the metric map by plugins no flag is made up."""
    assert metric_args(RELEASES["v0.9"].picker, ENGINES["vllm"].metrics("0.26.0")) == []
    assert _container(_args(V0_9))["args"] == [*COMMON_ARGS, "--metrics-endpoint-auth=false"]


@pytest.mark.parametrize(
    ("engine", "prefix"),
    [
        ("vllm", {"type": "prefix-cache-scorer"}),
        ("sglang", {"type": "prefix-cache-scorer", "parameters": {"autoTune": False, "blockSize": 64}}),
    ],
)
def test_the_plugins_on_line_v0_4(engine: str, prefix: dict[str, Any]) -> None:
    """Scorers and weights are the line's; an engine without cache information gets a block size instead of tuning."""
    assert _plugins({"engine": engine}) == {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": [{"type": "queue-scorer"}, {"type": "kv-cache-utilization-scorer"}, prefix],
        "schedulingProfiles": [
            {
                "name": "default",
                "plugins": [
                    {"pluginRef": "queue-scorer", "weight": 2},
                    {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
                    {"pluginRef": "prefix-cache-scorer", "weight": 3},
                ],
            }
        ],
    }


VLLM_MAP = {
    "name": "vllm",
    "queuedRequestsSpec": "vllm:num_requests_waiting",
    "runningRequestsSpec": "vllm:num_requests_running",
    "kvUsageSpec": "vllm:kv_cache_usage_perc",
    "loraSpec": "vllm:lora_requests_info",
    "cacheInfoSpec": "vllm:cache_config_info",
}
SGLANG_MAP = {
    "name": "sglang",
    "queuedRequestsSpec": "sglang:num_queue_reqs",
    "runningRequestsSpec": "sglang:num_running_reqs",
    "kvUsageSpec": "sglang:token_usage",
    "cacheBlockSizeSpec": "sglang:page_size",
    "cacheNumBlocksSpec": "sglang:num_pages",
}
TENSORRT_MAP = {
    "name": "trtllm-serve",
    "queuedRequestsSpec": "trtllm_num_requests_waiting",
    "runningRequestsSpec": "trtllm_num_requests_running",
    "kvUsageSpec": "trtllm_kv_cache_utilization",
    "cacheBlockSizeSpec": "trtllm_kv_cache_tokens_per_block",
    "cacheNumBlocksSpec": "trtllm_kv_cache_max_blocks",
}
CUSTOM_MAP = {"name": "custom", "queuedRequestsSpec": "waiting", "kvUsageSpec": "usage"}
CUSTOM = {
    "engine": "custom",
    "models.qwen.custom": {
        "image": "example.com/engine:1",
        "command": ["serve"],
        "metrics": {"path": "/m", "queuedRequests": "waiting", "kvCacheUsage": "usage"},
    },
}
UNTUNED = [{"type": "approx-prefix-cache-producer", "parameters": {"autoTune": False, "blockSizeTokens": 64}}]


@pytest.mark.parametrize(
    ("changes", "path", "metric_map", "untuned"),
    [
        ({}, "/metrics", VLLM_MAP, []),
        ({"engine": "sglang"}, "/metrics", SGLANG_MAP, []),
        ({"engine": "tensorrt-llm"}, "/prometheus/metrics", TENSORRT_MAP, []),
        (CUSTOM, "/m", CUSTOM_MAP, UNTUNED),
    ],
)
def test_the_plugins_on_line_v0_9(
    changes: dict[str, Any], path: str, metric_map: dict[str, str], untuned: list[dict[str, Any]]
) -> None:
    """Source, extractor and map are written out, with the model's engine as the default; nothing else is in it."""
    assert _plugins({**V0_9, **changes}) == {
        "apiVersion": "llm-d.ai/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": [
            {"type": "queue-scorer"},
            {"type": "kv-cache-utilization-scorer"},
            {"type": "prefix-cache-scorer"},
            {"type": "no-hit-lru-scorer"},
            *untuned,
            {"type": "metrics-data-source", "parameters": {"scheme": "http", "path": path}},
            {
                "type": "core-metrics-extractor",
                "parameters": {
                    "engineLabelKey": "llm-d.ai/engine-type",
                    "defaultEngine": metric_map["name"],
                    "engineConfigs": [metric_map],
                },
            },
        ],
        "schedulingProfiles": [
            {
                "name": "default",
                "plugins": [
                    {"pluginRef": "queue-scorer", "weight": 2},
                    {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
                    {"pluginRef": "prefix-cache-scorer", "weight": 3},
                    {"pluginRef": "no-hit-lru-scorer", "weight": 2},
                ],
            }
        ],
        "dataLayer": {
            "sources": [
                {"pluginRef": "metrics-data-source", "extractors": [{"pluginRef": "core-metrics-extractor"}]},
            ]
        },
    }


def test_the_picker_of_v0_9_may_watch_both_groups() -> None:
    """It takes the group that the cluster's CRDs are of, and without the right to watch it would never be ready."""
    assert build(_args(V0_9))["role"]["rules"][0] == {
        "apiGroups": ["inference.networking.x-k8s.io", "llm-d.ai"],
        "resources": ["inferencemodelrewrites", "inferenceobjectives"],
        "verbs": ["get", "list", "watch"],
    }


def test_the_picker_may_read_what_it_watches_and_no_more() -> None:
    """Its role is for its own account, in its own namespace, and reads only."""
    objects = build(_args())
    read = ["get", "list", "watch"]

    assert objects["role"]["rules"] == [
        {"apiGroups": ["inference.networking.x-k8s.io"], "resources": ["inferenceobjectives"], "verbs": read},
        {"apiGroups": ["inference.networking.k8s.io"], "resources": ["inferencepools"], "verbs": read},
        {"apiGroups": [""], "resources": ["pods"], "verbs": read},
    ]
    assert objects["binding"]["roleRef"] == {"apiGroup": RBAC, "kind": "Role", "name": "qwen-epp"}
    assert objects["binding"]["subjects"] == [{"kind": "ServiceAccount", "name": "qwen-epp", "namespace": "llm-d"}]


@pytest.mark.parametrize(("line", "group"), [("v0.4", "inference.networking.x-k8s.io"), ("v0.9", "llm-d.ai")])
def test_objectives_are_of_the_lines_group_and_the_models_pool(line: str, group: str) -> None:
    """Each is named as clients name it; a picker overlooks those that name another pool, or its pool's group wrong."""
    changes = {"release": line, "models.qwen.objectives": {"batch": {"priority": -10}, "later": {"priority": 0}}}
    objects = build(_args(changes))

    assert kinds_and_names(objects) == OBJECTS | {
        "objective-batch": ("InferenceObjective", "batch"),
        "objective-later": ("InferenceObjective", "later"),
    }
    assert objects["objective-batch"]["apiVersion"] == f"{group}/v1alpha2"
    assert objects["objective-batch"]["spec"] == {
        "priority": -10,
        "poolRef": {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "qwen"},
    }


@pytest.mark.parametrize(
    ("line", "objectives", "gates"),
    [
        ("v0.9", {"batch": {"priority": -10}}, ["flowControl"]),
        ("v0.9", {}, None),
        ("v0.4", {"b": {"priority": -1}}, None),
    ],
)
def test_priorities_take_flow_control(line: str, objectives: dict[str, Any], gates: list[str] | None) -> None:
    """Without the gate the picker of v0.9 sends every request at once; that of v0.4 is not made to hold any."""
    config = yaml.safe_load(plugins_config(_args({"release": line, "models.qwen.objectives": objectives})))

    assert config.get("featureGates") == gates


def test_two_replicas_elect_a_leader() -> None:
    """The second replica stands by: leases and events may be written, and the probes ask each its own question."""
    objects = build(_args(args=PAIR))
    container = objects[""]["spec"]["template"]["spec"]["containers"][0]
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]

    assert objects["election-role"]["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    assert objects["election-binding"]["roleRef"]["name"] == "qwen-epp-leader-election"
    assert container["livenessProbe"]["grpc"] == {"port": 9003, "service": "liveness"}
    assert container["readinessProbe"]["grpc"] == {"port": 9003, "service": "readiness"}


def test_one_replica_is_probed_as_the_chart_does() -> None:
    """Without election both probes ask the one health service, on its own port."""
    container = _container(_args())

    assert [container[probe]["grpc"] for probe in ("livenessProbe", "readinessProbe")] == [
        {"port": 9003, "service": "inference-extension"}
    ] * 2
    assert container["ports"] == [
        {"name": "grpc", "containerPort": 9002},
        {"name": "grpc-health", "containerPort": 9003},
        {"name": "metrics", "containerPort": 9090},
    ]


def test_the_pool_names_picker_and_port() -> None:
    """Pool and picker name each other, in the line's API version, with the failure mode written out."""
    args = _args({"gateway": {"provider": "istio"}, "models.qwen.picker": {"failureMode": "FailOpen"}})
    pool = build(args)["pool"]

    assert pool["apiVersion"] == "inference.networking.k8s.io/v1"
    assert pool["spec"] == {
        "selector": {"matchLabels": {"llm-d.ai/model": "qwen"}},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": "qwen-epp", "port": {"number": 9002}, "failureMode": "FailOpen"},
    }


def test_the_service_has_both_ports() -> None:
    """The gateway speaks to 9002 and a scraper to 9090, by the names of the container's ports."""
    assert build(_args())["service"]["spec"] == {
        "type": "ClusterIP",
        "selector": {"inferencepool": "qwen-epp"},
        "ports": [
            {"name": "grpc-ext-proc", "port": 9002, "targetPort": "grpc", "protocol": "TCP"},
            {"name": "http-metrics", "port": 9090, "targetPort": "metrics", "protocol": "TCP"},
        ],
    }


def test_no_picker_pod_carries_the_models_label() -> None:
    """What selects the servers must never select their picker: the pool would send requests to it."""
    labels = build(_args())[""]["spec"]["template"]["metadata"]["labels"]

    assert labels == {
        "app.kubernetes.io/name": "endpoint-picker",
        "app.kubernetes.io/instance": "qwen",
        "app.kubernetes.io/part-of": "llm-d",
        "app.kubernetes.io/managed-by": "pulumi",
        **picker_selector("qwen"),
    }


def test_a_change_of_the_config_rolls_the_picker() -> None:
    """Plugins are read at start only: their digest is on the pods."""
    digests = [
        build(_args(changes))[""]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for changes in ({}, {"engine": "sglang"}, {})
    ]

    assert digests[0] == digests[2]
    assert digests[0] != digests[1]
    assert build(_args())[""]["spec"]["strategy"] == {"type": "Recreate"}


def test_memory_is_limited_to_four_times_the_request() -> None:
    """The prefix index may grow, but not take the node with it; CPU is not limited."""
    args = _args({"models.qwen.picker": {"cpu": "2", "memory": "4Gi"}})

    assert _container(args)["resources"] == {
        "requests": {"cpu": "2", "memory": "4096Mi"},
        "limits": {"memory": "16384Mi"},
    }


@pytest.mark.parametrize(("changes", "args"), [({}, {}), (MONITORED, PAIR)])
def test_the_pod_passes_the_restricted_standard(changes: dict[str, Any], args: dict[str, Any]) -> None:
    """A namespace that enforces `restricted` takes the picker's pod."""
    template = build(_args(changes, args=args))[""]["spec"]["template"]

    assert restricted_violations(template) == []
    assert template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    ("changes", "scraper"),
    [
        ({}, []),
        (
            MONITORED,
            [
                {
                    "from": [
                        {
                            "namespaceSelector": {},
                            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
                        }
                    ],
                    "ports": [{"port": "metrics", "protocol": "TCP"}],
                }
            ],
        ),
    ],
)
def test_only_the_gateway_asks_the_picker(changes: dict[str, Any], scraper: list[dict[str, Any]]) -> None:
    """The policy admits the gateway to the picker's port and a scraper to the metrics, nobody else."""
    assert build(_args(changes))["network"]["spec"] == {
        "podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": GATEWAY_LABELS}}],
                "ports": [{"port": "grpc", "protocol": "TCP"}],
            },
            *scraper,
        ],
    }


def test_a_scraper_is_authorised_by_the_api_server() -> None:
    """The scraper's token is one that Kubernetes fills in, and the picker may ask whether it may read metrics."""
    objects = build(_args(MONITORED))

    assert objects["token"] == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            **objects["account"]["metadata"],
            "name": "qwen-epp-metrics-reader",
            "annotations": {"kubernetes.io/service-account.name": "qwen-epp"},
        },
    }
    assert objects["cluster-role"]["rules"] == [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    assert objects["monitor"]["spec"]["endpoints"] == [
        {
            "port": "http-metrics",
            "path": "/metrics",
            "interval": "10s",
            "authorization": {"credentials": {"name": "qwen-epp-metrics-reader", "key": "token"}},
        }
    ]


def test_objects_of_two_models_never_share_a_name() -> None:
    """Two pickers in one namespace have no object of one kind and name in common."""
    changes = {**OTHER, **MONITORED}
    names = [kinds_and_names(build(_args(changes, model))).values() for model in ("qwen", "other")]

    assert set(names[0]) & set(names[1]) == set()


def test_rights_follow_the_api_groups() -> None:
    """Another pool group of a line reaches the pool, the role and the picker's flag together."""
    objects = build(replace(_args(), pool_api_version="example.com/v2"))

    assert objects["pool"]["apiVersion"] == "example.com/v2"
    assert objects["role"]["rules"][1]["apiGroups"] == ["example.com"]
    assert "--pool-group=example.com" in objects[""]["spec"]["template"]["spec"]["containers"][0]["args"]
