"""Provider `gke`: Google's load balancers, by the Gateway controller that GKE brings; pure.

Reference for content: llm-d's recipes (guides/recipes/gateway/gke-l7-regional-external-managed and gke-l7-rilb), the
inferencepool chart (HealthCheckPolicy, GCPBackendPolicy) and the body-based-routing chart (GCPRoutingExtension). What
differs: a response may take a day where the chart cuts it after five minutes, for a token stream lasts as long as the
generation; the body-based router gets ten seconds, which a body on a slow line takes, where the chart gives it one.
"""

from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.body_router import BODY_ROUTER_PORT, HEALTH_PORT, body_router
from components.gateway_providers.envoy_config import LISTENER_PORT
from components.gateway_providers.gateway_api import gateway, gateway_ref, http_route
from components.gateway_providers.model_catalogue import model_catalogue
from naming import BODY_ROUTER, MODEL_CATALOGUE, ModelNames, common_labels

__all__ = ["GKE"]

_API = "networking.gke.io/v1"
_STREAM_SECONDS = 86400


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    return {"": gateway(spec, "gke-l7-regional-external-managed" if spec.load_balancer else "gke-l7-rilb")}


def _by_body(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    metadata = pods.metadata(BODY_ROUTER, spec.namespace, common_labels(component=BODY_ROUTER, instance=BODY_ROUTER))
    service = {"group": "", "kind": "Service", "name": BODY_ROUTER}
    extension = {
        "name": "model",
        "authority": BODY_ROUTER,
        "timeout": "10s",
        "supportedEvents": ["RequestHeaders", "RequestBody", "RequestTrailers"],
        "requestBodySendMode": "FullDuplexStreamed",
        "backendRef": {**service, "port": BODY_ROUTER_PORT},
    }
    health = {"type": "GRPC", "grpcHealthCheck": {"portSpecification": "USE_FIXED_PORT", "port": HEALTH_PORT}}
    return {
        **body_router(spec),
        **model_catalogue(spec),
        "router-extension": {
            "apiVersion": _API,
            "kind": "GCPRoutingExtension",
            "metadata": metadata,
            "spec": {
                "targetRefs": [gateway_ref()],
                "extensionChains": [{"name": "body", "extensions": [extension]}],
            },
        },
        "models-health": {
            "apiVersion": _API,
            "kind": "HealthCheckPolicy",
            "metadata": pods.metadata(
                MODEL_CATALOGUE, spec.namespace, common_labels(component=MODEL_CATALOGUE, instance=MODEL_CATALOGUE)
            ),
            "spec": {
                "targetRef": {"group": "", "kind": "Service", "name": MODEL_CATALOGUE},
                # By default a backend is healthy if it answers 200 at `/`.
                "default": {
                    "config": {
                        "type": "HTTP",
                        "httpHealthCheck": {"requestPath": "/v1/models", "port": LISTENER_PORT},
                    }
                },
            },
        },
        "router-health": {
            "apiVersion": _API,
            "kind": "HealthCheckPolicy",
            "metadata": metadata,
            "spec": {"targetRef": service, "default": {"config": health}},
        },
    }


def _route(spec: GatewaySpec, route: ModelRoute) -> dict[str, dict[str, Any]]:
    names = ModelNames(model=route.model)
    metadata = pods.metadata(names.pool, spec.namespace, common_labels(component="http-route", instance=route.model))
    pool = {"group": route.pool_api_group, "kind": "InferencePool", "name": names.pool}
    health = {"type": "HTTP", "httpHealthCheck": {"requestPath": route.health_path, "port": route.target_port}}
    return {
        # Google's controller refuses a route with timeouts.
        "": http_route(spec, route, timeouts=None),
        "health": {
            "apiVersion": _API,
            "kind": "HealthCheckPolicy",
            "metadata": metadata,
            # Twice as often as by default, so that a replaced picker is found sooner (the chart's own numbers).
            "spec": {"targetRef": pool, "default": {"timeoutSec": 2, "checkIntervalSec": 2, "config": health}},
        },
        "backend": {
            "apiVersion": _API,
            "kind": "GCPBackendPolicy",
            "metadata": metadata,
            "spec": {"targetRef": pool, "default": {"timeoutSec": _STREAM_SECONDS, "logging": {"enabled": True}}},
        },
    }


GKE = GatewayProvider(
    name="gke",
    gateway=_gateway,
    by_body=_by_body,
    route=_route,
    # Where Google's health checks come from; its proxies are in a subnet that the config names (`gateway.proxyCidrs`).
    # cloud.google.com/load-balancing/docs/firewall-rules
    proxies=tuple({"ipBlock": {"cidr": cidr}} for cidr in ("35.191.0.0/16", "130.211.0.0/22")),
    service=None,
)
