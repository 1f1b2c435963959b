"""The plan of a stack: values that two components share are the same value.

What these tests cannot prove: that the shared value is right; the tests of the components and of the lab look at it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from components.endpoint_picker import EndpointPickerArgs
from components.endpoint_picker import build as build_picker
from components.model_service import ModelServiceArgs, Weights
from components.model_service import build as build_servers
from components.pods import peer
from engines import ENGINES
from stacks import StackPlan
from tests.support.configs import SECRET, plan
from tests.support.manifests import of_kind, platform_objects, serving_objects
from tests.support.references import pod_templates

CUSTOM: dict[str, Any] = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "port": 9000,
    "metrics": {"path": "/m", "queuedRequests": "waiting", "kvCacheUsage": "usage"},
}
TWO_ENGINES = {"models.other": {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang"}}
CUSTOM_ENGINE = {"models.qwen.engine": "custom", "models.qwen.custom": CUSTOM}
STACKS = [
    {},
    {"engine": "sglang"},
    TWO_ENGINES,
    CUSTOM_ENGINE,
    {"gateway": {"provider": "istio"}, **TWO_ENGINES},
    {"monitoring": "prometheus-operator"},
]


def _models(made: StackPlan) -> Iterator[tuple[ModelServiceArgs, EndpointPickerArgs]]:
    return ((model.service, model.picker) for model in made.models.values())


def _images(objects: list[dict[str, Any]]) -> list[str]:
    specs = [template["spec"] for _, template in pod_templates(objects)]
    return [
        container["image"] for spec in specs for container in [*spec.get("initContainers", []), *spec["containers"]]
    ]


@pytest.mark.parametrize("changes", STACKS)
def test_what_two_components_share_agrees(changes: dict[str, Any]) -> None:
    """Group of route and pool, metrics of picker and engine, ports of pool and container come from one value."""
    made = plan(changes)

    for name, model in made.models.items():
        pool = build_picker(model.picker)["pool"]
        (container,) = build_servers(model.service)[""]["spec"]["template"]["spec"]["containers"]
        assert model.route.pool_api_group == pool["apiVersion"].partition("/")[0]
        assert model.picker.metrics == model.service.engine.metrics(model.service.engine_version)
        assert [port["number"] for port in pool["spec"]["targetPorts"]] == [
            port["containerPort"] for port in container["ports"]
        ]
        assert pool["spec"]["endpointPickerRef"]["failureMode"] == model.route.failure_mode
        assert {model.service.model, model.picker.model, model.route.model} == {name}
        assert {model.service.namespace, model.picker.namespace, made.gateway.namespace} == {"llm-d"}
        assert model.picker.clients == made.gateway.proxies
        assert model.service.clients == (*made.gateway.proxies, peer({"inferencepool": f"{name}-epp"}))
    assert made.gateway.routes == tuple(model.route for model in made.models.values())


@pytest.mark.parametrize("changes", STACKS)
def test_a_pool_selects_its_own_models_pods_and_no_others(changes: dict[str, Any]) -> None:
    """Every pool matches exactly one workload of the stack: its model's, whatever the engines."""
    objects = serving_objects(plan(changes))
    selected = {
        pool["metadata"]["name"]: [
            workload["metadata"]["name"]
            for workload, template in pod_templates(objects)
            if pool["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        ]
        for pool in of_kind(objects, "InferencePool")
    }

    assert selected == {name: [f"{name}-decode"] for name in plan(changes).models}


def test_the_engine_switch_moves_models_that_name_no_engine() -> None:
    """`engine` alone moves image, command and metrics of a model, and leaves one that names its own engine."""
    changes = {"models.other": {"source": "hf://Qwen/Qwen3-8B", "engine": "vllm"}}
    before, after = plan(changes), plan({**changes, "engine": "sglang"})

    assert before.models["other"] == after.models["other"]
    assert [
        (model.service.engine.name, model.service.image, model.service.model_command, model.picker.metrics)
        for model in (before.models["qwen"], after.models["qwen"])
    ] == [
        ("vllm", "ghcr.io/llm-d/llm-d-cuda:v0.4.0", "vllmServe", ENGINES["vllm"].metrics("0.11.2")),
        (
            "sglang",
            "docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
            "custom",
            ENGINES["sglang"].metrics("0.5.6.post2"),
        ),
    ]
    assert before.gateway == after.gateway


@pytest.mark.parametrize(
    ("changes", "image"),
    [
        ({}, "ghcr.io/llm-d/llm-d-cuda:v0.4.0"),
        ({"engines": {"vllm": {"image": "vllm-openai"}}}, "docker.io/vllm/vllm-openai:v0.12.0"),
        ({"engines": {"sglang": {"image": "example.com/a:1"}}}, "ghcr.io/llm-d/llm-d-cuda:v0.4.0"),
        ({"engines": {"vllm": {"image": "vllm-openai"}}, "models.qwen.image": "llm-d-cuda"},
         "ghcr.io/llm-d/llm-d-cuda:v0.4.0"),
        ({"models.qwen.image": "example.com/mine:2"}, "example.com/mine:2"),
        (CUSTOM_ENGINE, "registry.example.com/engine:1.0"),
    ],
)  # fmt: skip
def test_the_image_of_an_engine(changes: dict[str, Any], image: str) -> None:
    """The model's image wins over the stack's for the engine, which wins over the line's default."""
    assert plan(changes).models["qwen"].service.image == image


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, "0.11.2"),
        ({"models.qwen.image": "vllm-openai"}, "0.12.0"),
        ({"models.qwen.image": "docker.io/vllm/vllm-openai:v0.12.0"}, "0.12.0"),
        ({"models.qwen.image": "example.com/mine:2"}, "0.11.2"),
        ({"release": "v0.9"}, "0.26.0"),
        ({"release": "v0.9", "engine": "sglang"}, "0.5.13.post1"),
        (CUSTOM_ENGINE, ""),
    ],
)
def test_the_version_of_an_engine_is_that_of_its_image(changes: dict[str, Any], version: str) -> None:
    """An image that the line does not know is taken for what the line has; engine custom has no version."""
    assert plan(changes).models["qwen"].service.engine_version == version


