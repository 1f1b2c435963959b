"""Release lines: everything pinned, every dialect said in words that the program knows.

What these tests cannot prove: that an image with this tag exists or that its flags are these; the sources named in
each pin say where that was read.
"""

import re
from dataclasses import fields

import pytest
from packaging.version import Version

from engines import ENGINES, MetricMap
from releases import RELEASES, CrdBundle, ImagePin, Release

PINNED_TAG = re.compile(r"[\w./-]+:(distroless-)?v?\d+\.\d+\.\d+[\w.-]*")
LINES = list(RELEASES.values())
BUNDLES = [bundle for line in LINES for bundle in line.crd_bundles]


def _pins(line: Release) -> list[ImagePin]:
    return [*line.images.values(), *(pin for engine in line.engines.values() for pin in engine.images.values())]


def test_the_lines_are_these() -> None:
    """Each line is called as the config calls it; there is no `latest`."""
    assert {name: line.name for name, line in RELEASES.items()} == {"v0.4": "v0.4", "v0.9": "v0.9"}


@pytest.mark.parametrize("pin", [pin for line in LINES for pin in _pins(line)], ids=lambda pin: pin.reference)
def test_every_image_is_pinned_to_a_full_version(pin: ImagePin) -> None:
    """No tag floats: each is a full version, with the source that it was taken from."""
    assert PINNED_TAG.fullmatch(pin.reference)
    assert pin.source != ""


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_engine_of_a_line_has_its_default_image(line: Release) -> None:
    """The default names an image of the engine, and the command is one that the engine knows."""
    offered = {name: True for name in ENGINES if name not in line.refused_engines}

    assert {name: pins.default in pins.images for name, pins in line.engines.items()} == offered
    assert {name for name, pins in line.engines.items() if pins.model_command not in ENGINES[name].model_commands} == (
        set()
    )


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_an_engine_is_offered_or_refused(line: Release) -> None:
    """No engine is both in a line and refused by it."""
    assert line.engines.keys() & line.refused_engines.keys() == set()


@pytest.mark.parametrize(
    ("line", "images"),
    [
        (
            "v0.4",
            [
                "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20",
                "docker.io/envoyproxy/envoy:distroless-v1.33.2",
                "docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
                "docker.io/vllm/vllm-openai:v0.12.0",
                "ghcr.io/llm-d/llm-d-cuda:v0.4.0",
                "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0",
                "ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
                "nvcr.io/nvidia/k8s-device-plugin:v0.20.0",
                "registry.k8s.io/gateway-api-inference-extension/bbr:v1.2.0",
            ],
        ),
        (
            "v0.9",
            [
                "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20",
                "docker.io/envoyproxy/envoy:distroless-v1.33.2",
                "docker.io/lmsysorg/sglang:v0.5.13.post1",
                "docker.io/vllm/vllm-openai-cpu:v0.26.0",
                "docker.io/vllm/vllm-openai:v0.26.0",
                "ghcr.io/llm-d/llm-d-aws:v0.9.0",
                "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0",
                "ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
                "nvcr.io/nvidia/k8s-device-plugin:v0.20.0",
                "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc18",
                "registry.k8s.io/gateway-api-inference-extension/bbr:v1.5.0",
            ],
        ),
    ],
)
def test_the_images_of_a_line_are_these(line: str, images: list[str]) -> None:
    """A line pins exactly these images: whoever mirrors them needs the whole list."""
    assert sorted(pin.reference for pin in _pins(RELEASES[line])) == images


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_engine_image_says_which_version_it_holds(line: Release) -> None:
    """The version decides flags and metrics, so each engine's image has one, and its tag or source says it too."""
    pins = [pin for engine in line.engines.values() for pin in engine.images.values()]

    assert [pin.reference for pin in pins if pin.engine_version not in f"{pin.reference} {pin.source}"] == []
    assert [pin.reference for pin in pins if str(Version(pin.engine_version)) != pin.engine_version] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_no_pin_is_older_than_its_engine_bears(line: Release) -> None:
    """What a rule refuses of a user's image a line does not pin itself."""
    floors = {name: engine.version_floor for name, engine in ENGINES.items()}
    too_old = [
        pin.reference
        for name, engine in line.engines.items()
        for pin in engine.images.values()
        if (floor := floors[name]) is not None and Version(pin.engine_version) < Version(floor.version)
    ]

    assert too_old == []


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_a_bundle_is_pinned_file_by_file(bundle: CrdBundle) -> None:
    """A bundle has a full version, and each file a checksum of its own."""
    assert re.fullmatch(r"v\d+\.\d+\.\d+", bundle.version)
    assert [file.path for file in bundle.files if not re.fullmatch(r"[0-9a-f]{64}", file.sha256)] == []
    assert len({file.sha256 for file in bundle.files}) == len(bundle.files)
    assert len({file.path for file in bundle.files}) == len(bundle.files)


