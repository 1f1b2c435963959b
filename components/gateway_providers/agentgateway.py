"""Provider `agentgateway`: its controller is on the cluster already, with `inferenceExtension.enabled`; pure.

Reference for content: llm-d's recipe (guides/recipes/gateway/agentgateway) and its guide for several models
(guides/multi-model-routing), by which this proxy reads bodies itself: no router stands beside it. What differs: the
header carries the body's model as it is, where the guide looks the base model up, for every name has a route here.
"""

from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.gateway_api import NO_TIMEOUTS, gateway, gateway_ref, http_route
from components.gateway_providers.model_catalogue import model_catalogue
from naming import GATEWAY, common_labels

__all__ = ["AGENTGATEWAY"]

_API = "agentgateway.dev/v1alpha1"
_LABELS = common_labels(component=GATEWAY, instance=GATEWAY)


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    pod: dict[str, Any] = {
        # What the proxy's own pod lacks for the namespace's Pod Security Standard.
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        **pods.pull_secrets(spec.pull_secrets),
    }
    parameters = {
        "apiVersion": _API,
        "kind": "AgentgatewayParameters",
        "metadata": pods.metadata(GATEWAY, spec.namespace, _LABELS),
        "spec": {
            "deployment": {"spec": {"template": {"spec": pod}}},
            "service": {"spec": {"type": "LoadBalancer" if spec.load_balancer else "ClusterIP"}},
        },
    }
    reference = {"group": "agentgateway.dev", "kind": "AgentgatewayParameters", "name": GATEWAY}
    return {"parameters": parameters, "": gateway(spec, "agentgateway", parameters=reference)}


def _by_body(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    model = {"name": spec.body_router.header, "value": "string(json(request.body).model)"}
    return {
        **model_catalogue(spec),
        "router-policy": {
            "apiVersion": _API,
            "kind": "AgentgatewayPolicy",
            "metadata": pods.metadata(GATEWAY, spec.namespace, _LABELS),
            "spec": {
                "targetRefs": [gateway_ref()],
                "traffic": {"phase": "PreRouting", "transformation": {"request": {"set": [model]}}},
            },
        },
    }


def _route(spec: GatewaySpec, route: ModelRoute) -> dict[str, dict[str, Any]]:
    return {"": http_route(spec, route, timeouts=NO_TIMEOUTS)}


AGENTGATEWAY = GatewayProvider(
    name="agentgateway",
    gateway=_gateway,
    by_body=_by_body,
    route=_route,
    # Proxies run beside the Gateway, with its name in Gateway API's own label, and their Service is its namesake.
    proxies=(pods.peer({"gateway.networking.k8s.io/gateway-name": GATEWAY}),),
    service=GATEWAY,
)
