"""Provider `istio`: Istio's Gateway API controller, which is on the cluster already; pure.

Reference for content: the llm-d-infra chart (Gateway, parameters) and the inferencepool chart (DestinationRule). What
differs: there is no Telemetry for access logs, routes are taken from the stack's own namespace only, where upstream
takes them from all, and the HTTPRoute is ours, because upstream leaves it to the user.
"""

from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.yaml_text import yaml_text
from naming import GATEWAY, ModelNames, common_labels, service_host

__all__ = ["ISTIO"]

_GATEWAY_GROUP = "gateway.networking.k8s.io"
_LABELS = common_labels(component=GATEWAY, instance=GATEWAY)


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    return {
        "parameters": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": pods.metadata(GATEWAY, spec.namespace, _LABELS),
            "data": _parameters(spec),
        },
        "": {
            "apiVersion": f"{_GATEWAY_GROUP}/v1",
            "kind": "Gateway",
            "metadata": pods.metadata(
                GATEWAY,
                spec.namespace,
                {**_LABELS, "istio.io/enable-inference-extproc": "true"},
                # Created is not enough: without a programmed listener every request fails.
                {"pulumi.com/waitFor": "condition=Programmed"},
            ),
            "spec": {
                "gatewayClassName": "istio",
                "infrastructure": {"parametersRef": {"group": "", "kind": "ConfigMap", "name": GATEWAY}},
                "listeners": [_listener(spec)],
            },
        },
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


def _route(spec: GatewaySpec, route: ModelRoute) -> dict[str, dict[str, Any]]:
    names = ModelNames(model=route.model)
    labels = common_labels(component="http-route", instance=route.model)
    return {
        "": {
            "apiVersion": f"{_GATEWAY_GROUP}/v1",
            "kind": "HTTPRoute",
            "metadata": pods.metadata(names.pool, spec.namespace, labels),
            "spec": {
                "parentRefs": [{"group": _GATEWAY_GROUP, "kind": "Gateway", "name": GATEWAY}],
                "rules": [_rule(route)],
            },
        },
        "picker": {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": pods.metadata(names.picker, spec.namespace, labels),
            "spec": {
                "host": service_host(names.picker, spec.namespace),
                # The picker signs its certificate itself at start: there is nothing to verify it by.
                "trafficPolicy": {"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}},
            },
        },
    }


def _rule(route: ModelRoute) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": route.path}}],
        "backendRefs": [{"group": route.pool_api_group, "kind": "InferencePool", "name": route.model, "weight": 1}],
        # A token stream lasts as long as the generation.
        "timeouts": {"request": "0s", "backendRequest": "0s"},
    }
    if route.path != "/":
        rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
        rule["filters"] = [{"type": "URLRewrite", "urlRewrite": rewrite}]
    return rule


ISTIO = GatewayProvider(
    name="istio",
    gateway=_gateway,
    route=_route,
    # Istio labels the proxies of a Gateway with its name, and names their Service after Gateway and class.
    proxy_labels={"gateway.networking.k8s.io/gateway-name": GATEWAY},
    service=f"{GATEWAY}-istio",
)
