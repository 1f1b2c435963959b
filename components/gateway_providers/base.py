"""What a gateway provider is: one record with the objects that it needs, in place of an `if` in every component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GatewayProvider", "GatewaySpec", "ModelRoute"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRoute:
    """The way from the gateway to one model."""

    model: str
    """Name of the model; its InferencePool and its picker follow from it."""
    path: str
    """URL path on the gateway, without a trailing slash; the servers see what comes behind it."""
    served_names: tuple[str, ...]
    """What a request may name as its `model` to come here by the gateway's base URL."""
    pool_api_group: str
    """API group of the InferencePool, from the same value as the pool's own apiVersion."""
    failure_mode: str
    """`FailOpen` or `FailClose`, as the pool says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySpec:
    """The gateway of a stack."""

    namespace: str
    port: int
    """Port that clients speak to."""
    tls_secret: str | None
    """TLS Secret of an HTTPS listener; `None`: HTTP."""
    load_balancer: bool
    """Whether the gateway can be reached from outside the cluster."""
    replicas: int
    """Proxies, where this program runs them."""
    proxy_image: str
    """Envoy, mirror applied."""
    pull_secrets: Sequence[str]
    routes: tuple[ModelRoute, ...]
    """Every model of the stack, sorted by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayProvider:
    """A way to run the gateway."""

    name: str
    gateway: Callable[[GatewaySpec], dict[str, dict[str, Any]]]
    """Objects of the gateway itself, by the suffix of their logical names."""
    route: Callable[[GatewaySpec, ModelRoute], dict[str, dict[str, Any]]]
    """Objects of one model's route; empty where the gateway's own config holds the routes."""
    proxy_labels: Mapping[str, str]
    """Labels of the proxies' pods: who may speak to pickers and servers."""
    service: str
    """Name of the Service that clients speak to; its DNS name is the gateway's address inside the cluster."""
