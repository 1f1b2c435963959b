"""What each engine's metrics page says of a load, where it does not say it in vLLM's words.

The names come from the engine's own source (`extract_metrics`, `engine_metrics.json`), never from our metric map: a
wrong name in the map must show as zeros.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from engines import CUSTOM, MetricMap
from operate.errors import OperateError
from operate.smoke.extract_metrics import DATA

__all__ = ["FIGURES", "SIMULATORS_PATH", "EngineMetrics", "engine_metrics", "figures_of_simulator"]

SIMULATORS_PATH = "/metrics"
"""Where the simulated engine tells vLLM's names, and no other engine may be seen to."""

FIGURES: Mapping[str, str] = {
    "running": "vllm:num_requests_running",
    "queue": "vllm:num_requests_waiting",
    "kv_cache": "vllm:kv_cache_usage_perc",
}
"""The simulated engine's own words."""

_SPEAKS_VLLM = "vllm"

# trtllm-serve answers /metrics with the iterations' statistics in JSON and has the Prometheus page elsewhere
# (tensorrt_llm/serve/openai_server.py); the others have it at /metrics.
_PATHS = {"tensorrt-llm": "/prometheus/metrics"}
_NO_PAGE = "[]"


@dataclass(frozen=True, kw_only=True)
class EngineMetrics:
    """A metrics page."""

    path: str
    figures: Mapping[str, str]
    """By figure, the metric that tells it."""
    gauges: tuple[str, ...]
    """All that the page has; those that are no figure of ours are zero."""

    def page(self, values: Mapping[str, float], model: str) -> str:
        """The page at these values."""
        by_name = {name: values.get(figure, 0.0) for figure, name in self.figures.items()}
        lines = []
        for name in self.gauges:
            lines += [f"# TYPE {name} gauge", f'{name}{{model_name="{model}"}} {by_name.get(name, 0.0)}']
        return "\n".join(lines) + "\n"

    def answer(self, path: str, values: Mapping[str, float], model: str) -> str:
        """What the engine answers at a path: its page, or at the simulator's path what is no page."""
        return self.page(values, model) if path == self.path else _NO_PAGE


def engine_metrics(engine: str, version: str, metric_map: MetricMap) -> EngineMetrics | None:
    """What is put in front of the simulated engine; None for vLLM, whose words it speaks.

    An engine of the stack's own is taken at its word: its config is the only source there is.

    Raises:
        OperateError: for an engine or version whose source was not read.
    """
    if engine == _SPEAKS_VLLM:
        return None
    if engine == CUSTOM:
        names = {"queue": metric_map.queued_requests, "kv_cache": metric_map.kv_cache_usage}
        return EngineMetrics(path=metric_map.path, figures=names, gauges=tuple(sorted(names.values())))
    known = json.loads(DATA.read_text()).get(engine, {})
    if version not in known:
        raise OperateError(
            f"the metrics of {engine} {version} were not read from its source; {DATA.name} knows"
            f" {', '.join(sorted(known)) or 'none'}: python -m operate.smoke.extract_metrics reads them"
        )
    entry = known[version]
    path = _PATHS.get(engine, SIMULATORS_PATH)
    return EngineMetrics(path=path, figures=entry["figures"], gauges=tuple(entry["gauges"]))


def figures_of_simulator(page: str) -> dict[str, float]:
    """The figures on the simulated engine's own page."""
    found = {}
    for figure, name in FIGURES.items():
        match = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", page, re.MULTILINE)
        if match:
            found[figure] = float(match[1])
    return found
