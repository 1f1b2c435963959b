"""What verify says of pools and routes, from objects as an API server would hand them out. No cluster is asked."""

from typing import Any

import pytest
import yaml

from components.endpoint_picker import build as build_picker
from operate.verify.objects import StackObjects
from operate.verify.pool_checks import check_pools, check_routes
from operate.verify.rows import Row
from stacks import StackPlan
from tests.support.answers import Answers, ready_pod
from tests.support.configs import plan
from tests.unit.settings.test_canary import CANARY, GKE

_NAMESPACE = "llm-d"


def _cluster(stack: StackPlan) -> Answers:
    """A cluster where all is well: the one model's pool, picker Service, server Deployment, pods and, if any, route."""
    model = stack.models["qwen"]
    picker = build_picker(model.picker)
    selector = {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}
    server_labels = {**selector, **picker["pool"]["spec"]["selector"]["matchLabels"]}
    root = f"/namespaces/{_NAMESPACE}"
    objects = {
        f"/apis/inference.networking.k8s.io/v1{root}/inferencepools/qwen": picker["pool"],
        f"/api/v1{root}/services/qwen-epp": picker["service"],
        f"/apis/apps/v1{root}/deployments/qwen-decode": {"spec": {"selector": {"matchLabels": selector}}},
        f"/api/v1{root}/pods": [
            ready_pod("qwen-decode-1", server_labels),
            ready_pod("qwen-epp-1", picker["service"]["spec"]["selector"]),
        ],
    }
    for other in stack.models.keys() - {"qwen"}:
        objects[f"/apis/inference.networking.k8s.io/v1{root}/inferencepools/{other}"] = build_picker(
            stack.models[other].picker
        )["pool"]
    for manifest in (
        *stack.provider.route(stack.gateway, model.route).values(),
        *stack.provider.gateway(stack.gateway).values(),
    ):
        if manifest["kind"] == "HTTPRoute":
            objects[f"/apis/gateway.networking.k8s.io/v1{root}/httproutes/qwen"] = manifest
        if manifest["kind"] == "ConfigMap":
            objects[f"/api/v1{root}/configmaps/{manifest['metadata']['name']}"] = manifest
    return Answers(objects)


def _rows(stack: StackPlan, cluster: Answers) -> list[Row]:
    objects = StackObjects(cluster, stack)  # type: ignore[arg-type]
    return [*check_pools(objects), *check_routes(objects)]


def _faults(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row.check, row.seen) for row in rows if not row.ok]


@pytest.mark.parametrize("provider", ["standalone", "istio"])
def test_a_stack_as_rendered_passes(provider: str) -> None:
    """Pool, picker and route of either provider agree."""
    stack = plan({"gateway": {"provider": provider}})

    rows = _rows(stack, _cluster(stack))
    assert [(row.check, row.ok) for row in rows] == [("pool", True), ("pool picker", True), ("route", True)]


def test_a_route_to_the_pool_of_another_group_is_named() -> None:
    """The old API group in a backendRef: accepted by the API server, answered with 500 by the gateway."""
    stack = plan({"gateway": {"provider": "istio"}})
    cluster = _cluster(stack)
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{_NAMESPACE}/httproutes/qwen"
    for rule in cluster.objects[path]["spec"]["rules"]:
        rule["backendRefs"][0]["group"] = "inference.networking.x-k8s.io"

    ((check, seen),) = _faults(_rows(stack, cluster))
    assert check == "route"
    assert seen == (
        "its route leads to [('inference.networking.x-k8s.io', 'InferencePool', 'qwen')], and its pool is"
        " ('inference.networking.k8s.io', 'InferencePool', 'qwen'): pool and route disagree"
    )


def test_what_a_controller_refuses_is_told_in_its_words() -> None:
    """A condition that is not True is a fault of pool or route."""
    stack = plan({"gateway": {"provider": "istio"}})
    cluster = _cluster(stack)
    refusal = {"type": "ResolvedRefs", "status": "False", "message": "no such picker"}
    pool = cluster.objects[f"/apis/inference.networking.k8s.io/v1/namespaces/{_NAMESPACE}/inferencepools/qwen"]
    pool["status"] = {"parents": [{"conditions": [{"type": "Accepted", "status": "True"}, refusal]}]}

    assert _faults(_rows(stack, cluster)) == [("pool accepted", "ResolvedRefs False: no such picker")]


def test_a_pool_without_a_picker_or_pods_is_named() -> None:
    """A Service that is gone, and a selector that selects nothing, are two faults."""
    stack = plan()
    cluster = _cluster(stack)
    del cluster.objects[f"/api/v1/namespaces/{_NAMESPACE}/services/qwen-epp"]
    pool = cluster.objects[f"/apis/inference.networking.k8s.io/v1/namespaces/{_NAMESPACE}/inferencepools/qwen"]
    pool["spec"]["selector"]["matchLabels"]["llm-d.ai/model"] = "another"

    assert _faults(_rows(stack, cluster)) == [
        ("pool", "its pool selects 0 of 1 ready model servers"),
        ("pool picker", "its pool names picker qwen-epp:9002, and there is no such Service and port"),
    ]


def test_a_pool_that_is_gone_is_named() -> None:
    """The route then names a picker that no pool has."""
    stack = plan()
    cluster = _cluster(stack)
    del cluster.objects[f"/apis/inference.networking.k8s.io/v1/namespaces/{_NAMESPACE}/inferencepools/qwen"]

    assert [check for check, _ in _faults(_rows(stack, cluster))] == ["pool", "route"]


@pytest.mark.parametrize("changes", [CANARY, {**CANARY, **GKE}])
def test_a_route_that_two_versions_share_leads_to_both(changes: dict[str, Any]) -> None:
    """Each version's own picker is asked, be the route an object or in Envoy's config."""
    stack = plan(changes)
    objects = StackObjects(_cluster(stack), stack)  # type: ignore[arg-type]

    (row,) = [row for row in check_routes(objects) if row.subject == "qwen"]
    assert row.ok
    assert row.seen in {"to pool next, qwen", "asks picker qwen-epp, next-epp"}


def test_a_share_that_asks_the_wrong_picker_is_named() -> None:
    """A canary whose share of the route asks the first version's picker gets no request, and nothing else says so."""
    stack = plan(CANARY)
    cluster = _cluster(stack)
    config = cluster.objects[f"/api/v1/namespaces/{_NAMESPACE}/configmaps/inference-gateway"]["data"]
    envoy = yaml.safe_load(config["envoy.yaml"])
    table = envoy["static_resources"]["listeners"][1]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
    (route,) = [item for item in table["virtual_hosts"][0]["routes"] if item.get("name") == "qwen"]
    first, second = route["route"]["weighted_clusters"]["clusters"]
    second["typed_per_filter_config"] = first["typed_per_filter_config"]
    config["envoy.yaml"] = yaml.safe_dump(envoy)

    (row,) = [row for row in check_routes(StackObjects(cluster, stack)) if row.subject == "qwen"]  # type: ignore[arg-type]
    assert row.seen == (
        "its route asks picker qwen-epp.llm-d.svc.cluster.local, and its pool's is next-epp: pool and route disagree"
    )
