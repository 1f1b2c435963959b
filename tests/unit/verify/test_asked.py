"""What a picker was told to read, as verify finds it on a cluster."""

import yaml

from components.endpoint_picker import build
from operate.verify.asked import AskedMetrics, asked_metrics
from releases import RELEASES
from tests.support.configs import plan

_FLAGS = RELEASES["v0.4"].picker
_PLUGINS = RELEASES["v0.9"].picker


def _rendered(release: str, engine: str) -> tuple[tuple[str, ...], str]:
    objects = build(plan({"release": release, "engine": engine}).models["qwen"].picker)
    container = objects[""]["spec"]["template"]["spec"]["containers"][0]
    return tuple(container["args"]), objects["config"]["data"]["plugins.yaml"]


def test_both_dialects_are_read_back_from_what_is_rendered() -> None:
    """Flags of v0.4 and plugins of v0.9 say the same of SGLang."""
    expected = AskedMetrics(
        path="/metrics", queued_requests="sglang:num_queue_reqs", kv_cache_usage="sglang:token_usage"
    )

    assert asked_metrics(_FLAGS, *_rendered("v0.4", "sglang"), engine=None) == expected
    assert asked_metrics(_PLUGINS, *_rendered("v0.9", "sglang"), engine="sglang") == expected


def test_the_path_is_read_too() -> None:
    """TensorRT-LLM's page is elsewhere."""
    asked = asked_metrics(_PLUGINS, *_rendered("v0.9", "tensorrt-llm"), engine="trtllm-serve")

    assert asked is not None
    assert asked.path == "/prometheus/metrics"


def test_a_picker_that_is_told_nothing_is_found_out() -> None:
    """Without flags, without the extractor, or for an engine that it was not told of, the answer is None."""
    args, config = _rendered("v0.9", "sglang")
    bare = yaml.safe_dump({"plugins": [{"type": "queue-scorer"}]})

    assert asked_metrics(_FLAGS, ("--pool-name=qwen",), "{}", engine=None) is None
    assert asked_metrics(_PLUGINS, args, bare, engine="sglang") is None
    assert asked_metrics(_PLUGINS, args, config, engine="vllm") is None


def test_a_pod_without_the_label_counts_as_the_default_engine() -> None:
    """As the picker itself does it."""
    args, config = _rendered("v0.9", "sglang")

    assert asked_metrics(_PLUGINS, args, config, engine=None) == asked_metrics(_PLUGINS, args, config, engine="sglang")
