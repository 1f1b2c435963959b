"""The providers of the Gateway API: what each adds to the Gateway and the routes that all of them share.

What these tests cannot prove: that a controller programs the gateway; only a cluster with that controller can. Where
its CRDs can be had here, the API server validates the objects (tests/integration).
"""

from typing import Any

import pytest
import yaml

from components.gateway_providers import GatewayProvider
from tests.support.configs import faults, plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

CONTROLLERS = ("istio", "agentgateway", "gke", "envoy-ai-gateway")
LINE = {"release": "v0.9", "crds": "existing"}
GKE = {"gateway.provider": "gke", "gateway.proxyCidrs": ["10.129.0.0/23"], "crds": "existing"}
OPEN = {"gateway.exposure": "load-balancer"}
TLS = {"gateway.listener": {"protocol": "HTTPS", "port": 443, "certificateSecret": "my-tls"}}
REF = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "inference-gateway"}
POOL = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "qwen"}
SERVED = "Qwen/Qwen3-0.6B"
CATALOGUE = {
    "models": ("Deployment", "model-catalogue"),
    "models-account": ("ServiceAccount", "model-catalogue"),
    "models-budget": ("PodDisruptionBudget", "model-catalogue"),
    "models-config": ("ConfigMap", "model-catalogue"),
    "models-route": ("HTTPRoute", "model-catalogue"),
    "models-service": ("Service", "model-catalogue"),
}
ROUTER = {
    "router": ("Deployment", "body-based-router"),
    "router-account": ("ServiceAccount", "body-based-router"),
    "router-budget": ("PodDisruptionBudget", "body-based-router"),
    "router-policy": ("NetworkPolicy", "body-based-router"),
    "router-service": ("Service", "body-based-router"),
}
LISTS = {"router-role": ("Role", "body-based-router"), "router-binding": ("RoleBinding", "body-based-router")}


def _config(provider: str, changes: dict[str, Any] | None) -> dict[str, Any]:
    return {**LINE, "gateway.provider": provider, **(GKE if provider == "gke" else {}), **(changes or {})}


def _made(provider: str, changes: dict[str, Any] | None = None) -> tuple[GatewayProvider, dict[str, dict[str, Any]]]:
    made = plan(_config(provider, changes))
    return made.provider, made.provider.objects(made.gateway)


def _objects(provider: str, changes: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    return _made(provider, changes)[1]


def _route(provider: str, changes: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    made = plan(_config(provider, changes))
    return made.provider.route(made.gateway, made.models["qwen"].route)


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (
            "istio",
            {
                "": ("Gateway", "inference-gateway"),
                "parameters": ("ConfigMap", "inference-gateway"),
                **CATALOGUE,
                **ROUTER,
                **LISTS,
                "router-filter": ("EnvoyFilter", "body-based-router"),
                "router-rule": ("DestinationRule", "body-based-router"),
            },
        ),
        (
            "agentgateway",
            {
                "": ("Gateway", "inference-gateway"),
                "parameters": ("AgentgatewayParameters", "inference-gateway"),
                **CATALOGUE,
                "router-policy": ("AgentgatewayPolicy", "inference-gateway"),
            },
        ),
        (
            "gke",
            {
                "": ("Gateway", "inference-gateway"),
                **CATALOGUE,
                "models-health": ("HealthCheckPolicy", "model-catalogue"),
                **ROUTER,
                **LISTS,
                "router-extension": ("GCPRoutingExtension", "body-based-router"),
                "router-health": ("HealthCheckPolicy", "body-based-router"),
            },
        ),
        (
            "envoy-ai-gateway",
            {
                "": ("Gateway", "inference-gateway"),
                "parameters": ("EnvoyProxy", "inference-gateway"),
                "buffer": ("ClientTrafficPolicy", "inference-gateway"),
                "router": ("AIGatewayRoute", "inference-gateway"),
            },
        ),
    ],
)
def test_the_objects_are_exactly_these(provider: str, expected: dict[str, tuple[str, str]]) -> None:
    """A Gateway with what its controller wants beside it, and what routes by the body."""
    assert kinds_and_names(_objects(provider)) == expected


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("istio", {"": "HTTPRoute", "picker": "DestinationRule"}),
        ("agentgateway", {"": "HTTPRoute"}),
        ("gke", {"": "HTTPRoute", "health": "HealthCheckPolicy", "backend": "GCPBackendPolicy"}),
        ("envoy-ai-gateway", {"": "HTTPRoute"}),
    ],
)
def test_a_models_objects_are_exactly_these(provider: str, expected: dict[str, str]) -> None:
    """A route per model, and what the provider hangs on its pool."""
    assert {suffix: item["kind"] for suffix, item in _route(provider).items()} == expected


