"""What a picker and an engine tell about themselves, from the Prometheus text format; pure."""

import re
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["PoolFigures", "metric_names", "pool_figures"]


@dataclass(frozen=True, kw_only=True)
class PoolFigures:
    """A picker's view of its pool; None where it does not tell."""

    ready_pods: int | None
    queue: float | None
    """Average of waiting requests per pod."""
    kv_cache: float | None
    """Average share of the KV cache in use, 0 to 1."""
    pods: frozenset[str] = frozenset()
    """Names of the pods that it counts; empty where it tells only how many."""

    @property
    def text(self) -> str:
        """For the table."""
        told = {"ready": self.ready_pods, "queue": self.queue, "KV": self.kv_cache}
        return ", ".join(f"{name} {value:.3g}" for name, value in told.items() if value is not None)


# Names have a prefix that differs between lines (inference_, llm_d_epp_); what follows it does not.
_READY, _QUEUE, _KV = "pool_ready_pods", "pool_average_queue_size", "pool_average_kv_cache_utilization"
_PER_POD = "pool_per_pod_queue_size"
# A pod is counted once for each port that it serves on.
_RANK = re.compile(r"-rank-\d+$")


def pool_figures(text: str, pool: str) -> PoolFigures:
    """The figures of one pool."""
    found: dict[str, float] = {}
    pods: set[str] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith(_PER_POD) and sample.labels.get("name") == pool:
                pods.add(_RANK.sub("", sample.labels["model_server_pod"]))
            for ending in (_READY, _QUEUE, _KV):
                if sample.name.endswith(ending) and sample.labels.get("name") == pool:
                    found[ending] = sample.value
    ready = found.get(_READY)
    return PoolFigures(
        ready_pods=None if ready is None else int(ready),
        queue=found.get(_QUEUE),
        kv_cache=found.get(_KV),
        pods=frozenset(pods),
    )


def metric_names(text: str) -> frozenset[str]:
    """Names of all samples.

    Raises:
        ValueError: if it is no metrics page.
    """
    return frozenset(sample.name for family in text_string_to_metric_families(text) for sample in family.samples)
