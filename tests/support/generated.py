"""Configs that hypothesis makes: of sound parts and unsound ones, so that most are refused and a good part is not."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

__all__ = ["NAMESPACE", "PLUGIN_NAMESPACE", "configs"]

NAMESPACE = "generated"
PLUGIN_NAMESPACE = "generated-device-plugin"

Strategy = st.SearchStrategy[Any]

_PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"


def _some(required: Mapping[str, Strategy], optional: Mapping[str, Strategy]) -> Strategy:
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


_SOURCES = st.sampled_from(
    [
        *["hf://Qwen/Qwen3-0.6B", "hf://Qwen/Qwen3-8B", "hf://Qwen/Qwen3-32B"] * 3,
        "hf://org/unknown-model",
        "hf://Qwen",
        "pvc://claim/models/qwen",
        "pvc+hf://claim/hub/Qwen/Qwen3-4B",
        "oci://registry.example.com/models/qwen:v1#weights",
        "oci://registry.example.com/models/qwen",
        "s3://bucket/qwen",
    ]
)

_AUTOSCALING = _some(
    {
        "provider": st.sampled_from(["hpa", "keda"]),
        "maxReplicas": st.integers(1, 6),
        "value": st.sampled_from([0.8, 5]),
    },
    {
        "minReplicas": st.integers(0, 3),
        "metric": st.sampled_from(["queue-size", "kv-cache-utilization"]),
        "serverAddress": st.just(_PROMETHEUS),
    },
)

_CUSTOM = st.just(
    {
        "image": "registry.example.com/engine:1.0",
        "command": ["serve"],
        "metrics": {"queuedRequests": "queued", "kvCacheUsage": "used"},
    }
)

_MODELS = _some(
    {"source": _SOURCES},
    {
        "engine": st.sampled_from(["vllm", "sglang", "tensorrt-llm", "custom"]),
        "custom": _CUSTOM,
        "image": st.sampled_from(["vllm-openai", "registry.example.com/own:1.0", "registry.example.com/own:latest"]),
        "revision": st.sampled_from(["v1", "c1899de289a04d12100db370d81485cdf75e47ca"]),
        "canary": _some({"model": st.sampled_from(["code", "chat"]), "weight": st.sampled_from([0, 10, 100])}, {}),
        "cache": _some({"storageClass": st.sampled_from(["efs", "gp3"])}, {"size": st.sampled_from(["1Gi", "200Gi"])}),
        "weights": st.sampled_from(["2Gi", "15.3Gi", "400Gi"]),
        "replicas": st.integers(1, 4),
        "parallelism": st.fixed_dictionaries({"tensor": st.sampled_from([1, 1, 2, 3, 8])}),
        "autoscaling": _AUTOSCALING,
        "precisePrefixCache": st.just({}),
        "tieredPrefixCache": _some(
            {"cpuMemory": st.sampled_from(["8Gi", "100Gi", "4Ti"])}, {"kvBytesPerToken": st.just(4096)}
        ),
        "prefill": st.fixed_dictionaries({"replicas": st.integers(1, 2)}),
        "pool": st.sampled_from(["small", "large", "none"]),
        "loraAdapters": st.sampled_from(
            [{"legal": {"source": "pvc://claim/legal"}}, {"support": {"source": "hf://org/support", "rank": 64}}]
        ),
        "objectives": st.sampled_from([{"batch": {"priority": -10}}, {"first": {"priority": 10}}]),
        "path": st.sampled_from(["/", "/a", "/a/b", "/v1"]),
        "servedName": st.sampled_from(["chat", "a b"]),
        "extraArgs": st.sampled_from([["--max-model-len", "4096"], ["--port", "1"], ["--no-such-flag"]]),
        "resources": _some({}, {"cpu": st.sampled_from(["2", "500"]), "memory": st.sampled_from(["8Gi", "4Ti"])}),
    },
)

_POOLS = _some(
    {
        "large": _some(
            {"instanceType": st.sampled_from(["p5.48xlarge", "g6e.12xlarge"]), "maxSize": st.integers(1, 3)},
            {
                "advertiser": st.sampled_from(["external", "device-plugin"]),
                "diskSizeGib": st.sampled_from([100, 2000]),
                "migProfile": st.just("3g.40gb"),
                "taint": st.none(),
            },
        )
    },
    {"small": st.fixed_dictionaries({"instanceType": st.just("g6.2xlarge"), "maxSize": st.integers(1, 4)})},
)

_LISTENER = st.sampled_from([{"port": 8080}, {"port": 443, "protocol": "HTTPS", "certificateSecret": "tls"}])

_OPTIONAL: Mapping[str, Strategy] = {
    "engine": st.sampled_from(["vllm", "sglang"]),
    "monitoring": st.just("prometheus-operator"),
    "controllers": _some({}, {"keda": st.just("existing"), "prometheusAdapter": st.just("existing")}),
    "devicePlugin": st.sampled_from(
        [
            {"sharing": "time-slicing", "replicas": 4},
            {"sharing": "mps", "replicas": 2},
            {"migStrategy": "mixed"},
            {"runtimeClass": "nvidia"},
        ]
    ),
    "gateway": _some(
        {"provider": st.sampled_from(["standalone", "istio"])},
        {"listener": _LISTENER, "replicas": st.integers(1, 3), "exposure": st.just("load-balancer")},
    ),
    "huggingFace": st.just({"tokenSecret": "hugging-face"}),
    "images": st.just({"registry": "mirror.example.com/all", "pullSecrets": ["pull"]}),
    "objectStorage": st.just({"endpoint": "https://minio.example.com:9000", "credentialsSecret": "minio"}),
    "storageClasses": st.just(
        {"efs": {"accessModes": ["ReadWriteMany"], "minSize": "10Gi"}, "gp3": {"accessModes": ["ReadWriteOnce"]}}
    ),
}


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A stack's config, sound or not, in namespaces that a test makes."""
    made: dict[str, Any] = draw(
        _some(
            {
                "release": st.sampled_from(["v0.4", "v0.9"]),
                "gpuPools": _POOLS,
                "models": st.dictionaries(st.sampled_from(["chat", "code", "chat-epp"]), _MODELS, max_size=2),
            },
            _OPTIONAL,
        )
    )
    made |= {"cluster": {"manifests": "out"}, "namespace": NAMESPACE, "namespaces": "existing"}
    made["devicePlugin"] = {**made.get("devicePlugin", {}), "namespace": PLUGIN_NAMESPACE}
    return made
