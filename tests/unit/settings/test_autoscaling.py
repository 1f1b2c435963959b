"""Autoscaling: what nobody would scale, measure or place is refused with what to change.

What these tests cannot prove: that the controllers which are said to exist do.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

AUTOSCALING = {"provider": "hpa", "minReplicas": 1, "maxReplicas": 3, "value": 5}
HPA: dict[str, Any] = {
    "monitoring": "prometheus-operator",
    "controllers": {"prometheusAdapter": "existing"},
    "models.qwen.autoscaling": AUTOSCALING,
}
PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"
KEDA: dict[str, Any] = {
    "monitoring": "prometheus-operator",
    "controllers": {"keda": "existing"},
    "models.qwen.autoscaling": {**AUTOSCALING, "provider": "keda", "serverAddress": PROMETHEUS},
}
AT = "models.qwen.autoscaling"


@pytest.mark.parametrize("changes", [HPA, KEDA, {**KEDA, "release": "v0.9", f"{AT}.minReplicas": 0}])
def test_what_can_be_scaled_is_sound(changes: dict[str, Any]) -> None:
    """Either provider with its controller and a scraper, and zero where the line's picker holds requests."""
    assert faults(changes) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {**HPA, "models.qwen.replicas": 2},
            Fault(
                path="models.qwen.replicas",
                problem="is the autoscaler's, which would be set back by every `up`",
                given="2",
                allowed="remove the key; autoscaling.minReplicas is the least",
            ),
        ),
        (
            {**HPA, f"{AT}.maxReplicas": 4},
            Fault(
                path="models.qwen",
                problem="4 x 1 GPUs fit no pool: l4 has 3 x 1 GPUs, 0 of them taken",
                allowed="fewer replicas, less parallelism, a larger maxSize or another pool",
            ),
        ),
        (
            {**HPA, "controllers": {}},
            Fault(
                path="controllers.prometheusAdapter",
                problem="models.qwen.autoscaling takes it",
                given="none",
                allowed="existing, where the cluster has it; or the other provider, or replicas by hand",
            ),
        ),
        (
            {**KEDA, "controllers": {"prometheusAdapter": "existing"}},
            Fault(
                path="controllers.keda",
                problem="models.qwen.autoscaling takes it",
                given="none",
                allowed="existing, where the cluster has it; or the other provider, or replicas by hand",
            ),
        ),
        (
            {**HPA, "monitoring": "none"},
            Fault(
                path="monitoring",
                problem="models.qwen.autoscaling reads the picker's metrics, which nobody scrapes",
                given="none",
                allowed="prometheus-operator",
            ),
        ),
        (
            {**KEDA, AT: {**AUTOSCALING, "provider": "keda"}},
            Fault(
                path=f"{AT}.serverAddress",
                problem="is required: KEDA asks Prometheus itself",
                allowed="the URL of Prometheus, such as http://prometheus-operated.monitoring.svc:9090",
            ),
        ),
        (
            {**HPA, f"{AT}.serverAddress": PROMETHEUS},
            Fault(
                path=f"{AT}.serverAddress",
                problem="has no meaning with provider hpa, which asks the adapter",
                given=PROMETHEUS,
                allowed="remove the key",
            ),
        ),
        (
            {**HPA, f"{AT}.minReplicas": 0},
            Fault(
                path=f"{AT}.minReplicas",
                problem="an HorizontalPodAutoscaler does not scale to zero but by an alpha feature gate",
                given="0",
                allowed="1 or more, or provider keda",
            ),
        ),
        (
            {**KEDA, f"{AT}.minReplicas": 0},
            Fault(
                path=f"{AT}.minReplicas",
                problem="the picker of line v0.4 does not hold requests while there is no server",
                given="0",
                allowed="1 or more, or release v0.9",
            ),
        ),
        (
            {**HPA, f"{AT}.minReplicas": 4},
            Fault(path=AT, problem="minReplicas is above maxReplicas"),
        ),
        (
            {**HPA, f"{AT}.metric": "kv-cache-utilization"},
            Fault(
                path=f"{AT}.value",
                problem="would never be exceeded: the metric is a share",
                given="5",
                allowed="less than 1, such as 0.8",
            ),
        ),
    ],
)
def test_what_cannot_be_scaled_is_refused(changes: dict[str, Any], expected: Fault) -> None:
    """The fault says what is missing and what could be instead; GPUs are counted for the most servers."""
    assert faults(changes) == [expected]


def test_groups_of_nodes_do_not_scale_yet() -> None:
    """A model whose replica is a group of pods keeps its replicas by hand."""
    changes = {
        **HPA,
        "controllers": {"prometheusAdapter": "existing", "leaderWorkerSet": "existing"},
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 6}},
        "models.qwen.parallelism": {"tensor": 8, "data": 2, "dataLocal": 1},
    }

    (fault,) = faults(changes)
    assert (fault.path, fault.problem) == (
        "models.qwen.autoscaling",
        "is not there yet for a model that is spread over several nodes",
    )


def test_roles_do_not_scale_yet() -> None:
    """A model whose prefill has servers of its own keeps its replicas by hand."""
    changes = {
        **HPA,
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge"}},
        "models.qwen.prefill": {"replicas": 1},
    }

    (fault,) = faults(changes)
    assert (fault.path, fault.problem) == (
        "models.qwen.autoscaling",
        "is not there yet for a model whose prefill has servers of its own",
    )
