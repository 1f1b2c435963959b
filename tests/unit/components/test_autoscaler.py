"""The objects of an Autoscaler, and what it leaves to the others.

What these tests cannot prove: that an adapter or KEDA finds the metrics. Prometheus adds the label `namespace`.
"""

from typing import Any

import pytest

from components import autoscaler, endpoint_picker, model_service
from components.autoscaler import AutoscalerArgs
from stacks.plan import ModelPlan
from tests.support.configs import plan

MONITORED: dict[str, Any] = {"monitoring": "prometheus-operator"}
HPA = {
    **MONITORED,
    "controllers": {"prometheusAdapter": "existing"},
    "models.qwen.autoscaling": {"provider": "hpa", "maxReplicas": 3, "value": 5},
}
PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"
KEDA = {
    **MONITORED,
    "release": "v0.9",
    "controllers": {"keda": "existing"},
    "models.qwen.autoscaling": {
        "provider": "keda",
        "minReplicas": 0,
        "maxReplicas": 3,
        "value": 5,
        "serverAddress": PROMETHEUS,
    },
}
DOUBLE = {"type": "Percent", "value": 100, "periodSeconds": 15}
BEHAVIOR = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [DOUBLE]},
    "scaleDown": {"stabilizationWindowSeconds": 300, "policies": [DOUBLE]},
}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "qwen-decode"}


def _model(changes: dict[str, Any]) -> ModelPlan:
    return plan(changes).models["qwen"]


def _args(changes: dict[str, Any]) -> AutoscalerArgs:
    args = _model(changes).autoscaler

    assert args is not None
    return args


@pytest.mark.parametrize(
    ("changes", "metric", "value"),
    [
        ({}, "inference_pool_average_queue_size", "5"),
        ({"release": "v0.9"}, "llm_d_epp_average_queue_size", "5"),
        (
            {"models.qwen.autoscaling.metric": "kv-cache-utilization", "models.qwen.autoscaling.value": 0.8},
            "inference_pool_average_kv_cache_utilization",
            "800m",
        ),
    ],
)
def test_an_hpa_keeps_the_pools_average_to_its_value(changes: dict[str, Any], metric: str, value: str) -> None:
    """The line's own gauge of this pool, as it is: it is an average of the servers already."""
    (hpa,) = autoscaler.build(_args({**HPA, **changes})).values()

    assert (hpa["kind"], hpa["metadata"]["name"]) == ("HorizontalPodAutoscaler", "qwen-decode")
    assert hpa["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [
            {
                "type": "External",
                "external": {
                    "metric": {"name": metric, "selector": {"matchLabels": {"namespace": "llm-d", "name": "qwen"}}},
                    "target": {"type": "Value", "value": value},
                },
            }
        ],
        "behavior": BEHAVIOR,
    }


def test_keda_scales_from_zero_by_the_requests_that_are_held() -> None:
    """Without a server the pool has no average: the picker's own queue brings the first one."""
    (scaled,) = autoscaler.build(_args(KEDA)).values()
    queries = [
        'max(llm_d_epp_average_queue_size{namespace="llm-d",name="qwen"})',
        'sum(llm_d_epp_flow_control_queue_size{namespace="llm-d",inference_pool="qwen"})',
    ]

    assert (scaled["apiVersion"], scaled["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    assert scaled["spec"] == {
        "scaleTargetRef": TARGET,
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "minReplicaCount": 0,
        "maxReplicaCount": 3,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": BEHAVIOR}},
        "triggers": [
            {
                "type": "prometheus",
                "metricType": metric_type,
                "metadata": {"serverAddress": PROMETHEUS, "query": query, "threshold": threshold},
            }
            for query, threshold, metric_type in zip(queries, ("5", "1"), ("Value", "AverageValue"), strict=True)
        ],
    }


@pytest.mark.parametrize(("minimum", "gate"), [(0, True), (1, False)])
def test_the_picker_holds_requests_only_where_there_may_be_no_server(minimum: int, gate: bool) -> None:  # noqa: FBT001
    """Scaling to zero switches the picker's flow control on, and scaling to one does not."""
    model = _model({**KEDA, "models.qwen.autoscaling.minReplicas": minimum})
    config = endpoint_picker.build(model.picker)["config"]["data"]["plugins.yaml"]

    assert ("featureGates:\n- flowControl\n" in config) is gate
    assert model.autoscaler is not None
    assert (model.autoscaler.held_requests_metric is not None) is gate


def test_a_deployment_with_an_autoscaler_states_no_replicas() -> None:
    """The field has one owner; GPUs and deadlines are still counted for as many servers as there may be."""
    service = _model(HPA).service

    assert "replicas" not in model_service.build(service)[""]["spec"]
    assert model_service.build(_model({}).service)[""]["spec"]["replicas"] == 1
    assert service.gpus == 3
    assert _model({}).autoscaler is None
