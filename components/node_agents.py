"""Parts of the pods that run on every node of some pools, for the sake of the node; pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["node_affinity", "tolerations"]


def node_affinity(pool_selectors: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """A node of any of the pools; terms are alternatives, the expressions of one are not."""
    terms = [
        {
            "matchExpressions": [
                {"key": key, "operator": "In", "values": [value]} for key, value in sorted(selector.items())
            ]
        }
        for selector in pool_selectors
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def tolerations(taint_keys: Iterable[str]) -> list[dict[str, str]]:
    """Of the pools' taints, whatever their value and effect, and of the one that NVIDIA's and AWS' charts tolerate."""
    keys = ["CriticalAddonsOnly", *sorted(set(taint_keys) - {"CriticalAddonsOnly"})]
    return [{"key": key, "operator": "Exists"} for key in keys]
