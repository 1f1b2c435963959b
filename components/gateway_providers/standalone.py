"""Provider `standalone`: Envoy in front of the pickers, without a gateway controller; pure."""

from typing import Any

from components import pods
from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.envoy_config import MEMORY_BYTES, envoy_config
from components.gateway_providers.envoy_workload import EnvoyWorkload, envoy_workload
from naming import GATEWAY

__all__ = ["STANDALONE"]


def _gateway(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    envoy = EnvoyWorkload(
        name=GATEWAY,
        config=envoy_config(spec),
        replicas=spec.replicas,
        port=spec.port,
        service_type="LoadBalancer" if spec.load_balancer else "ClusterIP",
        tls_secret=spec.tls_secret,
        cpu="500m",
        memory="512Mi",
        memory_limit=f"{MEMORY_BYTES // 1024**3}Gi",
    )
    return envoy_workload(spec, envoy)


def _by_body(_spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    """Nothing: Envoy reads the bodies itself."""
    return {}


def _route(_spec: GatewaySpec, _route: ModelRoute) -> dict[str, dict[str, Any]]:
    """Nothing: the routes are in Envoy's own config."""
    return {}


STANDALONE = GatewayProvider(
    name="standalone",
    gateway=_gateway,
    by_body=_by_body,
    route=_route,
    proxies=(pods.peer({"app.kubernetes.io/name": GATEWAY, "app.kubernetes.io/instance": GATEWAY}),),
    service=GATEWAY,
)