@pytest.mark.parametrize("provider", CONTROLLERS)
def test_with_a_model_at_the_root_nothing_reads_bodies(provider: str) -> None:
    """The one model of such a stack has all requests: no router, no catalogue, one rule."""
    root = {"models.qwen.path": "/"}
    rules = _route(provider, root)[""]["spec"]["rules"]

    assert not [suffix for suffix in _objects(provider, root) if suffix.startswith(("models", "router"))]
    assert [rule["matches"] for rule in rules] == [[{"path": {"type": "PathPrefix", "value": "/"}}]]


@pytest.mark.parametrize(
    ("provider", "changes", "expected"),
    [
        ("istio", {}, "istio"),
        ("agentgateway", {}, "agentgateway"),
        ("gke", {}, "gke-l7-rilb"),
        ("gke", OPEN, "gke-l7-regional-external-managed"),
        ("envoy-ai-gateway", {}, "envoy-ai-gateway"),
    ],
)
def test_the_class_is_the_providers(provider: str, changes: dict[str, Any], expected: str) -> None:
    """The class that the provider's installation brings; on GKE it says how open the gateway is."""
    assert _objects(provider, changes)[""]["spec"]["gatewayClassName"] == expected


@pytest.mark.parametrize("provider", CONTROLLERS)
def test_the_listener_is_the_stacks(provider: str) -> None:
    """Routes come from the stack's own namespace only; a certificate is referred to as Gateway API spells it."""
    (plain,) = _objects(provider)[""]["spec"]["listeners"]
    (secure,) = _objects(provider, TLS)[""]["spec"]["listeners"]
    own = {"name": "default", "allowedRoutes": {"namespaces": {"from": "Same"}}}

    assert plain == {**own, "port": 80, "protocol": "HTTP"}
    assert secure == {
        **own,
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "my-tls"}]},
    }
    assert _objects(provider)[""]["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Programmed"}


@pytest.mark.parametrize(
    ("provider", "timeouts", "by_name"),
    [
        ("istio", {"request": "0s", "backendRequest": "0s"}, True),
        ("agentgateway", {"request": "0s", "backendRequest": "0s"}, True),
        ("gke", None, True),
        ("envoy-ai-gateway", {"request": "0s", "backendRequest": "0s"}, False),
    ],
)
def test_a_route_leads_to_the_pool(provider: str, timeouts: dict[str, str] | None, by_name: bool) -> None:  # noqa: FBT001 - a case's value
    """By path, and by the header with the body's model; never cut, where the provider lets a route say so."""
    spec = _route(provider)[""]["spec"]
    header = {"type": "Exact", "name": "X-Gateway-Model-Name", "value": SERVED}
    named = [{"path": {"type": "PathPrefix", "value": "/v1"}, "headers": [header]}]
    expected = [[{"path": {"type": "PathPrefix", "value": "/qwen"}}], *([named] if by_name else [])]

    assert spec["parentRefs"] == [REF]
    assert [rule["matches"] for rule in spec["rules"]] == expected
    assert [rule["backendRefs"] for rule in spec["rules"]] == [[{**POOL, "weight": 1}]] * len(expected)
    assert [rule.get("timeouts") for rule in spec["rules"]] == [timeouts] * len(expected)


