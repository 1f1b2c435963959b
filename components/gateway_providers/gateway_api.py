"""What every provider of the Gateway API shares: Gateway, listener, routes by path and by the model in the body; pure.

Reference for content: llm-d's gateway recipes (guides/recipes/gateway). What differs: routes are taken from the stack's
own namespace only, where upstream takes them from all; a route is there for every model; `/v1/models` has an answer.
"""

from collections.abc import Mapping
from typing import Any

from components import pods
from components.gateway_providers.base import GatewaySpec, ModelRoute
from naming import GATEWAY, MODEL_CATALOGUE, ModelNames, common_labels

__all__ = ["GATEWAY_GROUP", "NO_TIMEOUTS", "catalogue_route", "gateway", "gateway_ref", "http_route"]

GATEWAY_GROUP = "gateway.networking.k8s.io"

NO_TIMEOUTS: Mapping[str, str] = {"request": "0s", "backendRequest": "0s"}
"""A token stream lasts as long as the generation."""

_LABELS = common_labels(component=GATEWAY, instance=GATEWAY)


def gateway(
    spec: GatewaySpec,
    class_name: str,
    *,
    labels: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The Gateway.

    Args:
        spec: What it has to be.
        class_name: GatewayClass, which the provider's own installation brings.
        labels: Labels beside the common ones.
        parameters: `infrastructure.parametersRef`, where the provider takes one.
    """
    infrastructure = {} if parameters is None else {"infrastructure": {"parametersRef": dict(parameters)}}
    # Created is not enough: without a programmed listener every request fails.
    waits = {"pulumi.com/waitFor": "condition=Programmed"}
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "Gateway",
        "metadata": pods.metadata(GATEWAY, spec.namespace, {**_LABELS, **(labels or {})}, waits),
        "spec": {"gatewayClassName": class_name, **infrastructure, "listeners": [_listener(spec)]},
    }


def gateway_ref() -> dict[str, str]:
    """A reference to the Gateway from its own namespace."""
    return {"group": GATEWAY_GROUP, "kind": "Gateway", "name": GATEWAY}


def http_route(
    spec: GatewaySpec, route: ModelRoute, *, timeouts: Mapping[str, str] | None, by_name: bool = True
) -> dict[str, Any]:
    """The HTTPRoute of one model: below its path, and below `/v1` by the header with the model's name.

    Args:
        spec: The gateway that it belongs to.
        route: The route.
        timeouts: Of both rules; `None` where the provider has no such field.
        by_name: Whether a header carries the model's name; where not, the provider has another way.
    """
    rules = [_by_path(route)]
    if by_name and spec.routes_by_body:
        rules += _by_name(spec, route)
    more = {} if timeouts is None else {"timeouts": dict(timeouts)}
    labels = common_labels(component="http-route", instance=route.model)
    return _http_route(ModelNames(model=route.model).pool, spec, labels, [{**rule, **more} for rule in rules])


def catalogue_route(spec: GatewaySpec) -> dict[str, Any]:
    """Everything below `/v1` that no model's route takes: the list of models, and names that are not there."""
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
        "backendRefs": [{"group": "", "kind": "Service", "name": MODEL_CATALOGUE, "port": 80, "weight": 1}],
    }
    labels = common_labels(component="http-route", instance=MODEL_CATALOGUE)
    return _http_route(MODEL_CATALOGUE, spec, labels, [rule])


def _http_route(name: str, spec: GatewaySpec, labels: Mapping[str, str], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": pods.metadata(name, spec.namespace, labels),
        "spec": {"parentRefs": [gateway_ref()], "rules": rules},
    }


def _listener(spec: GatewaySpec) -> dict[str, Any]:
    listener: dict[str, Any] = {
        "name": "default",
        "port": spec.port,
        "protocol": "HTTP",
        # Anybody who may create an HTTPRoute anywhere in the cluster could attach to a gateway that takes all.
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    if spec.tls_secret is not None:
        listener["protocol"] = "HTTPS"
        listener["tls"] = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": spec.tls_secret}]}
    return listener


def _by_path(route: ModelRoute) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": route.path}}],
        "backendRefs": _pools(route),
    }
    if route.path != "/":
        rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
        rule["filters"] = [{"type": "URLRewrite", "urlRewrite": rewrite}]
    return rule


def _by_name(spec: GatewaySpec, route: ModelRoute) -> list[dict[str, Any]]:
    matches = [
        {
            "path": {"type": "PathPrefix", "value": "/v1"},
            "headers": [{"type": "Exact", "name": spec.body_router.header, "value": name}],
        }
        for name in route.served_names
    ]
    return [{"matches": matches, "backendRefs": _pools(route)}] if matches else []


def _pools(route: ModelRoute) -> list[dict[str, Any]]:
    pool = {"group": route.pool_api_group, "kind": "InferencePool"}
    return [{**pool, "name": ModelNames(model=share.model).pool, "weight": share.weight} for share in route.shares]
