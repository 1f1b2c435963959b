"""The objects of a ModelService: pod, probes, resources, volumes, rollout and who may reach it.

What these tests cannot prove: that an image starts as this user with these mounts, or that a kubelet takes the pod.
"""

from dataclasses import replace
from typing import Any

import pytest

from components.model_service import ModelServiceArgs, Weights, build
from components.pods import checksum
from engines import ENGINES
from naming import model_selector
from tests.support.configs import SECRET, plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

H100 = {"gpuPools": {"h100": {"instanceType": "p5.48xlarge"}}}
GIB = 2**30
LABELS = {
    "app.kubernetes.io/name": "modelserver",
    "app.kubernetes.io/instance": "qwen",
    "app.kubernetes.io/part-of": "llm-d",
    "app.kubernetes.io/managed-by": "pulumi",
}
GATEWAY_LABELS = {"app.kubernetes.io/name": "inference-gateway", "app.kubernetes.io/instance": "inference-gateway"}
PROMETHEUS = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
}


def _args(changes: dict[str, Any] | None = None) -> ModelServiceArgs:
    return plan(changes).models["qwen"].service


def _pod(args: ModelServiceArgs) -> dict[str, Any]:
    pod: dict[str, Any] = build(args)[""]["spec"]["template"]["spec"]
    return pod


def _container(args: ModelServiceArgs) -> dict[str, Any]:
    (container,) = _pod(args)["containers"]
    return dict(container)


def _env(args: ModelServiceArgs) -> dict[str, object]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in _container(args)["env"]}


def test_the_objects_are_exactly_these() -> None:
    """Without monitoring there are four objects, and no Service that would balance around the picker."""
    assert kinds_and_names(build(_args())) == {
        "": ("Deployment", "qwen-decode"),
        "account": ("ServiceAccount", "qwen"),
        "budget": ("PodDisruptionBudget", "qwen-decode"),
        "network": ("NetworkPolicy", "qwen-decode"),
    }


def test_a_pod_monitor_exists_where_an_operator_reads_it() -> None:
    """With the Prometheus operator the servers' metrics are scraped by port name, at the engine's own path."""
    objects = build(_args({"monitoring": "prometheus-operator"}))

    assert objects["monitor"]["spec"] == {
        "selector": {"matchLabels": {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}},
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
    }
    assert len(objects) == 5


@pytest.mark.parametrize(
    ("changes", "resource", "gpus", "cpu", "memory"),
    [
        ({}, "nvidia.com/gpu", "1", "3528m", "12231Mi"),
        ({**H100, "models.qwen.parallelism": {"tensor": 2}}, "nvidia.com/gpu", "2", "43076m", "436117Mi"),
        (
            {
                "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "migProfile": "3g.40gb"}},
                "devicePlugin": {"migStrategy": "mixed"},
            },
            "nvidia.com/mig-3g.40gb",
            "1",
            "10769m",
            "109029Mi",
        ),
        ({"models.qwen.resources": {"cpu": "2", "memory": "8Gi"}}, "nvidia.com/gpu", "1", "2", "8192Mi"),
    ],
)
def test_gpus_and_memory_are_limited_to_what_is_requested(
    changes: dict[str, Any], resource: str, gpus: str, cpu: str, memory: str
) -> None:
    """GPUs and memory are requested and limited alike, CPU is only requested: the node's share of the pod's GPUs."""
    assert _container(_args(changes))["resources"] == {
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": "22Gi", resource: gpus},
        "limits": {"memory": memory, resource: gpus},
    }


def test_the_probes_ask_the_containers_own_port() -> None:
    """A start may take as long as its deadline says; then liveness is patient and readiness is quick."""
    container = _container(_args())

    assert container["ports"] == [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]
    assert {key: container[key] for key in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        "startupProbe": {
            "httpGet": {"path": "/v1/models", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 94,
        },
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        "readinessProbe": {
            "httpGet": {"path": "/v1/models", "port": "http"},
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 115}}}
    assert _pod(_args())["terminationGracePeriodSeconds"] == 130


