"""What stands between a rendered picker and the one that runs: each entry does what it says, and no more."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.endpoint_picker import build as build_picker
from operate.errors import OperateError
from operate.smoke.translation import Invocation, Need, built_picker, need_of, translated
from releases import RELEASES
from tests.support.configs import plan

_CONFIG = {
    "apiVersion": "llm-d.ai/v1alpha1",
    "kind": "EndpointPickerConfig",
    "plugins": [{"type": "queue-scorer"}, {"type": "no-hit-lru-scorer"}],
    "schedulingProfiles": [
        {
            "name": "default",
            "plugins": [{"pluginRef": "queue-scorer", "weight": 2}, {"pluginRef": "no-hit-lru-scorer", "weight": 2}],
        }
    ],
}
_BEFORE = Invocation(
    args=("--pool-name=m", "--metrics-endpoint-auth=true"), files={"/config/plugins.yaml": yaml.safe_dump(_CONFIG)}
)


def _translated(image: str, config: Mapping[str, object] | None = None) -> tuple[tuple[str, ...], dict[str, object]]:
    before = _BEFORE if config is None else replace(_BEFORE, files={"/config/plugins.yaml": yaml.safe_dump(config)})
    invocation = translated(before, built_picker(image).steps)
    return invocation.args, yaml.safe_load(invocation.files["/config/plugins.yaml"])


def _disaggregated(release: str) -> tuple[tuple[str, ...], dict[str, Any], tuple[str, ...], dict[str, Any]]:
    """Args and config of a picker that picks servers of either role, as its line renders them and as they are run."""
    args = plan({"release": release, "models.qwen.prefill": {"replicas": 2}}).models["qwen"].picker
    objects = build_picker(args)
    (container,) = objects[""]["spec"]["template"]["spec"]["containers"]
    before = Invocation(args=tuple(container["args"]), files=objects["config"]["data"])
    after = translated(before, built_picker(args.image, need_of(args)).steps)
    configs = [yaml.safe_load(item.files["plugins.yaml"]) for item in (before, after)]
    return before.args, configs[0], after.args, configs[1]


def test_the_older_lines_picker_differs_by_two_flags() -> None:
    """Flags are replaced, not doubled, and the config stays byte by byte."""
    args, config = _translated("registry.example.com/ghcr/llm-d/llm-d-inference-scheduler:v0.4.0")

    assert args == (
        "--pool-name=m",
        "--refresh-prometheus-metrics-interval=200ms",
        "--metrics-endpoint-auth=false",
    )
    assert config == _CONFIG


def test_the_newer_lines_picker_gets_the_format_before_its_move_and_without_llm_ds_plugin() -> None:
    """The API group, and one scorer with its reference, are all that changes in the config."""
    _, config = _translated("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0")

    assert config == {
        **_CONFIG,
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "plugins": [{"type": "queue-scorer"}],
        "schedulingProfiles": [{"name": "default", "plugins": [{"pluginRef": "queue-scorer", "weight": 2}]}],
    }


def test_a_picker_that_cannot_follow_caches_counts_what_it_has_sent() -> None:
    """Producer, tokenizer and their source of data go, and what made the prefix scorer read them."""
    producer = {"type": "precise-prefix-cache-producer", "parameters": {"speculativeIndexing": True}}
    scorer = {"type": "prefix-cache-scorer", "parameters": {"prefixMatchInfoProducerName": producer["type"]}}
    metrics = {"pluginRef": "metrics-data-source", "extractors": [{"pluginRef": "core-metrics-extractor"}]}
    followed = {"pluginRef": "endpoint-notification-source", "extractors": [{"pluginRef": producer["type"]}]}
    queue = {"type": "queue-scorer", "parameters": {"a": 1}}
    before = {
        **_CONFIG,
        "plugins": [{"type": "token-producer"}, {"type": "endpoint-notification-source"}, producer, scorer, queue],
        "dataLayer": {"sources": [metrics, followed]},
    }

    _, config = _translated("llm-d-router-endpoint-picker:v0.10.0", before)

    assert (config["plugins"], config["dataLayer"]) == (
        [{"type": "prefix-cache-scorer"}, queue],
        {"sources": [metrics]},
    )


def test_llm_ds_own_picker_is_told_in_the_place_of_the_newer_lines() -> None:
    """Names that moved since, and the plugin that sets the header; the roles' profiles are the rendered ones."""
    _, config, _, after = _disaggregated("v0.9")
    plugins = [{"type": "disagg-headers-handler"}, *config["plugins"]]
    plugins[-1] = plugins[-1] | {"type": "model-server-protocol-metrics"}

    assert config["plugins"][-1]["type"] == "core-metrics-extractor"
    assert after == {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "featureGates": ["dataLayer"],
        "plugins": plugins,
        "schedulingProfiles": config["schedulingProfiles"],
        "data": {
            "sources": [
                {"pluginRef": "metrics-data-source", "extractors": [{"pluginRef": "model-server-protocol-metrics"}]}
            ]
        },
    }