def test_the_url_of_a_file_is_its_tag_and_path() -> None:
    """A file is fetched at the bundle's tag, never at a branch."""
    bundle = RELEASES["v0.4"].crd_bundles[1]

    assert bundle.url(bundle.files[0]) == (
        "https://raw.githubusercontent.com/kubernetes-sigs/gateway-api-inference-extension/v1.2.0/"
        "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml"
    )


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_metric_flags_are_said_of_real_metrics(line: Release) -> None:
    """Each flag or parameter is of a field that every engine's metric map has, and none is said twice."""
    known = {field.name for field in fields(MetricMap)} - {"path"}

    said = [*line.picker.metric_flags.items(), *line.picker.metric_parameters.items()]

    assert len(said) >= 4
    assert {field for field, _ in said} <= known
    assert len({text for _, text in said}) == len(said)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_line_says_the_metric_map_in_one_way(line: Release) -> None:
    """By flags or by plugins: said in both ways, the later picker refuses to start."""
    by_flags = {bool(line.picker.metric_flags), line.picker.metrics_path_flag is not None}
    by_plugins = {
        bool(line.picker.metric_parameters),
        line.picker.metrics_source_plugin is not None,
        line.picker.metrics_extractor_plugin is not None,
        line.labels.engine_type is not None,
    }

    assert (by_flags, by_plugins) in [({True}, {False}), ({False}, {True})]


def test_the_dialect_of_v0_4() -> None:
    """Line v0.4 says the metric map by flags alone, and its pods carry no engine label."""
    line = RELEASES["v0.4"]

    assert line.pool_api_group == "inference.networking.k8s.io"
    assert line.labels.inference_serving == "llm-d.ai/inferenceServing"
    assert line.labels.engine_type is None
    assert (line.picker.metrics_source_plugin, line.picker.metrics_extractor_plugin) == (None, None)
    assert line.picker.scorers == (
        ("queue-scorer", 2),
        ("kv-cache-utilization-scorer", 2),
        ("prefix-cache-scorer", 3),
    )
    assert line.picker.metric_flags == {
        "queued_requests": "total-queued-requests-metric",
        "kv_cache_usage": "kv-cache-usage-percentage-metric",
        "lora_info": "lora-info-metric",
        "cache_info": "cache-info-metric",
    }


def test_the_dialect_of_v0_9() -> None:
    """Line v0.9 says the metric map by plugins alone and labels its pods; objectives are in llm-d's group."""
    line = RELEASES["v0.9"]

    assert line.pool_api_group == "inference.networking.k8s.io"
    assert (line.labels.inference_serving, line.labels.engine_type) == (
        "llm-d.ai/inference-serving",
        "llm-d.ai/engine-type",
    )
    assert (line.picker.config_api_version, line.picker.objectives_api_group) == ("llm-d.ai/v1alpha1", "llm-d.ai")
    assert (line.picker.metrics_source_plugin, line.picker.metrics_extractor_plugin) == (
        "metrics-data-source",
        "core-metrics-extractor",
    )
    assert line.picker.scorers == (
        ("queue-scorer", 2),
        ("kv-cache-utilization-scorer", 2),
        ("prefix-cache-scorer", 3),
        ("no-hit-lru-scorer", 2),
    )


def test_objectives_have_one_api_group_in_each_line() -> None:
    """With the CRDs of both groups in a cluster the picker ignores the objects of the old one without a word."""
    groups = {
        name: {
            file.path.rpartition("/")[2].partition("_")[0]
            for bundle in line.crd_bundles
            for file in bundle.files
            if "objectives" in file.path
        }
        for name, line in RELEASES.items()
    }

    assert groups == {name: {line.picker.objectives_api_group} for name, line in RELEASES.items()}
    assert groups == {"v0.4": {"inference.networking.x-k8s.io"}, "v0.9": {"llm-d.ai"}}