@pytest.mark.parametrize(
    ("replicas", "rolling"),
    [(2, {"maxSurge": 1, "maxUnavailable": 0}), (3, {"maxSurge": 0, "maxUnavailable": 1})],
)
def test_a_rollout_surges_only_with_a_gpu_to_spare(replicas: int, rolling: dict[str, int]) -> None:
    """On a pool of three GPUs two replicas roll by a third pod, three by taking one down first."""
    spec = build(_args({"models.qwen.replicas": replicas}))[""]["spec"]

    assert (spec["replicas"], spec["strategy"]) == (replicas, {"type": "RollingUpdate", "rollingUpdate": rolling})
    assert spec["progressDeadlineSeconds"] == 3036


def test_downloaded_weights_have_a_volume_of_their_size() -> None:
    """Weights from Hugging Face go to a volume with headroom, which counts as the pod's disk."""
    args = _args({"models.qwen.weights": "10Gi"})

    assert _pod(args)["volumes"] == [
        {"name": "weights", "emptyDir": {"sizeLimit": "12Gi"}},
        {"name": "home", "emptyDir": {"sizeLimit": "20Gi"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2048Mi"}},
    ]
    assert _container(args)["volumeMounts"] == [
        {"name": "weights", "mountPath": "/model-cache"},
        {"name": "home", "mountPath": "/home/llm-d"},
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own
    ]
    assert _env(args)["HF_HOME"] == "/model-cache"


def test_weights_of_a_claim_are_mounted_read_only() -> None:
    """A pvc source is served from the claim's path, without a download, a token or disk for weights."""
    args = _args(
        {"models.qwen": {"source": "pvc://weights/qwen/v1", "weights": "10Gi"}, "huggingFace": {"tokenSecret": "hf"}}
    )
    container = _container(args)

    assert _pod(args)["volumes"][0] == {
        "name": "weights",
        "persistentVolumeClaim": {"claimName": "weights", "readOnly": True},
    }
    assert container["volumeMounts"][0] == {"name": "weights", "mountPath": "/model-cache", "readOnly": True}
    assert container["args"][:1] == ["/model-cache/qwen/v1"]
    assert container["resources"]["requests"]["ephemeral-storage"] == "20Gi"
    assert _env(args).keys() & {"HF_HOME", "HF_TOKEN"} == set()


@pytest.mark.parametrize(
    ("hugging_face", "secret"),
    [({"tokenSecret": "my-token"}, "my-token"), ({"token": SECRET}, "hugging-face-token")],
)
def test_the_token_comes_from_a_secret_only(hugging_face: dict[str, Any], secret: str) -> None:
    """The token is a reference to a Secret's key: its value is in no manifest."""
    args = _args({"huggingFace": hugging_face})

    assert _env(args)["HF_TOKEN"] == {"secretKeyRef": {"name": secret, "key": "HF_TOKEN"}}


def test_the_environment_of_vllm() -> None:
    """Home and caches are writable places of their own, and nothing else is set."""
    assert _env(_args()) == {
        "FLASHINFER_WORKSPACE_BASE": "/home/llm-d/.cache/flashinfer_workspace_base",
        "HF_HOME": "/model-cache",
        "HOME": "/home/llm-d",
        "TORCHINDUCTOR_CACHE_DIR": "/home/llm-d/.cache/torchinductor_cache_dir",
        "TRITON_CACHE_DIR": "/home/llm-d/.cache/triton_cache_dir",
        "USER": "llm-d",
        "VLLM_CACHE_ROOT": "/home/llm-d/.cache/vllm_cache_root",
        "VLLM_NO_USAGE_STATS": "1",
        "XDG_CACHE_HOME": "/home/llm-d/.cache",
    }


@pytest.mark.parametrize(
    ("tensor", "memory", "shared"), [(1, 16 * GIB, 2048), (2, 64 * GIB, 20480), (2, 8 * GIB, 4096), (1, GIB, 512)]
)
def test_shared_memory_never_takes_more_than_half(tensor: int, memory: int, shared: int) -> None:
    """Parallel GPUs need more shared memory, which counts as the pod's: at most half of it."""
    args = _args()
    args = replace(args, decode=replace(args.decode, tensor_parallelism=tensor, memory_bytes=memory))

    assert _pod(args)["volumes"][2]["emptyDir"]["sizeLimit"] == f"{shared}Mi"


def test_the_pod_finds_its_nodes() -> None:
    """Pods select the pool's nodes, tolerate its taint whatever its value, and spread if they can."""
    pod = _pod(_args({"gpuPools.l4.nodeSelector": {"pool": "l4"}, "devicePlugin": {"runtimeClass": "nvidia"}}))
    selector = {"matchLabels": {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}}

    assert pod["nodeSelector"] == {"pool": "l4"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["topologySpreadConstraints"] == [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


@pytest.mark.parametrize(("taint", "tolerations"), [(None, []), ({"key": "x"}, [{"key": "x", "operator": "Exists"}])])
def test_a_pool_without_a_taint_needs_no_toleration(
    taint: dict[str, str] | None, tolerations: list[dict[str, str]]
) -> None:
    """Tolerations follow the pool's own taint."""
    assert _pod(_args({"gpuPools.l4.taint": taint}))["tolerations"] == tolerations


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_pod_passes_the_restricted_standard(engine: str) -> None:
    """Whatever the engine, a namespace that enforces `restricted` takes the pod, and it gets no API token."""
    args = _args({"engine": engine, "images": {"pullSecrets": ["pull"]}})
    pod = _pod(args)

    assert restricted_violations(build(args)[""]["spec"]["template"]) == []
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "qwen"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize(("monitoring", "extra"), [("none", []), ("prometheus-operator", [PROMETHEUS])])
def test_only_gateway_picker_and_scraper_reach_the_servers(monitoring: str, extra: list[dict[str, Any]]) -> None:
    """The policy admits the gateway, this model's picker and, where there is one, the scraper; to the one port."""
    policy = build(_args({"monitoring": monitoring}))["network"]["spec"]

    assert policy == {
        "podSelector": {"matchLabels": {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [
                    {"podSelector": {"matchLabels": GATEWAY_LABELS}},
                    {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}},
                    *extra,
                ],
                "ports": [{"port": "http", "protocol": "TCP"}],
            }
        ],
    }


def test_the_files_of_an_engine_are_mounted_and_roll_its_pods() -> None:
    """A ConfigMap holds them, the pod mounts it where the arguments say, and their digest is on the pods."""
    args = _args({"release": "v0.9", "engine": "tensorrt-llm"})
    objects = build(args)
    template = objects[""]["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert objects["files"]["metadata"] == {"name": "qwen-decode", "namespace": "llm-d", "labels": dict(LABELS)}
    assert objects["files"]["data"] == {
        "llm-api-options.yaml": "enable_iter_perf_stats: true\nreturn_perf_metrics: true\n"
    }
    assert {"name": "files", "configMap": {"name": "qwen-decode"}} in template["spec"]["volumes"]
    assert {"name": "files", "mountPath": "/etc/llm-d", "readOnly": True} in container["volumeMounts"]
    assert "/etc/llm-d/llm-api-options.yaml" in container["args"]
    assert template["metadata"]["annotations"] == {"checksum/files": checksum(objects["files"]["data"])}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_an_engine_without_files_has_no_config_map(engine: str) -> None:
    """Neither object, volume nor digest is there for nothing."""
    objects = build(_args({"release": "v0.9", "engine": engine}))
    template = objects[""]["spec"]["template"]

    assert "files" not in objects
    assert [volume["name"] for volume in template["spec"]["volumes"]] == ["weights", "home", "shm"]
    assert "annotations" not in template["metadata"]


def test_metrics_are_scraped_where_the_engine_has_them() -> None:
    """TensorRT-LLM's /metrics is JSON: the monitor asks for the path that the picker asks for."""
    objects = build(_args({"release": "v0.9", "engine": "tensorrt-llm", "monitoring": "prometheus-operator"}))

    assert objects["monitor"]["spec"]["podMetricsEndpoints"] == [
        {"port": "http", "path": "/prometheus/metrics", "interval": "30s"}
    ]


@pytest.mark.parametrize(
    ("engine", "label"), [("vllm", "vllm"), ("sglang", "sglang"), ("tensorrt-llm", "trtllm-serve")]
)
def test_line_v0_9_tells_the_picker_the_engine_by_a_label_outside_of_every_selector(engine: str, label: str) -> None:
    """From v0.4 to v0.9 the pods' labels are the line's; the selector stays, so the change is a rollout."""
    before, after = build(_args()), build(_args({"engine": engine, "release": "v0.9"}))

    assert after[""]["spec"]["template"]["metadata"]["labels"] == {
        **LABELS,
        **model_selector("qwen"),
        "llm-d.ai/inference-serving": "true",
        "llm-d.ai/engine-type": label,
    }
    assert after[""]["spec"]["selector"] == before[""]["spec"]["selector"]


def test_a_switch_of_the_engine_keeps_names_and_selectors() -> None:
    """From vLLM to SGLang names, labels, selectors and port names stay: the switch is a rollout of the same objects."""
    before = build(_args({"monitoring": "prometheus-operator"}))
    after = build(_args({"monitoring": "prometheus-operator", "engine": "sglang"}))

    assert kinds_and_names(before) == kinds_and_names(after)
    for objects in (before, after):
        spec = objects[""]["spec"]
        assert spec["selector"] == {"matchLabels": model_selector("qwen")}
        assert spec["template"]["metadata"]["labels"] == {
            **LABELS,
            **model_selector("qwen"),
            "llm-d.ai/inferenceServing": "true",
        }
        assert [port["name"] for port in spec["template"]["spec"]["containers"][0]["ports"]] == ["http"]
    assert {suffix: before[suffix] == after[suffix] for suffix in before} == {
        "": False,
        "account": True,
        "budget": True,
        "network": True,
        "monitor": True,
    }
    assert [objects[""]["metadata"]["annotations"] for objects in (before, after)] == [
        {"llm-d.ai/engine": "vllm"},
        {"llm-d.ai/engine": "sglang"},
    ]


def test_a_line_that_knows_an_engine_label_gets_it() -> None:
    """Where the line's picker reads an engine label the pods carry it, and no selector does."""
    args = replace(_args(), labels=replace(_args().labels, engine_type="llm-d.ai/engine-type"))
    spec = build(args)[""]["spec"]

    assert spec["template"]["metadata"]["labels"]["llm-d.ai/engine-type"] == "vllm"
    assert spec["selector"]["matchLabels"] == model_selector("qwen")


@pytest.mark.parametrize(
    ("engine", "command", "expected"),
    [
        ("vllm", "vllmServe", ["vllm", "serve"]),
        ("vllm", "imageDefault", None),
        ("sglang", "custom", ["python3", "-m", "sglang.launch_server"]),
    ],
)
def test_the_command_is_absent_where_the_images_own_runs(engine: str, command: str, expected: list[str] | None) -> None:
    """An empty command would override the image's entry point with nothing."""
    args = replace(_args(), engine=ENGINES[engine], model_command=command)

    assert _container(args).get("command") == expected


def test_weights_are_named_by_their_repository() -> None:
    """The engine loads the repository, and clients ask for the served name."""
    args = replace(_args(), served_name="chat", weights=Weights(model="org/model", size_bytes=1))

    assert _container(args)["args"] == [
        *("org/model", "--port", "8000", "--served-model-name", "chat", "--disable-uvicorn-access-log")
    ]