@pytest.mark.parametrize("provider", ["istio", "agentgateway", "gke"])
def test_what_no_model_takes_goes_to_the_catalogue(provider: str) -> None:
    """Below /v1, with no header of a model that is there, the catalogue answers: a list, or a 404 with the names."""
    objects = _objects(provider)
    (rule,) = objects["models-route"]["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    config = yaml.safe_load(objects["models-config"]["data"]["envoy.yaml"])
    (listener,) = [item for item in config["static_resources"]["listeners"] if item["name"] == "catalogue"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"]
    header = {"name": "X-Gateway-Model-Name", "present_match": True}

    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/v1"}}]
    assert backend == {"group": "", "kind": "Service", "name": "model-catalogue", "port": 80, "weight": 1}
    assert [(route["match"], route["direct_response"]["status"]) for route in host["routes"]] == [
        ({"path": "/v1/models"}, 200),
        ({"path": f"/v1/models/{SERVED}"}, 200),
        ({"path_separated_prefix": "/v1/models"}, 404),
        ({"prefix": "/", "headers": [header]}, 404),
        ({"prefix": "/"}, 400),
    ]


@pytest.mark.parametrize("provider", ["istio", "gke"])
@pytest.mark.parametrize(
    ("line", "image", "args", "rights"),
    [
        ("v0.4", "bbr:v1.2.0", ["--streaming", "--v", "3"], False),
        (
            "v0.9",
            "bbr:v1.5.0",
            [
                "--streaming",
                "--v=3",
                "--plugin",
                'body-field-to-header:model-extractor:{"fieldName":"model","headerName":"X-Gateway-Model-Name"}',
            ],
            True,
        ),
    ],
)
def test_the_router_is_the_lines(provider: str, line: str, image: str, args: list[str], rights: bool) -> None:  # noqa: FBT001 - a case's value
    """Program, flags and rights of the body-based router come from the release line; its pods need no privilege."""
    objects = _objects(provider, {"release": line})
    template = objects["router"]["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert container["image"] == f"registry.k8s.io/gateway-api-inference-extension/{image}"
    assert container["args"] == args
    assert ("router-role" in objects, "router-binding" in objects) == (rights, rights)
    assert restricted_violations(template) == []
    assert restricted_violations(objects["models"]["spec"]["template"]) == []


def test_istio_asks_the_router_for_the_gateway_alone() -> None:
    """The filter is bound to the Gateway, comes first, and reaches the router's port through Istio's own cluster."""
    spec = _objects("istio")["router-filter"]["spec"]
    (patch,) = spec["configPatches"]

    assert spec["targetRefs"] == [REF]
    assert (patch["match"]["context"], patch["patch"]["operation"]) == ("GATEWAY", "INSERT_FIRST")
    assert patch["patch"]["value"]["typed_config"]["grpc_service"] == {
        "envoy_grpc": {"cluster_name": "outbound|9004||body-based-router.llm-d.svc.cluster.local"}
    }
    assert _objects("istio")["router-rule"]["spec"]["host"] == "body-based-router.llm-d.svc.cluster.local"


def test_agentgateway_reads_the_body_itself() -> None:
    """Before it looks for a route, the proxy copies the body's model into the header that routes match."""
    assert _objects("agentgateway")["router-policy"]["spec"] == {
        "targetRefs": [REF],
        "traffic": {
            "phase": "PreRouting",
            "transformation": {
                "request": {
                    "set": [{"name": "X-Gateway-Model-Name", "value": "string(json(request.body).model)"}],
                }
            },
        },
    }


@pytest.mark.parametrize(("changes", "kind"), [({}, "ClusterIP"), (OPEN, "LoadBalancer")])
def test_parameters_make_the_service_as_open_as_the_stack_says(changes: dict[str, Any], kind: str) -> None:
    """Controllers open a load balancer by default; here one is there only where the stack asks for it."""
    changes = {**changes, "images.pullSecrets": ["pull"]}
    agent = _objects("agentgateway", changes)
    envoy = _objects("envoy-ai-gateway", changes)

    assert agent["parameters"]["spec"] == {
        "deployment": {
            "spec": {
                "template": {
                    "spec": {
                        "imagePullSecrets": [{"name": "pull"}],
                        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    }
                }
            }
        },
        "service": {"spec": {"type": kind}},
    }
    assert envoy["parameters"]["spec"]["provider"]["kubernetes"] == {"envoyService": {"type": kind}}
    for objects, group, named in (
        (agent, "agentgateway.dev", "AgentgatewayParameters"),
        (envoy, "gateway.envoyproxy.io", "EnvoyProxy"),
    ):
        reference = objects[""]["spec"]["infrastructure"]["parametersRef"]
        assert reference == {"group": group, "kind": named, "name": "inference-gateway"}


def test_envoy_ai_gateway_holds_whole_bodies_and_routes_by_them() -> None:
    """The buffer is upstream's, and one AIGatewayRoute has a rule per model, by the header that its processor sets."""
    objects = _objects("envoy-ai-gateway", {"models.other": {"source": "hf://Qwen/Qwen3-8B"}})
    rules = objects["router"]["spec"]["rules"]

    assert objects["buffer"]["spec"] == {"targetRefs": [REF], "connection": {"bufferLimit": "50Mi"}}
    assert [(rule["matches"], rule["backendRefs"]) for rule in rules] == [
        ([{"headers": [{"type": "Exact", "name": "x-ai-eg-model", "value": name}]}], [{**POOL, "name": model}])
        for name, model in (("Qwen/Qwen3-8B", "other"), (SERVED, "qwen"))
    ]


def test_google_checks_the_servers_and_never_cuts_a_stream() -> None:
    """Health is asked at the engine's own path and port; a response may take a day."""
    custom = {
        "models.qwen.engine": "custom",
        "models.qwen.custom": {
            "image": "registry.example.com/engine:v1",
            "command": ["serve"],
            "port": 9000,
            "livenessPath": "/alive",
            "metrics": {"queuedRequests": "queued", "kvCacheUsage": "used"},
        },
    }
    objects = _route("gke", custom)
    health = objects["health"]["spec"]

    assert health["targetRef"] == objects["backend"]["spec"]["targetRef"] == POOL
    assert health["default"]["config"] == {
        "type": "HTTP",
        "httpHealthCheck": {"requestPath": "/alive", "port": 9000},
    }
    assert objects["backend"]["spec"]["default"]["timeoutSec"] == 86400


def test_google_asks_the_router_and_checks_what_helps_it() -> None:
    """The extension streams the body to the router; router and catalogue have a health check that they pass."""
    objects = _objects("gke")
    (chain,) = objects["router-extension"]["spec"]["extensionChains"]
    (extension,) = chain["extensions"]
    service = {"group": "", "kind": "Service"}

    assert objects["router-extension"]["spec"]["targetRefs"] == [REF]
    assert extension["backendRef"] == {**service, "name": "body-based-router", "port": 9004}
    assert extension["requestBodySendMode"] == "FullDuplexStreamed"
    assert objects["router-health"]["spec"]["default"]["config"]["grpcHealthCheck"]["port"] == 9005
    assert objects["models-health"]["spec"] == {
        "targetRef": {**service, "name": "model-catalogue"},
        "default": {"config": {"type": "HTTP", "httpHealthCheck": {"requestPath": "/v1/models", "port": 8081}}},
    }


@pytest.mark.parametrize(
    ("provider", "peer"),
    [
        ("istio", {"podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "inference-gateway"}}}),
        (
            "agentgateway",
            {"podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "inference-gateway"}}},
        ),
        (
            "envoy-ai-gateway",
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "envoy-gateway-system"}},
                "podSelector": {"matchLabels": {"gateway.envoyproxy.io/owning-gateway-name": "inference-gateway"}},
            },
        ),
    ],
)
def test_the_providers_proxies_may_ask(provider: str, peer: dict[str, Any]) -> None:
    """Pickers and servers admit the provider's proxies wherever they run."""
    made = plan({**LINE, "gateway.provider": provider}).models["qwen"]

    assert made.picker.clients == (peer,)
    assert made.service.clients == (peer, {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}})


def test_googles_proxies_may_ask_from_their_own_subnet() -> None:
    """Pickers, servers and the body-based router admit the subnet that the config names and Google's health checks."""
    made = plan({**LINE, **GKE})
    peers = tuple({"ipBlock": {"cidr": cidr}} for cidr in ("35.191.0.0/16", "130.211.0.0/22", "10.129.0.0/23"))
    model, router = made.models["qwen"], made.provider.objects(made.gateway)["router-policy"]

    assert model.picker.clients == peers
    assert model.service.clients == (*peers, {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}})
    assert router["spec"]["ingress"][0]["from"] == list(peers)


def test_googles_proxies_are_named_and_no_others() -> None:
    """Without the subnet nothing would admit them; pods are known by labels; the whole internet is no proxy."""
    (missing,) = faults({**GKE, "gateway.proxyCidrs": []})
    (other,) = faults({"gateway.proxyCidrs": ["10.129.0.0/23"]})
    (everyone,) = faults({**GKE, "gateway.proxyCidrs": ["0.0.0.0/0"]})

    assert (missing.path, missing.allowed) == (
        "gateway.proxyCidrs",
        "the ranges of the region's proxy-only subnet, such as [10.129.0.0/23]",
    )
    assert (other.path, other.problem) == (
        "gateway.proxyCidrs",
        "the proxies of provider standalone are pods, admitted by their labels; remove the key",
    )
    assert (everyone.path, everyone.given) == ("gateway.proxyCidrs.0", "0.0.0.0/0")


@pytest.mark.parametrize("provider", ["agentgateway", "envoy-ai-gateway"])
def test_a_line_without_the_provider_refuses_it(provider: str) -> None:
    """Line v0.4 was never run with it; the fault names what it was run with."""
    (fault,) = faults({"gateway.provider": provider})

    assert (fault.path, fault.given, fault.allowed) == ("gateway.provider", provider, "standalone, istio, gke")
    assert faults({"gateway.provider": provider, "release": "v0.9"}) == []


def test_gke_brings_its_own_crds() -> None:
    """A stack that installed them would fight GKE for them."""
    (fault,) = faults({**GKE, "crds": "install"})

    assert (fault.path, fault.given, fault.allowed) == ("crds", "install", "existing")
    assert faults(GKE) == []


@pytest.mark.parametrize("name", ["body-based-router", "model-catalogue"])
def test_a_model_cannot_have_the_name_of_a_helper(name: str) -> None:
    """The gateway's helpers have names that a model's objects would take."""
    (fault,) = faults({f"models.{name}": {"source": "hf://Qwen/Qwen3-8B"}})

    assert fault.path == f"models.{name}"
