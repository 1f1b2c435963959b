"""What verify says of CRDs, GPUs and pods, from objects as an API server would hand them out. No cluster is asked."""

from typing import Any

import pytest

from operate.verify.cluster_checks import check_crds, check_gpus, check_pods
from operate.verify.objects import StackObjects
from operate.verify.rows import Row
from tests.support.answers import Answers, ready_pod
from tests.support.configs import plan, settings

_SCALED: dict[str, Any] = {
    "release": "v0.9",
    "monitoring": "prometheus-operator",
    "models.qwen.autoscaling": {
        "provider": "keda",
        "minReplicas": 0,
        "maxReplicas": 3,
        "value": 4,
        "serverAddress": "http://prometheus:9090",
    },
    "controllers.keda": "existing",
}
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PODS = "/api/v1/namespaces/llm-d/pods"


def _objects(changes: dict[str, Any], found: dict[str, Any]) -> StackObjects:
    return StackObjects(Answers(found), plan(changes))  # type: ignore[arg-type]


def _bounded(fewest: int) -> dict[str, Any]:
    return _SCALED | {"models.qwen.autoscaling": {**_SCALED["models.qwen.autoscaling"], "minReplicas": fewest}}


def _servers(changes: dict[str, Any], ready: int) -> Row:
    labels = {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}
    pods = [ready_pod(f"qwen-decode-{number}", labels) for number in range(ready)]
    return next(row for row in check_pods(_objects(changes, {_PODS: pods})) if row.subject == "qwen-decode")


@pytest.mark.parametrize(("ready", "ok"), [(0, False), (1, True), (3, True), (4, False)])
def test_an_autoscaler_may_have_any_number_of_pods_between_its_bounds(ready: int, ok: bool) -> None:  # noqa: FBT001
    """Not the most, which the plan has GPUs for."""
    row = _servers(_bounded(1), ready)

    assert (row.ok, row.seen) == (ok, f"{ready} ready, its autoscaler wants 1-3")


def test_a_model_that_is_scaled_to_zero_is_not_asked() -> None:
    """No pod is neither well nor a fault there."""
    row = _servers(_bounded(0), 0)

    assert (row.ok, row.seen) == (None, "its autoscaler has scaled it to no pod")
    assert _servers(_bounded(0), 1).ok is True


def test_what_tokenizes_for_a_picker_is_counted() -> None:
    """Without it every request is sent anywhere, and nothing else would say so."""
    labels = {"app.kubernetes.io/name": "render", "app.kubernetes.io/instance": "qwen"}
    changes = {"release": "v0.9", "models.qwen.precisePrefixCache": {}}
    found = {
        "/apis/apps/v1/namespaces/llm-d/deployments/qwen-render": {"spec": {"selector": {"matchLabels": labels}}},
        _PODS: [ready_pod("qwen-render-0", labels)],
    }
    rows = check_pods(_objects(changes, found))

    assert [(row.ok, row.seen) for row in rows if row.subject == "qwen-render"] == [(False, "1 of 3 ready")]


@pytest.mark.parametrize(("ready", "ok"), [(1, False), (2, True), (3, False)])
def test_without_an_autoscaler_the_number_is_the_configs(ready: int, ok: bool) -> None:  # noqa: FBT001
    """Neither fewer nor more."""
    row = _servers({"models.qwen.replicas": 2}, ready)

    assert (row.ok, row.seen) == (ok, f"{ready} of 2 ready")


def test_the_gpus_that_an_autoscaler_starts_from_are_enough() -> None:
    """More nodes come with more pods."""
    node = ready_pod("node", {"node.kubernetes.io/instance-type": "g6.xlarge"})
    node["status"]["allocatable"] = {"nvidia.com/gpu": "1"}
    (row,) = check_gpus(_objects(_bounded(1), {"/api/v1/nodes": [node]}), settings(_bounded(1)))

    assert (row.ok, row.seen) == (True, "1 of nvidia.com/gpu on 1 nodes, 1 needed")


def _established(*names: str) -> dict[str, Any]:
    status = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    return {f"{_CRDS}/{name}": status for name in names}


def test_of_crds_that_others_bring_only_those_are_asked_for_that_the_stack_uses() -> None:
    """A cluster need not have the rest of the line's bundles."""
    changes = {"crds": "existing", "gateway": {"provider": "istio"}}
    routes = _established("gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
    pools = _established("inferencepools.inference.networking.k8s.io")

    assert [(row.ok, row.seen) for row in check_crds(_objects(changes, routes | pools))] == [
        (True, "gateways.gateway.networking.k8s.io, httproutes.gateway.networking.k8s.io established"),
        (True, "inferencepools.inference.networking.k8s.io established"),
    ]
    assert [row.ok for row in check_crds(_objects(changes, routes))] == [True, False]
    assert [row.ok for row in check_crds(_objects({**changes, "crds": "install"}, routes | pools))] == [False, False]