def test_llm_ds_own_picker_is_told_in_the_place_of_the_older_lines() -> None:
    """A threshold of 0 by the plugin that means it, and the metric map, names and path, by plugins instead of flags."""
    args, config, args_after, after = _disaggregated("v0.4")
    engine = {
        "name": "as-flagged",
        "queuedRequestsSpec": "vllm:num_requests_waiting",
        "kvUsageSpec": "vllm:kv_cache_usage_perc",
        "loraSpec": "vllm:lora_requests_info",
        "cacheInfoSpec": "vllm:cache_config_info",
    }
    handler = config["plugins"][-1]

    assert sorted(set(args) - set(args_after)) == [
        "--cache-info-metric=vllm:cache_config_info",
        "--kv-cache-usage-percentage-metric=vllm:kv_cache_usage_perc",
        "--lora-info-metric=vllm:lora_requests_info",
        "--model-server-metrics-path=/metrics",
        "--total-queued-requests-metric=vllm:num_requests_waiting",
    ]
    assert handler == {"type": "pd-profile-handler", "parameters": {"threshold": 0}}
    assert after["plugins"] == [
        {"type": "always-disagg-pd-decider"},
        *config["plugins"][:-1],
        {"type": "pd-profile-handler", "parameters": {"deciderPluginName": "always-disagg-pd-decider"}},
        {"type": "metrics-data-source", "parameters": {"scheme": "http", "path": "/metrics"}},
        {
            "type": "model-server-protocol-metrics",
            "parameters": {"defaultEngine": "as-flagged", "engineConfigs": [engine]},
        },
    ]
    assert after["schedulingProfiles"] == config["schedulingProfiles"]
    assert after["featureGates"] == ["dataLayer"]


def test_what_a_picker_may_beyond_its_image_is_told_with_the_rest() -> None:
    """Rights are no step of its start, and would otherwise be given without a word."""
    built = built_picker("llm-d-inference-scheduler:v0.4.0", Need.DISAGGREGATION)

    assert [step.what for step in built.differences[len(built.steps) :]] == [
        "its account may watch inferencemodelrewrites"
    ]


def test_every_lines_picker_can_be_run() -> None:
    """A release line whose image has no entry would fail only in `make smoke`."""
    images = {name: release.images["picker"].reference for name, release in RELEASES.items()}
    titles = {(name, need): built_picker(image, need).title for name, image in images.items() for need in Need}

    assert {key: title.partition(",")[0] for key, title in titles.items()} == {
        ("v0.4", "scheduling"): "GAIE EPP v1.2.0",
        ("v0.9", "scheduling"): "GAIE EPP v1.5.0",
        ("v0.4", "prefill/decode"): "llm-d-inference-scheduler v0.7.1",
        ("v0.9", "prefill/decode"): "llm-d-inference-scheduler v0.7.1",
    }


def test_objectives_are_put_where_the_picker_looks_for_them() -> None:
    """Only the newer line's group is another than that of the picker which runs in its place."""
    groups = {
        name: (line.picker.objectives_api_group, built_picker(line.images["picker"].reference).objectives_group)
        for name, line in RELEASES.items()
    }

    assert groups == {
        "v0.4": ("inference.networking.x-k8s.io", None),
        "v0.9": ("llm-d.ai", "inference.networking.x-k8s.io"),
    }


def test_an_image_without_an_entry_is_refused() -> None:
    """Nothing is run by guess; the message says what could be."""
    with pytest.raises(
        OperateError, match=r"no picker for scheduling can be built for image x/epp:v9; there is one for"
    ):
        built_picker("x/epp:v9")
