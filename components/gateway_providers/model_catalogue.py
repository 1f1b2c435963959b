"""The model catalogue: answers `/v1/models`, and requests for models that are not there; pure.

An HTTPRoute can send a request somewhere, and cannot answer one. So for providers that take routes as objects a small
Envoy, of the image that the line pins anyway, gives the answers that the standalone gateway gives itself.
"""

from typing import Any

from components.gateway_providers.base import GatewaySpec
from components.gateway_providers.envoy_config import catalogue_config
from components.gateway_providers.envoy_workload import EnvoyWorkload, envoy_workload
from components.gateway_providers.gateway_api import catalogue_route
from naming import MODEL_CATALOGUE

__all__ = ["model_catalogue"]


def model_catalogue(spec: GatewaySpec) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    envoy = EnvoyWorkload(
        name=MODEL_CATALOGUE,
        config=catalogue_config(spec),
        replicas=2,
        port=80,
        service_type="ClusterIP",
        tls_secret=None,
        cpu="50m",
        memory="64Mi",
        memory_limit="256Mi",
    )
    objects = {f"models-{suffix}" if suffix else "models": made for suffix, made in envoy_workload(spec, envoy).items()}
    return {**objects, "models-route": catalogue_route(spec)}
