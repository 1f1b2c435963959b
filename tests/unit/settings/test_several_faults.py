"""One run tells everything: all faults in one message, sorted, each once, and none that only follows from another.

What these tests cannot prove: that a message is understood.
"""

import pytest

from settings import ConfigFaultsError, Fault, validate
from tests.support.configs import EKS, REMOVED, config, faults

SOURCES = "hf://<org>/<model>, pvc://<claim>/<path>"
ENGINES = "custom, sglang, vllm"
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}
CUSTOM_KEYS = [f"models.qwen.custom.{key}" for key in sorted(CUSTOM)]
HUGE = {"instanceType": "p5.48xlarge"}

MESSAGE = """\
5 faults in the stack's config; nothing was applied.

  llm-d:gateway.listener.certificateSecret: is required: an HTTPS listener needs a certificate
      allowed  the name of an existing TLS Secret in the serving namespace
  llm-d:models.qwen.engine: unknown engine
      given    vlm
      allowed  custom, sglang, vllm
      nearest  vllm
  llm-d:models.qwen.replicas: must be an integer
      given    two
  llm-d:models.qwen.source: unknown source scheme
      given    gs://bucket/path
      allowed  hf://<org>/<model>, pvc://<claim>/<path>, pvc+hf://<claim>/[<path>/]<org>/<model>,\
 oci://<registry>/<name>:<tag>[#<path>], s3://<bucket>/<path>
  llm-d:monitoring: is not a known word
      given    prometheus
      allowed  none, prometheus-operator
      nearest  prometheus-operator"""


def _paths(changes: dict[str, object]) -> list[str]:
    return [fault.path for fault in faults(changes)]


def test_all_faults_are_one_sorted_message() -> None:
    """Faults of types, of words and of rules across keys stand in one message, by path."""
    raw = config(
        {
            "models.qwen.source": "gs://bucket/path",
            "models.qwen.replicas": "two",
            "models.qwen.engine": "vlm",
            "monitoring": "prometheus",
            "gateway.listener": {"protocol": "HTTPS", "port": 443},
        }
    )
    with pytest.raises(ConfigFaultsError) as raised:
        validate(raw)

    assert str(raised.value) == MESSAGE


def test_one_fault_is_no_plural() -> None:
    """A message with one fault says so, and where the config came from."""
    with pytest.raises(ConfigFaultsError) as raised:
        validate(config({"models": REMOVED}), origin="Pulumi.x.yaml")

    assert str(raised.value) == (
        "1 fault in Pulumi.x.yaml; nothing was applied.\n\n  llm-d:models: is required but missing"
    )


def test_an_empty_config_lists_what_is_required() -> None:
    """Nothing at all gives the four required keys, once each."""
    with pytest.raises(ConfigFaultsError) as raised:
        validate({})

    assert raised.value.faults == tuple(
        Fault(path=path, problem="is required but missing") for path in ("cluster", "gpuPools", "models", "release")
    )


def test_a_fault_is_told_once() -> None:
    """A mapping whose key and value are wrong in the same way is one fault."""
    assert faults({"gpuPools.l4.nodeSelector": {0: None}}) == [
        Fault(path="gpuPools.l4.nodeSelector.0", problem="must be a string")
    ]


