"""The istio provider: Gateway, parameters, a route and a rule for the picker per model.

What these tests cannot prove: that Istio's controller programs the gateway; only a cluster with Istio can.
"""

from typing import Any

import pytest
import yaml

from components.gateway_providers import GATEWAY_PROVIDERS
from tests.support.configs import plan
from tests.support.manifests import kinds_and_names

ISTIO = GATEWAY_PROVIDERS["istio"]
USED = {"gateway": {"provider": "istio"}}
ROUTES = "gateway.networking.k8s.io"


def _gateway(changes: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    return ISTIO.gateway(plan({**USED, **(changes or {})}).gateway)


def _route(changes: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    made = plan({**USED, **(changes or {})})
    return ISTIO.route(made.gateway, made.models["qwen"].route)


def test_the_objects_are_exactly_these() -> None:
    """A Gateway with its parameters, and per model a route and a rule; the proxies are Istio's."""
    assert kinds_and_names(_gateway()) == {
        "parameters": ("ConfigMap", "inference-gateway"),
        "": ("Gateway", "inference-gateway"),
    }
    assert kinds_and_names(_route()) == {"": ("HTTPRoute", "qwen"), "picker": ("DestinationRule", "qwen-epp")}


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ({}, {"port": 80, "protocol": "HTTP"}),
        (
            {"protocol": "HTTPS", "port": 443, "certificateSecret": "my-tls"},
            {
                "port": 443,
                "protocol": "HTTPS",
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "my-tls"}]},
            },
        ),
    ],
)
def test_the_gateway_takes_routes_of_its_own_namespace_only(listener: dict[str, Any], expected: dict[str, Any]) -> None:
    """Nobody else's route attaches to the listener, and a certificate makes it HTTPS."""
    gateway = _gateway({"gateway.provider": "istio", "gateway.listener": listener} if listener else {})[""]

    assert gateway["spec"] == {
        "gatewayClassName": "istio",
        "infrastructure": {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "inference-gateway"}},
        "listeners": [{"name": "default", "allowedRoutes": {"namespaces": {"from": "Same"}}, **expected}],
    }
    assert gateway["metadata"]["labels"]["istio.io/enable-inference-extproc"] == "true"
    assert gateway["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Programmed"}


@pytest.mark.parametrize(("exposure", "service_type"), [("cluster", "ClusterIP"), ("load-balancer", "LoadBalancer")])
def test_the_parameters_shape_istios_proxies(exposure: str, service_type: str) -> None:
    """Pull secrets, resources and the Service's type reach the proxies as patches."""
    changes = {"gateway": {"provider": "istio", "exposure": exposure}, "images": {"pullSecrets": ["pull"]}}
    data = ISTIO.gateway(plan(changes).gateway)["parameters"]["data"]
    container = {
        "name": "istio-proxy",
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    }

    assert {key: yaml.safe_load(patch) for key, patch in data.items()} == {
        "deployment": {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [container],
                        "imagePullSecrets": [{"name": "pull"}],
                        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    }
                }
            }
        },
        "service": {"spec": {"type": service_type}},
    }


def test_a_route_leads_from_gateway_to_pool() -> None:
    """By path, which is stripped, or by the header with the model; the stream is never cut."""
    assert _route()[""]["spec"] == {
        "parentRefs": [{"group": ROUTES, "kind": "Gateway", "name": "inference-gateway"}],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/qwen"}}],
                "filters": [
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}},
                    }
                ],
                "backendRefs": [
                    {
                        "group": "inference.networking.k8s.io",
                        "kind": "InferencePool",
                        "name": "qwen",
                        "weight": 1,
                    }
                ],
                "timeouts": {"request": "0s", "backendRequest": "0s"},
            },
            {
                "matches": [
                    {
                        "path": {"type": "PathPrefix", "value": "/v1"},
                        "headers": [{"type": "Exact", "name": "X-Gateway-Model-Name", "value": "Qwen/Qwen3-0.6B"}],
                    }
                ],
                "backendRefs": [
                    {
                        "group": "inference.networking.k8s.io",
                        "kind": "InferencePool",
                        "name": "qwen",
                        "weight": 1,
                    }
                ],
                "timeouts": {"request": "0s", "backendRequest": "0s"},
            },
        ],
    }


def test_a_route_at_the_root_is_not_rewritten() -> None:
    """Where there is no prefix there is nothing to strip."""
    (rule,) = _route({"models.qwen.path": "/"})[""]["spec"]["rules"]

    assert rule.keys() == {"matches", "backendRefs", "timeouts"}


def test_the_picker_is_spoken_to_by_tls() -> None:
    """The picker signs its own certificate, so the proxies use TLS and do not verify."""
    assert _route()["picker"]["spec"] == {
        "host": "qwen-epp.llm-d.svc.cluster.local",
        "trafficPolicy": {"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}},
    }


def test_istios_proxies_are_the_pickers_clients() -> None:
    """Servers and pickers admit the proxies by the label that Istio gives them."""
    made = plan(USED).models["qwen"]
    proxies = {"podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "inference-gateway"}}}

    assert made.picker.clients == (proxies,)
    assert made.service.clients == (proxies, {"podSelector": {"matchLabels": {"inferencepool": "qwen-epp"}}})
