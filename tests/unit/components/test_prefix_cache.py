"""Precise prefix cache routing as objects: picker, servers and render servers are told one thing each, alike.

What these tests cannot prove: that the picker's image takes the config, or that a render server tokenizes as the engine
does.
"""

from typing import Any

import pytest
import yaml

from components.endpoint_picker import build as build_picker
from components.model_service import build as build_servers
from components.render_pool import RenderPoolArgs, build
from stacks.plan import ModelPlan
from tests.support.configs import SECRET, plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

PRECISE: dict[str, Any] = {"release": "v0.9", "models.qwen.precisePrefixCache": {}}
PICKER = {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}}


def _model(changes: dict[str, Any] | None = None) -> ModelPlan:
    return plan({**PRECISE, **(changes or {})}).models["qwen"]


def _render(changes: dict[str, Any] | None = None) -> RenderPoolArgs:
    render = _model(changes).render

    assert render is not None
    return render


def _config(model: ModelPlan) -> dict[str, Any]:
    return dict(yaml.safe_load(build_picker(model.picker)["config"]["data"]["plugins.yaml"]))


def _renderer(args: RenderPoolArgs) -> dict[str, Any]:
    (container,) = build(args)[""]["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_picker_is_told_how_to_follow_caches(engine: str) -> None:
    """Where prompts are tokenized, in which blocks and words the engine publishes and on which port; nothing else."""
    config = _config(_model({"engine": engine}))
    stated = {item["type"]: item.get("parameters") for item in config["plugins"]}

    assert list(stated)[:7] == [
        "token-producer",
        "endpoint-notification-source",
        "precise-prefix-cache-producer",
        "prefix-cache-scorer",
        "no-hit-lru-scorer",
        "kv-cache-utilization-scorer",
        "queue-scorer",
    ]
    assert stated["token-producer"] == {
        "modelName": "Qwen/Qwen3-0.6B",
        "vllm": {"url": "http://qwen-render.llm-d.svc.cluster.local:8000"},
    }
    assert stated["precise-prefix-cache-producer"] == {
        "tokenProcessorConfig": {"blockSizeTokens": 64},
        "speculativeIndexing": True,
        "indexerConfig": {"kvBlockIndexConfig": {"enableMetrics": True}},
        "kvEventsConfig": {
            "engineType": engine,
            "topicFilter": "kv@",
            "concurrency": 8,
            "discoverPods": True,
            "podDiscoveryConfig": {"socketPort": 5556},
        },
    }
    reads = {"prefixMatchInfoProducerName": "precise-prefix-cache-producer"}
    assert (stated["prefix-cache-scorer"], stated["no-hit-lru-scorer"]) == (reads, reads)
    assert "approx-prefix-cache-producer" not in stated
    assert config["dataLayer"]["sources"] == [
        {"pluginRef": "metrics-data-source", "extractors": [{"pluginRef": "core-metrics-extractor"}]},
        {"pluginRef": "endpoint-notification-source", "extractors": [{"pluginRef": "precise-prefix-cache-producer"}]},
    ]


@pytest.mark.parametrize(("engine", "flag"), [("vllm", "--block-size"), ("sglang", "--page-size")])
def test_both_sides_count_in_the_same_blocks(engine: str, flag: str) -> None:
    """The engine's argument and the picker's parameter are one value."""
    model = _model({"engine": engine})
    args = build_servers(model.service)[""]["spec"]["template"]["spec"]["containers"][0]["args"]
    plugins = {item["type"]: item.get("parameters") for item in _config(model)["plugins"]}
    producer = plugins["precise-prefix-cache-producer"]

    assert args[args.index(flag) + 1] == str(producer["tokenProcessorConfig"]["blockSizeTokens"])


def test_servers_publish_to_their_picker_alone() -> None:
    """The port of the events is the container's, and only the picker may reach it."""
    objects = build_servers(_model().service)
    (container,) = objects[""]["spec"]["template"]["spec"]["containers"]

    assert container["ports"] == [
        {"name": "http", "containerPort": 8000, "protocol": "TCP"},
        {"name": "kv-events", "containerPort": 5556, "protocol": "TCP"},
    ]
    assert {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}} in container["env"]
    assert objects["network"]["spec"]["ingress"][1:] == [
        {"from": [PICKER], "ports": [{"port": "kv-events", "protocol": "TCP"}]}
    ]


def test_without_it_nothing_is_published() -> None:
    """No port, no peer, no render server."""
    model = plan({"release": "v0.9"}).models["qwen"]
    objects = build_servers(model.service)
    (container,) = objects[""]["spec"]["template"]["spec"]["containers"]

    assert model.render is None
    assert [port["name"] for port in container["ports"]] == ["http"]
    assert len(objects["network"]["spec"]["ingress"]) == 1


def test_the_objects_of_a_render_pool() -> None:
    """Servers behind a Service, on any node, which the picker alone may ask."""
    objects = build(_render())
    labels = objects[""]["metadata"]["labels"]

    assert kinds_and_names(objects) == {
        "": ("Deployment", "qwen-render"),
        "account": ("ServiceAccount", "qwen-render"),
        "service": ("Service", "qwen-render"),
        "budget": ("PodDisruptionBudget", "qwen-render"),
        "network": ("NetworkPolicy", "qwen-render"),
    }
    assert objects["network"]["spec"] == {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [PICKER], "ports": [{"port": "http", "protocol": "TCP"}]}],
    }
    assert objects["service"]["spec"]["selector"] == labels
    assert "nodeSelector" not in objects[""]["spec"]["template"]["spec"]


def test_a_render_server_has_the_models_tokenizer_and_name() -> None:
    """Repository and revision are the model's own, whatever serves it, and it answers to the name that is asked for."""
    container = _renderer(_render({"engine": "sglang", "models.qwen.revision": "v1", "models.qwen.servedName": "chat"}))

    assert container["command"] == ["vllm", "launch", "render"]
    assert container["args"] == [
        *("Qwen/Qwen3-0.6B", "--port", "8000", "--served-model-name", "chat"),
        *("--revision", "v1", "--disable-uvicorn-access-log"),
    ]
    assert container["image"] == "docker.io/vllm/vllm-openai-cpu:v0.26.0"


def test_a_render_server_takes_what_it_is_given() -> None:
    """Replicas, CPU and a third of the memory's limit are the config's, the token a Secret's, the image a mirror's."""
    render = {"replicas": 5, "cpu": "2", "memory": "3Gi"}
    args = _render(
        {
            "models.qwen.precisePrefixCache": {"render": render},
            "huggingFace": {"token": SECRET},
            "images": {"registry": "mirror.example.com", "pullSecrets": ["pull"]},
        }
    )
    spec, container = build(args)[""]["spec"], _renderer(args)

    assert (spec["replicas"], spec["template"]["spec"]["imagePullSecrets"]) == (5, [{"name": "pull"}])
    assert container["image"] == "mirror.example.com/vllm/vllm-openai-cpu:v0.26.0"
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "3072Mi", "ephemeral-storage": "4Gi"},
        "limits": {"memory": "9216Mi"},
    }
    assert container["env"][-1] == {
        "name": "HF_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "hugging-face-token", "key": "HF_TOKEN"}},
    }


def test_render_servers_pass_the_restricted_standard() -> None:
    """The serving namespace would admit them otherwise not."""
    assert restricted_violations(build(_render())[""]["spec"]["template"]) == []