def test_a_custom_engine_is_made_of_the_models_block() -> None:
    """Port, probes, command and metrics of engine custom reach servers and picker alike."""
    made = plan(CUSTOM_ENGINE).models["qwen"]

    assert (made.service.engine.name, made.service.model_command, made.picker.target_port) == ("custom", "custom", 9000)
    assert (made.picker.metrics.path, made.picker.metrics.queued_requests, made.picker.metrics.kv_cache_usage) == (
        "/m",
        "waiting",
        "usage",
    )


@pytest.mark.parametrize("provider", ["standalone", "istio"])
def test_mirror_and_pull_secrets_reach_every_pod(provider: str) -> None:
    """No image of any component of the plan is pulled past the mirror, and none without the pull secrets."""
    changes = {
        "images": {"registry": "mirror.example.com/x", "pullSecrets": ["one", "two"]},
        "gateway": {"provider": provider},
        "devicePlugin": {"sharing": "time-slicing", "replicas": 2},
        "models.other": {"source": "hf://example/other", "weights": "1Gi", "engine": "sglang"},
        "models.mine": {"source": "hf://example/mine", "weights": "1Gi", "engine": "custom", "custom": CUSTOM},
    }
    made = plan(changes)
    objects = [*platform_objects(made), *serving_objects(made)]
    router = ["mirror.example.com/x/gateway-api-inference-extension/bbr:v1.2.0"] if provider == "istio" else []

    assert sorted(set(_images(objects))) == [
        "mirror.example.com/x/engine:1.0",
        "mirror.example.com/x/envoyproxy/envoy:distroless-v1.33.2",
        *router,
        "mirror.example.com/x/llm-d/llm-d-cuda:v0.4.0",
        "mirror.example.com/x/llm-d/llm-d-inference-scheduler:v0.4.0",
        "mirror.example.com/x/lmsysorg/sglang:v0.5.6.post2-runtime",
        "mirror.example.com/x/nvidia/k8s-device-plugin:v0.20.0",
    ]
    secrets = [template["spec"].get("imagePullSecrets") for _, template in pod_templates(objects)]
    assert secrets == [[{"name": "one"}, {"name": "two"}]] * len(secrets)
    assert made.gateway.pull_secrets == ("one", "two")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Weights(model="Qwen/Qwen3-0.6B", size_bytes=1_503_264_768)),
        (
            {"huggingFace": {"tokenSecret": "hf"}},
            Weights(model="Qwen/Qwen3-0.6B", size_bytes=1_503_264_768, token_secret="hf"),
        ),
        (
            {"huggingFace": {"token": SECRET}},
            Weights(model="Qwen/Qwen3-0.6B", size_bytes=1_503_264_768, token_secret="hugging-face-token"),
        ),
        (
            {"models.qwen": {"source": "pvc://c/p", "weights": 7}, "huggingFace": {"token": SECRET}},
            Weights(model="p", size_bytes=7, claim="c"),
        ),
    ],
)
def test_where_the_weights_come_from(changes: dict[str, Any], expected: Weights) -> None:
    """A token is only for downloads, and its Secret is the user's or the stack's own."""
    made = plan(changes)

    assert made.models["qwen"].service.weights == expected
    assert made.creates_token_secret is (changes.get("huggingFace") == {"token": SECRET})


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        (
            {"l4": {"instanceType": "g6.xlarge"}},
            ([{"node.kubernetes.io/instance-type": "g6.xlarge"}], ("nvidia.com/gpu",), ("nvidia.com/gpu",)),
        ),
        (
            {
                "l4": {"instanceType": "g6.xlarge", "advertiser": "external"},
                "t4": {"instanceType": "g4dn.xlarge", "taint": {"key": "x"}, "nodeSelector": {"pool": "t4"}},
            },
            ([{"pool": "t4"}], ("nvidia.com/gpu",), ("x",)),
        ),
    ],
)
def test_the_device_plugin_runs_where_it_advertises(pools: dict[str, Any], expected: tuple[object, ...]) -> None:
    """The plugin gets the pools whose advertiser it is, with their taints, and no others."""
    plugin = plan({"gpuPools": pools}).device_plugin

    assert plugin is not None
    assert ([dict(pool) for pool in plugin.pool_selectors], plugin.resources, plugin.taint_keys) == expected


def test_no_device_plugin_where_others_advertise() -> None:
    """With another advertiser on every pool there is no plugin at all."""
    assert plan({"gpuPools.l4.advertiser": "external"}).device_plugin is None


@pytest.mark.parametrize(("crds", "install"), [("install", True), ("existing", False)])
def test_crds_are_installed_where_the_stack_says(crds: str, *, install: bool) -> None:
    """`existing` leaves the CRDs to whoever brought them."""
    assert plan({"crds": crds}).install_crds is install


def test_the_same_config_is_the_same_plan() -> None:
    """Nothing in a plan depends on a clock, a network or the order of keys."""
    models = {"a": {"source": "hf://Qwen/Qwen3-8B"}, "b": {"source": "hf://Qwen/Qwen3-0.6B"}}
    forward, backward = (serving_objects(plan({"models": dict(items)})) for items in (
        models.items(), reversed(models.items())
    ))  # fmt: skip

    assert forward == backward
