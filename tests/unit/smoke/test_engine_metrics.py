"""What is put in front of the simulated engine: names from the engines' own sources."""

import pytest

from engines import CUSTOM, ENGINES, MetricMap
from operate.errors import OperateError
from operate.smoke.engine_metrics import engine_metrics, figures_of_simulator
from operate.smoke.extract_metrics import gauges
from operate.verify.figures import metric_names
from releases import RELEASES

_SOURCE = """
class Collector:
    def __init__(self):
        self.prefix = "engine_"
        self.a = Gauge(name="engine:queue", documentation="Waiting.", labelnames=[])
        self.b = prometheus.Gauge(name=self.prefix + "kv", documentation="Cache.")
        self.c = Counter(name="engine:total", documentation="All.")
        self.d = Gauge(name=computed(), documentation="Unknown.")
"""

_PAGE = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m"} 4
vllm:num_requests_waiting{model_name="m"} 3
vllm:kv_cache_usage_perc{model_name="m"} 0.25
"""


def test_gauges_are_read_from_source() -> None:
    """Constant names and names with a prefix are found; counters and computed names are not taken for gauges."""
    assert gauges(_SOURCE) == {"engine:queue": "Waiting.", "engine_kv": "Cache."}


def test_every_pinned_engine_tells_what_our_map_reads() -> None:
    """Of every image of every line: each figure of the metric map is on the page that the engine's source makes."""
    checked = []
    for release in RELEASES.values():
        for engine, pins in release.engines.items():
            for image in pins.images.values():
                told = ENGINES[engine].metrics(image.engine_version)
                page = engine_metrics(engine, image.engine_version, told)
                if page is None:
                    continue
                names = metric_names(page.answer(told.path, {}, "m"))
                assert {told.queued_requests, told.kv_cache_usage} <= names
                checked.append((release.name, engine))
    assert checked == [("v0.4", "sglang"), ("v0.9", "sglang"), ("v0.9", "tensorrt-llm")]


def test_figures_come_through_under_the_engines_names() -> None:
    """The simulated engine's load is told in SGLang's words, and what it does not know is zero."""
    page = engine_metrics("sglang", "0.5.6.post2", ENGINES["sglang"].metrics("0.5.6.post2"))
    assert page is not None
    lines = page.page(figures_of_simulator(_PAGE), "m").splitlines()

    assert 'sglang:num_queue_reqs{model_name="m"} 3.0' in lines
    assert 'sglang:token_usage{model_name="m"} 0.25' in lines
    assert 'sglang:cache_hit_rate{model_name="m"} 0.0' in lines
    assert not any("vllm" in line for line in lines)


def test_tensorrt_llm_has_no_page_where_the_others_have_theirs() -> None:
    """Plain /metrics is JSON there: a picker that scrapes it must find nothing."""
    page = engine_metrics("tensorrt-llm", "1.3.0rc18", ENGINES["tensorrt-llm"].metrics("1.3.0rc18"))
    assert page is not None

    assert (page.path, page.answer("/metrics", {}, "m")) == ("/prometheus/metrics", "[]")


def test_an_engine_of_ones_own_is_taken_at_its_word() -> None:
    """There is no source to read: its config says what it tells."""
    told = MetricMap(path="/stats", queued_requests="own_queue", kv_cache_usage="own_cache")
    page = engine_metrics(CUSTOM, "", told)
    assert page is not None

    assert metric_names(page.answer("/stats", {}, "m")) == {"own_queue", "own_cache"}


def test_a_version_that_was_not_read_is_refused() -> None:
    """Names are not carried over from another version by guess."""
    told = ENGINES["sglang"].metrics("0.5.6.post2")
    with pytest.raises(OperateError, match=r"metrics of sglang 9\.9 were not read from its source.* 0\.5\.13\.post1"):
        engine_metrics("sglang", "9.9", told)