def test_the_config_itself_is_not_changed() -> None:
    """Validation takes faulty parts out of a copy: the caller's mapping stays what it was."""
    raw = config({"models.qwen.replicas": 0, "zzz": 1})
    with pytest.raises(ConfigFaultsError):
        validate(raw)

    assert raw == config({"models.qwen.replicas": 0, "zzz": 1})


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"models.qwen.souce": "x", "models.qwen.source": REMOVED}, ["models.qwen.souce", "models.qwen.source"]),
        ({"relase": "v0.4", "release": REMOVED}, ["relase", "release"]),
        ({"release": REMOVED, "engine": "vlm"}, ["engine", "release"]),
        ({"release": "v1", "models.qwen.engine": "vlm"}, ["models.qwen.engine", "release"]),
        (
            {"models.qwen.source": "x", "models.qwen.weights": "1 GB"},
            ["models.qwen.source", "models.qwen.weights"],
        ),
        ({"zzz": 1, "models.qwen.source": "x"}, ["models.qwen.source", "zzz"]),
        ({"models.qwen.image": 5, "models.qwen.source": "x"}, ["models.qwen.image", "models.qwen.source"]),
        ({"models.qwen.replicas": 0, "models.qwen.path": "x"}, ["models.qwen.path", "models.qwen.replicas"]),
        (
            {"gpuPools.l4.diskSizeGib": 1, "gpuPools.t4": {"instanceType": "g4dn.xlrage"}},
            ["gpuPools.l4.diskSizeGib", "gpuPools.t4.instanceType"],
        ),
        (
            {"models.qwen.picker": {"replicas": 0}, "gateway": {"provider": "istio", "replicas": 1}},
            ["gateway.replicas", "models.qwen.picker.replicas"],
        ),
        (
            {"models.a": {"source": "hf://a/b", "weights": "x"}, "models.b": {"source": "hf://a/c"}},
            ["models.a.weights", "models.b.weights"],
        ),
    ],
)
def test_a_fault_hides_no_rule_about_another_key(changes: dict[str, object], paths: list[str]) -> None:
    """What is independent of a fault is still found in the same run."""
    assert _paths(changes) == paths


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"models.b": {"source": "hf://a/b", "weights": "1 GB"}}, ["models.b.weights"]),
        ({"models.b": {"source": "hf://a/b", "weigths": "1Gi"}}, ["models.b.weigths"]),
        ({"models.qwen.engine": "vlm", "models.qwen.modelCommand": "imageDefault"}, ["models.qwen.engine"]),
        ({"models.qwen.engine": "customm", "models.qwen.custom": CUSTOM}, ["models.qwen.engine"]),
        ({"models.qwen.engine": "custom", "models.qwen.custom": {}}, CUSTOM_KEYS),
        ({"models.qwen.engine": "custom", "models.qwen.custm": CUSTOM}, ["models.qwen.custm"]),
        ({"engine": 5, "models.qwen.image": "sglang-runtime"}, ["engine"]),
        ({"enginee": "custom", "models.qwen.custom": CUSTOM}, ["enginee"]),
        ({"release": "v9", "engine": "tensorrt-llm"}, ["release"]),
        ({"models.b": {"source": "hf://Qwen/Qwen3-0.6B", "servedName": 1}}, ["models.b.servedName"]),
        ({"models.b": {"source": "hf://Qwen/Qwen3-0.6B", "servdName": "b"}}, ["models.b.servdName"]),
        ({"models.b": {"source": "hf://Qwen/Qwen3-8B", "path": "/qwen/", "pth": "/b"}}, ["models.b.pth"]),
        ({"gpuPools.l4": {}}, ["gpuPools.l4.instanceType"]),
        ({"gpuPools.l4": 5}, ["gpuPools.l4"]),
        ({"gpuPools": 5, "models.qwen.pool": "l4"}, ["gpuPools"]),
        ({"gpuPools.l4.maxSzie": 9, "models.qwen.replicas": 9}, ["gpuPools.l4.maxSzie"]),
        ({"gpuPools.l4.migProfile": "1g.5gb", "models.qwen.replicas": 9}, ["gpuPools.l4.migProfile"]),
        (
            {"gpuPools.big": {"instanceType": "p5.48xlrge"}, "models.b": {"source": "hf://Qwen/Qwen3-32B"}},
            ["gpuPools.big.instanceType"],
        ),
        ({"models.b": {"source": "hf://Qwen/Qwen3-32B", "parallelism": {"tensr": 8}}, "gpuPools.big": HUGE},
         ["models.b.parallelism.tensr"]),
        ({"gateway.listener": {"protocl": "HTTPS", "certificateSecret": "tls"}}, ["gateway.listener.protocl"]),
        ({"devicePlugin": {"sharing": "mps"}, "models.qwen.replicas": 9}, ["devicePlugin"]),
        ({"models.qwen.autoscaling": 5, "models.qwen.replicas": 9},
         ["models.qwen.autoscaling"]),
        ({"models.qwen.autoscaling": 5, "models.qwen.resources": {"memory": "1Ti"}},
         ["models.qwen.autoscaling"]),
        ({**EKS, "models.qwen.autoscaling": 5, "models.qwen.replicas": 2},
         ["models.qwen.autoscaling"]),
        ({**EKS, "models.qwen.prefill": {"replicas": -1}, "models.qwen.replicas": 2}, ["models.qwen.prefill.replicas"]),
    ],
)  # fmt: skip
def test_no_fault_only_follows_from_another(changes: dict[str, object], paths: list[str]) -> None:
    """What a fault makes impossible to judge is not judged: no second fault goes away with the first."""
    assert _paths(changes) == paths
