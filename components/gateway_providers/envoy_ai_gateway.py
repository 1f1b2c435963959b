"""Provider `envoy-ai-gateway`: Envoy Gateway with the AI Gateway's controller, both on the cluster already; pure.

Reference for content: llm-d's recipe (guides/recipes/gateway/envoy-ai-gateway: Gateway and ClientTrafficPolicy) and the
project's guide for pools. It reads bodies itself and lists the models of its AIGatewayRoutes, so there is neither a
router nor a catalogue. Upstream's recipe has its clients send the header with the model themselves.
"""

from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.gateway_api import NO_TIMEOUTS, gateway, gateway_ref, http_route
from naming import GATEWAY, ModelNames, common_labels

__all__ = ["ENVOY_AI_GATEWAY"]

_LABELS = common_labels(component=GATEWAY, instance=GATEWAY)
_NAMESPACE = "envoy-gateway-system"

# The header that its processor puts the body's model into.
_MODEL_HEADER = "x-ai-eg-model"


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    metadata = pods.metadata(GATEWAY, spec.namespace, _LABELS)
    service = {"type": "LoadBalancer" if spec.load_balancer else "ClusterIP"}
    group = "gateway.envoyproxy.io"
    reference = {"group": group, "kind": "EnvoyProxy", "name": GATEWAY}
    return {
        "parameters": {
            "apiVersion": f"{group}/v1alpha1",
            "kind": "EnvoyProxy",
            "metadata": metadata,
            "spec": {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": service}}},
        },
        "": gateway(spec, "envoy-ai-gateway", parameters=reference),
        "buffer": {
            "apiVersion": f"{group}/v1alpha1",
            "kind": "ClientTrafficPolicy",
            "metadata": metadata,
            # 32 KiB by default, which few prompts keep to once a body has to be read whole.
            "spec": {"targetRefs": [gateway_ref()], "connection": {"bufferLimit": "50Mi"}},
        },
    }


def _by_body(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    return {
        "router": {
            "apiVersion": "aigateway.envoyproxy.io/v1alpha1",
            "kind": "AIGatewayRoute",
            "metadata": pods.metadata(GATEWAY, spec.namespace, _LABELS),
            "spec": {
                "parentRefs": [gateway_ref()],
                "rules": [_by_name(route) for route in spec.routes if route.served_names],
            },
        }
    }


def _by_name(route: ModelRoute) -> dict[str, Any]:
    pool = ModelNames(model=route.model).pool
    return {
        "matches": [
            {"headers": [{"type": "Exact", "name": _MODEL_HEADER, "value": name}]} for name in route.served_names
        ],
        "backendRefs": [{"group": route.pool_api_group, "kind": "InferencePool", "name": pool}],
        "timeouts": dict(NO_TIMEOUTS),
    }


def _route(spec: GatewaySpec, route: ModelRoute) -> dict[str, dict[str, Any]]:
    return {"": http_route(spec, route, timeouts=NO_TIMEOUTS, by_name=False)}


ENVOY_AI_GATEWAY = GatewayProvider(
    name="envoy-ai-gateway",
    gateway=_gateway,
    by_body=_by_body,
    route=_route,
    # Envoy Gateway runs all proxies in its own namespace, unless it is installed otherwise, and hashes their names.
    proxies=(pods.peer({"gateway.envoyproxy.io/owning-gateway-name": GATEWAY}, _NAMESPACE),),
    service=None,
)
