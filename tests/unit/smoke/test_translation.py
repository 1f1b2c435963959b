"""What stands between a rendered picker and the one that runs: each entry does what it says, and no more."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from operate.errors import OperateError
from operate.smoke.translation import Invocation, built_picker
from releases import RELEASES

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
    invocation = _BEFORE if config is None else replace(_BEFORE, files={"/config/plugins.yaml": yaml.safe_dump(config)})
    for step in built_picker(image).steps:
        invocation = step.apply(invocation)
    return invocation.args, yaml.safe_load(invocation.files["/config/plugins.yaml"])


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


def test_every_lines_picker_can_be_run() -> None:
    """A release line whose image has no entry would fail only in `make smoke`."""
    titles = {name: built_picker(release.images["picker"].reference).title for name, release in RELEASES.items()}

    assert {name: title.partition(",")[0] for name, title in titles.items()} == {
        "v0.4": "GAIE EPP v1.2.0",
        "v0.9": "GAIE EPP v1.5.0",
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
    with pytest.raises(OperateError, match=r"no picker can be built for image x/epp:v9; there is one for llm-d-inf"):
        built_picker("x/epp:v9")
