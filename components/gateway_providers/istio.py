"""Provider `istio`: Istio's Gateway API controller, which is on the cluster already; pure.

Reference for content: the llm-d-infra chart (Gateway, parameters), the inferencepool chart (DestinationRule) and the
body-based-routing chart (EnvoyFilter). What differs: there is no Telemetry for access logs, and the HTTPRoute is ours,
because upstream leaves it to the user. The EnvoyFilter is the Gateway's alone, as in that chart's later versions: the
one of 1.2 changes every sidecar of the namespace as well.
"""

from collections.abc import Mapping
from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.body_router import BODY_ROUTER_PORT, body_router
from components.gateway_providers.gateway_api import NO_TIMEOUTS, gateway, gateway_ref, http_route
from components.gateway_providers.model_catalogue import model_catalogue
from components.yaml_text import yaml_text
from naming import BODY_ROUTER, GATEWAY, ModelNames, common_labels, service_host

__all__ = ["ISTIO"]

_LABELS = common_labels(component=GATEWAY, instance=GATEWAY)


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    return {
        "parameters": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": pods.metadata(GATEWAY, spec.namespace, _LABELS),
            "data": _parameters(spec),
        },
        "": gateway(
            spec,
            "istio",
            labels={"istio.io/enable-inference-extproc": "true"},
            parameters={"group": "", "kind": "ConfigMap", "name": GATEWAY},
        ),
    }


def _parameters(spec: GatewaySpec) -> dict[str, str]:
    """Strategic merge patches that Istio applies to the proxy's Deployment and Service."""
    container = {
        "name": "istio-proxy",
        "resources": {
            "requests": {"cpu": "500m", "memory": "512Mi"},
            "limits": {"memory": "2Gi"},
        },
    }
    pod: dict[str, Any] = {
        "containers": [container],
        # The one thing that Istio's own template lacks for the namespace's Pod Security Standard.
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        **pods.pull_secrets(spec.pull_secrets),
    }
    service_type = "LoadBalancer" if spec.load_balancer else "ClusterIP"
    patches: dict[str, Any] = {
        "deployment": {"spec": {"template": {"spec": pod}}},
        "service": {"spec": {"type": service_type}},
    }
    return {key: yaml_text(patch) for key, patch in patches.items()}


def _by_body(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    labels = common_labels(component=BODY_ROUTER, instance=BODY_ROUTER)
    return {
        **body_router(spec),
        **model_catalogue(spec),
        "router-filter": {
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": pods.metadata(BODY_ROUTER, spec.namespace, labels),
            "spec": {"targetRefs": [gateway_ref()], "configPatches": [_filter(spec)]},
        },
        "router-rule": _unverified(spec, BODY_ROUTER, labels),
    }


def _filter(spec: GatewaySpec) -> dict[str, Any]:
    """Asks the router before anything else looks at the request."""
    cluster = f"outbound|{BODY_ROUTER_PORT}||{service_host(BODY_ROUTER, spec.namespace)}"
    connection_manager = {"name": "envoy.filters.network.http_connection_manager"}
    config = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
        "failure_mode_allow": False,
        "allow_mode_override": True,
        "processing_mode": {
            "request_header_mode": "SEND",
            "response_header_mode": "SKIP",
            "request_body_mode": "FULL_DUPLEX_STREAMED",
            "response_body_mode": "NONE",
            "request_trailer_mode": "SEND",
            "response_trailer_mode": "SKIP",
        },
        "grpc_service": {"envoy_grpc": {"cluster_name": cluster}},
    }
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": connection_manager}}},
        "patch": {
            "operation": "INSERT_FIRST",
            "value": {"name": "envoy.filters.http.ext_proc.body-based-router", "typed_config": config},
        },
    }


def _route(spec: GatewaySpec, route: ModelRoute) -> dict[str, dict[str, Any]]:
    labels = common_labels(component="http-route", instance=route.model)
    return {
        "": http_route(spec, route, timeouts=NO_TIMEOUTS),
        "picker": _unverified(spec, ModelNames(model=route.model).picker, labels),
    }


def _unverified(spec: GatewaySpec, service: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """TLS to a server that signs its certificate itself at start: there is nothing to verify it by."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": pods.metadata(service, spec.namespace, labels),
        "spec": {
            "host": service_host(service, spec.namespace),
            "trafficPolicy": {"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}},
        },
    }


ISTIO = GatewayProvider(
    name="istio",
    gateway=_gateway,
    by_body=_by_body,
    route=_route,
    # Istio labels the proxies of a Gateway with its name, and names their Service after Gateway and class.
    proxies=(pods.peer({"gateway.networking.k8s.io/gateway-name": GATEWAY}),),
    service=f"{GATEWAY}-istio",
)
