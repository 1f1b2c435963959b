"""The standalone gateway: Envoy's config as Envoy would read it, and the pods that run it.

What these tests cannot prove: that Envoy accepts the config or routes by it; only Envoy can.
"""

from typing import Any

import pytest
import yaml

from components.gateway_providers import GATEWAY_PROVIDERS, GatewaySpec, ModelRoute
from tests.support.configs import plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

STANDALONE = GATEWAY_PROVIDERS["standalone"]
EXT_PROC = "envoy.filters.http.ext_proc"
BODY_READER = "envoy.filters.http.json_to_metadata"
PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"
OTHER = {"source": "hf://Qwen/Qwen3-8B"}
THREE = {
    "models.a": {**OTHER, "path": "/chat"},
    "models.b": {**OTHER, "path": "/chat-long", "servedName": "b"},
}
TLS = {"gateway.listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "my-tls"}}


def _spec(changes: dict[str, Any] | None = None) -> GatewaySpec:
    return plan(changes).gateway


def _config(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    data = STANDALONE.gateway(_spec(changes))["config"]["data"]

    assert list(data) == ["envoy.yaml"]
    resources: dict[str, Any] = yaml.safe_load(data["envoy.yaml"])["static_resources"]
    return resources


def _manager(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    (listener,) = [item for item in _config(changes)["listeners"] if item["name"] == "inference"]
    (chain,) = listener["filter_chains"]
    (connection,) = chain["filters"]
    manager: dict[str, Any] = connection["typed_config"]
    return manager


def _routes(changes: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    (host,) = _manager(changes)["route_config"]["virtual_hosts"]

    assert host["domains"] == ["*"]
    routes: list[dict[str, Any]] = host["routes"]
    return routes


def _route(name: str, match: dict[str, Any], model: str | None = None) -> dict[str, Any]:
    picker = f"{model or name}-epp"
    grpc = {"envoy_grpc": {"cluster_name": picker, "authority": picker}, "timeout": "10s"}
    route: dict[str, Any] = {"cluster": "chosen-pod", "timeout": "86400s", "idle_timeout": "86400s"}
    per_filter: dict[str, Any] = {EXT_PROC: {"@type": PER_ROUTE, "overrides": {"grpc_service": grpc}}}
    path = match.get("path_separated_prefix")
    if path != "/v1" and path is not None:
        route["regex_rewrite"] = {"pattern": {"regex": f"^{path}/?(.*)$"}, "substitution": "/\\1"}
        per_filter[BODY_READER] = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
    return {"name": name, "match": match, "route": route, "typed_per_filter_config": per_filter}


def _named(key: str, value: str) -> dict[str, Any]:
    metadata = {"filter": "llm-d.ai", "path": [{"key": key}], "value": {"string_match": {"exact": value}}}
    return {"path_separated_prefix": "/v1", "dynamic_metadata": [metadata]}


def test_the_objects_are_exactly_these() -> None:
    """Envoy, its config, account, Service and budget; nothing that a controller would have to read."""
    assert kinds_and_names(STANDALONE.gateway(_spec())) == {
        "": ("Deployment", "inference-gateway"),
        "config": ("ConfigMap", "inference-gateway"),
        "account": ("ServiceAccount", "inference-gateway"),
        "service": ("Service", "inference-gateway"),
        "budget": ("PodDisruptionBudget", "inference-gateway"),
    }
    assert STANDALONE.route(_spec(), _spec().routes[0]) == {}


def test_the_longest_path_is_matched_first() -> None:
    """Envoy takes the first route that matches: a path comes before any path that it lies below."""
    assert _routes(THREE)[:3] == [
        _route("b", {"path_separated_prefix": "/chat-long"}),
        _route("a", {"path_separated_prefix": "/chat"}),
        _route("qwen", {"path_separated_prefix": "/qwen"}),
    ]


def test_every_model_has_a_route_by_its_served_name() -> None:
    """Below /v1 the model in the request's body decides; the path stays as it is."""
    assert [route for route in _routes(THREE) if route.get("name", "").endswith("-by-name")] == [
        _route("a-by-name", _named("model", "Qwen/Qwen3-8B"), "a"),
        _route("b-by-name", _named("model", "b"), "b"),
        _route("qwen-by-name", _named("model", "Qwen/Qwen3-0.6B"), "qwen"),
    ]


def test_the_gateway_answers_what_no_model_can() -> None:
    """Lists of models and errors come from the gateway itself, as JSON, in the order in which Envoy looks at them."""
    answers = [route for route in _routes() if "direct_response" in route]

    assert [(route["match"], route["direct_response"]["status"]) for route in answers] == [
        ({"path": "/v1/models"}, 200),
        ({"path": "/v1/models/Qwen/Qwen3-0.6B"}, 200),
        ({"path_separated_prefix": "/v1/models"}, 404),
        (_named("fault", "missing"), 400),
        (_named("fault", "unreadable"), 400),
        ({"path_separated_prefix": "/v1"}, 404),
        ({"prefix": "/"}, 404),
    ]
    assert all(
        route["response_headers_to_add"][0]["header"] == {"key": "content-type", "value": "application/json"}
        for route in answers
    )


def test_the_picker_is_idle_but_there_where_the_body_decides() -> None:
    """Envoy chooses filters by the first look-up of the route, which does not know the model yet."""
    answers = [route for route in _routes() if "direct_response" in route]
    off = {EXT_PROC: {"@type": PER_ROUTE, "disabled": True}}

    assert [route.get("typed_per_filter_config") for route in answers] == [None] * 3 + [off] * 3 + [None]


def test_a_served_name_is_quoted_in_a_path() -> None:
    """A name that a URL cannot hold as it is is looked up by the path that a client would ask for."""
    paths = [route["match"].get("path") for route in _routes({"models.qwen.servedName": "große#1"})]

    assert "/v1/models/gro%C3%9Fe%231" in paths


def test_a_long_list_of_models_is_not_too_long_an_answer() -> None:
    """Envoy's limit on answers of its own is 4 KiB unless it is told; a hundred models need more."""
    many = {f"models.m{number}": {**OTHER, "servedName": f"{'x' * 40}{number}"} for number in range(100)}
    config = _manager({"gpuPools.l4.maxSize": 300, **many})["route_config"]
    bodies = [
        route["direct_response"]["body"]["inline_string"] for route in config["virtual_hosts"][0]["routes"][101:102]
    ]

    assert _manager()["route_config"]["max_direct_response_body_size_bytes"] == 4096
    assert config["max_direct_response_body_size_bytes"] == len(bodies[0]) > 4096


def test_a_model_at_the_root_takes_what_is_left() -> None:
    """With a model at `/` nothing is unknown, its path is not rewritten, and no body is read."""
    root = {"models.qwen.path": "/"}

    assert _routes(root) == [_route("qwen", {"prefix": "/"})]
    assert BODY_READER not in [item["name"] for item in _manager(root)["http_filters"]]


def test_every_model_has_the_cluster_of_its_own_picker() -> None:
    """A route's picker is a cluster of the config, at the picker's Service and port; the chosen pod comes by header."""
    clusters = {cluster["name"]: cluster for cluster in _config(THREE)["clusters"]}
    addresses = {
        name: cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        for name, cluster in clusters.items()
        if "load_assignment" in cluster
    }

    assert list(clusters) == ["admin", "chosen-pod", "a-epp", "b-epp", "qwen-epp"]
    assert addresses == {
        "admin": {"address": "127.0.0.1", "port_value": 19000},
        "a-epp": {"address": "a-epp.llm-d.svc.cluster.local", "port_value": 9002},
        "b-epp": {"address": "b-epp.llm-d.svc.cluster.local", "port_value": 9002},
        "qwen-epp": {"address": "qwen-epp.llm-d.svc.cluster.local", "port_value": 9002},
    }
    assert clusters["chosen-pod"]["original_dst_lb_config"] == {
        "use_http_header": True,
        "http_header_name": "x-gateway-destination-endpoint",
    }


def test_the_picker_sees_whole_requests() -> None:
    """The filter streams headers and bodies both ways, before the router; a client's choice of pod is gone."""
    filters = _manager()["http_filters"]

    names = ["envoy.filters.http.header_mutation", BODY_READER, EXT_PROC, "envoy.filters.http.router"]
    assert [item["name"] for item in filters] == names
    assert filters[0]["typed_config"]["mutations"] == {
        "request_mutations": [{"remove": "x-gateway-destination-endpoint"}]
    }
    assert filters[2]["disabled"] is True
    assert filters[2]["typed_config"]["processing_mode"] == {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_trailer_mode": "SEND",
    }


def test_paths_are_normalised_before_they_are_matched() -> None:
    """No spelling of a path gets around the route that it belongs to."""
    manager = _manager()

    assert {key: manager[key] for key in ("normalize_path", "merge_slashes", "path_with_escaped_slashes_action")} == {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    }


def test_tls_is_read_from_the_mounted_secret() -> None:
    """With a certificate the listener ends TLS from files that are mounted, and the Service keeps its port."""
    (listener,) = [item for item in _config(TLS)["listeners"] if item["name"] == "inference"]
    tls = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    objects = STANDALONE.gateway(_spec(TLS))
    pod = objects[""]["spec"]["template"]["spec"]

    assert tls == {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [
            {
                "certificate_chain": {"filename": "/etc/envoy-tls/tls.crt"},
                "private_key": {"filename": "/etc/envoy-tls/tls.key"},
                "watched_directory": {"path": "/etc/envoy-tls"},
            }
        ],
    }
    assert pod["volumes"][1] == {"name": "tls", "secret": {"secretName": "my-tls"}}
    assert pod["containers"][0]["volumeMounts"][1] == {"name": "tls", "mountPath": "/etc/envoy-tls", "readOnly": True}
    assert objects["service"]["spec"]["ports"] == [
        {"name": "http", "port": 443, "targetPort": "http", "protocol": "TCP"}
    ]


def test_without_tls_nothing_of_it_is_there() -> None:
    """A plain listener has neither a transport socket nor a mounted Secret."""
    (listener,) = [item for item in _config()["listeners"] if item["name"] == "inference"]
    pod = STANDALONE.gateway(_spec())[""]["spec"]["template"]["spec"]

    assert listener["filter_chains"][0].keys() == {"filters"}
    assert [volume["name"] for volume in pod["volumes"]] == ["config"]


@pytest.mark.parametrize(("exposure", "service_type"), [("cluster", "ClusterIP"), ("load-balancer", "LoadBalancer")])
def test_the_service_is_as_open_as_the_stack_says(exposure: str, service_type: str) -> None:
    """A load balancer is made only where the stack asks for one."""
    service = STANDALONE.gateway(_spec({"gateway": {"exposure": exposure}}))["service"]["spec"]

    assert service["type"] == service_type
    assert [{"podSelector": {"matchLabels": service["selector"]}}] == list(STANDALONE.proxies)


@pytest.mark.parametrize("changes", [{}, TLS])
def test_the_pod_passes_the_restricted_standard(changes: dict[str, Any]) -> None:
    """Envoy runs as its own user, without privilege and with a root file system that is read only."""
    template = STANDALONE.gateway(_spec(changes))[""]["spec"]["template"]

    assert restricted_violations(template) == []
    assert template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_pod_listens_where_it_says() -> None:
    """Container ports are the ports of Envoy's two listeners, and the probes ask the one that is always there."""
    container = STANDALONE.gateway(_spec())[""]["spec"]["template"]["spec"]["containers"][0]
    ports = {
        listener["name"]: listener["address"]["socket_address"]["port_value"] for listener in _config()["listeners"]
    }

    assert ports == {"ready": 19001, "inference": 8081}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"http": 8081, "metrics": 19001}
    assert [container[probe]["httpGet"] for probe in ("readinessProbe", "livenessProbe")] == [
        {"path": "/ready", "port": "metrics"}
    ] * 2


def test_a_change_of_the_routes_rolls_envoy() -> None:
    """Envoy reads its config at start only: its digest is on the pods."""
    digests = [
        STANDALONE.gateway(_spec(changes))[""]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for changes in ({}, THREE, {})
    ]

    assert digests[0] == digests[2]
    assert digests[0] != digests[1]


def test_a_route_is_of_the_model_and_its_pool() -> None:
    """The plan's route carries the path, the served name, the pool's group and the picker's failure mode."""
    assert _spec(THREE).routes[1] == ModelRoute(
        model="b",
        path="/chat-long",
        served_names=("b",),
        pool_api_group="inference.networking.k8s.io",
        target_port=8000,
        health_path="/health",
        failure_mode="FailClose",
    )
