"""What verify asks pods and Services by the API server's proxy, and what it says where that does not get through."""

from typing import Any

import pytest

from components.endpoint_picker import build as build_picker
from operate.verify.objects import StackObjects
from operate.verify.picker_checks import check_metric_maps, check_ready_pods
from operate.verify.request_checks import check_figures, check_requests
from operate.verify.rows import Row
from tests.support.answers import Answers, ready_pod
from tests.support.configs import plan

_ROOT = "namespaces/llm-d"
_OWN_ANSWER = '{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "error trying to reach service"}'


def _objects(
    status: int, changes: dict[str, Any] | None = None, text: str = "no answer"
) -> tuple[StackObjects, Answers]:
    """A stack with a picker and a server, and what they answer."""
    stack = plan(changes)
    picker = build_picker(stack.models["qwen"].picker)
    selector = picker[""]["spec"]["selector"]
    pod = ready_pod("qwen-epp-1", selector["matchLabels"]) | {"spec": picker[""]["spec"]["template"]["spec"]}
    server = ready_pod("qwen-decode-1", {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"})
    found = {
        f"/apis/apps/v1/{_ROOT}/deployments/qwen-epp": {"spec": {"selector": selector}},
        f"/api/v1/{_ROOT}/configmaps/qwen-epp": picker["config"],
        f"/api/v1/{_ROOT}/pods": [pod, server],
    }
    answers = Answers(found, status, text)
    return StackObjects(answers, stack), answers  # type: ignore[arg-type]


def _asked(objects: StackObjects, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    monkeypatch.setattr("operate.verify.picker_checks._PODS_SECONDS", 0)
    return [
        *check_metric_maps(objects),
        *check_ready_pods(objects),
        *check_figures(objects, lambda _: pytest.fail("it waits for figures that it cannot read")),
    ]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_pods_that_the_api_server_does_not_reach_are_not_asked(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster that enforces NetworkPolicies the stack's own admit gateway and picker alone."""
    rows = _asked(_objects(status, text=_OWN_ANSWER)[0], monkeypatch)

    unreached = "the API server does not reach the pod: a NetworkPolicy may keep it out"
    assert [(row.check, row.ok, row.seen) for row in rows] == [
        ("metric map", None, unreached),
        ("picker's pods", None, unreached),
        ("figures", None, unreached),
    ]
    assert rows[0].hint == (
        "`kubectl -n llm-d port-forward pod/qwen-decode-1 8000` goes past it: ask the pod's metrics at localhost:8000"
    )
    assert "pod/qwen-epp-1 9090" in rows[1].hint


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "no answer"),
        (503, "loading model"),
        (503, '{"error": "no healthy upstream"}'),
        (502, "[]"),
        (404, _OWN_ANSWER),
    ],
)
def test_a_pod_that_answers_that_the_page_is_not_there_is_a_fault(
    status: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not the API server's own object comes from the pod itself: 404, and 503 of an engine that still loads."""
    rows = _asked(_objects(status, text=text)[0], monkeypatch)

    assert [(row.check, row.ok) for row in rows] == [
        ("metric map", False),
        ("picker's pods", False),
        ("figures", False),
    ]
    assert rows[0].seen == f"/metrics of pod qwen-decode-1 (vllm) is no metrics page (HTTP {status})"


def test_a_model_without_a_pod_has_no_metric_map_to_compare() -> None:
    """Where its autoscaler may scale it to none; elsewhere that is a fault."""
    scaled = {
        "release": "v0.9",
        "monitoring": "prometheus-operator",
        "controllers.keda": "existing",
        "models.qwen.autoscaling": {
            "provider": "keda",
            "minReplicas": 0,
            "maxReplicas": 3,
            "value": 4,
            "serverAddress": "http://prometheus:9090",
        },
    }
    found = []
    for changes in (scaled, {}):
        objects, answers = _objects(200, changes)
        answers.objects[f"/api/v1/{_ROOT}/pods"].pop()
        found += [row.ok for row in check_metric_maps(objects)]

    assert found == [None, False]


@pytest.mark.parametrize(
    ("changes", "service"),
    [
        ({}, "inference-gateway:80"),
        (
            {
                "gateway": {
                    "provider": "istio",
                    "listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "certificate"},
                }
            },
            "https:inference-gateway-istio:443",
        ),
    ],
)
def test_a_listener_with_tls_is_asked_with_tls(changes: dict[str, Any], service: str) -> None:
    """The proxy speaks plain HTTP to a port that it is not told otherwise of."""
    objects, answers = _objects(500, changes)

    assert all(row.ok is False for row in check_requests(objects))
    assert set(answers.asked) == {service}
