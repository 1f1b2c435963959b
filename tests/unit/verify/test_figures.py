"""What pickers tell, under the names of either line."""

import pytest

from operate.verify.figures import PoolFigures, metric_names, pool_figures

_PAGE = """\
# TYPE {prefix}pool_ready_pods gauge
{prefix}pool_ready_pods{{name="a"}} 2
{prefix}pool_ready_pods{{name="b"}} 7
{prefix}pool_average_queue_size{{name="a"}} 1.5
{prefix}pool_average_kv_cache_utilization{{name="a"}} 0.25
{prefix}pool_per_pod_queue_size{{model_server_pod="a-decode-x-rank-0",name="a"}} 3
{prefix}pool_per_pod_queue_size{{model_server_pod="a-decode-y-rank-0",name="a"}} 0
"""


@pytest.mark.parametrize("prefix", ["inference_", "llm_d_epp_inference_"])
def test_figures_are_the_named_pools(prefix: str) -> None:
    """Whatever the line's prefix; another pool's figures are not taken."""
    found = pool_figures(_PAGE.format(prefix=prefix), "a")

    assert found == PoolFigures(ready_pods=2, queue=1.5, kv_cache=0.25, pods=frozenset({"a-decode-x", "a-decode-y"}))
    assert found.text == "ready 2, queue 1.5, KV 0.25"


def test_what_is_not_told_is_none() -> None:
    """Missing figures are not zeros."""
    assert pool_figures("", "a") == PoolFigures(ready_pods=None, queue=None, kv_cache=None)


def test_a_page_that_is_no_metrics_page_is_an_error() -> None:
    """TensorRT-LLM's JSON must not pass for an empty page."""
    with pytest.raises(ValueError, match="Invalid labels"):
        metric_names('[{"iter": 1}]\n')
    with pytest.raises(ValueError, match="invalid metric name"):
        metric_names("[]")
