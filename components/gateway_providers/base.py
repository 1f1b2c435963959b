"""What a gateway provider is: one record with the objects that it needs, in place of an `if` in every component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["BodyRouter", "GatewayProvider", "GatewaySpec", "ModelRoute", "Share"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyRouter:
    """How the line routes by the model in a request's body, where the gateway cannot do so itself."""

    image: str
    """Mirror applied."""
    args: Sequence[str]
    header: str
    """The header that it puts the model into."""
    reads_config_maps: bool
    """Whether it watches ConfigMaps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A model's part in the requests of a route."""

    model: str
    """Name of the model; its InferencePool and its picker follow from it."""
    weight: int
    """Relative to the other shares of the route."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRoute:
    """The way from the gateway to one model."""

    model: str
    """Name of the model; its InferencePool and its picker follow from it."""
    path: str
    """URL path on the gateway, without a trailing slash; the servers see what comes behind it."""
    served_names: tuple[str, ...]
    """What a request may name as its `model` to come here by the gateway's base URL; none for the canary of another."""
    pool_api_group: str
    """API group of the InferencePool, from the same value as the pool's own apiVersion."""
    target_port: int
    """Port of the model's servers."""
    health_path: str
    """HTTP path by which the servers say that they live."""
    failure_mode: str
    """`FailOpen` or `FailClose`, as the pool says it."""
    canary: Share | None = None
    """Another version of the model, and what it answers of a hundred requests."""

    @property
    def shares(self) -> tuple[Share, ...]:
        """Who answers the requests, the model itself first."""
        if self.canary is None:
            return (Share(model=self.model, weight=1),)
        return (Share(model=self.model, weight=100 - self.canary.weight), self.canary)


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
    body_router: BodyRouter
    proxies: Sequence[Mapping[str, Any]]
    """The provider's: NetworkPolicy peers that are the gateway."""

    @property
    def routes_by_body(self) -> bool:
        """Whether requests are routed by their bodies: not where the one model of a stack is at `/` and has it all."""
        return all(route.path != "/" for route in self.routes)

    @property
    def served_names(self) -> list[str]:
        """Every name that a request may give as its `model`, sorted."""
        return sorted(name for route in self.routes for name in route.served_names)


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayProvider:
    """A way to run the gateway."""

    name: str
    gateway: Callable[[GatewaySpec], dict[str, dict[str, Any]]]
    """Objects of the gateway itself, by the suffix of their logical names."""
    route: Callable[[GatewaySpec, ModelRoute], dict[str, dict[str, Any]]]
    """Objects of one model's route; empty where the gateway's own config holds the routes."""
    by_body: Callable[[GatewaySpec], dict[str, dict[str, Any]]]
    """Objects that route by the model in a request's body and list the models, by the suffix of their logical names;
    asked only where requests are routed so."""
    proxies: Sequence[Mapping[str, Any]]
    """NetworkPolicy peers that are the gateway: who may speak to pickers and servers."""
    service: str | None
    """Name of the Service that clients speak to; its DNS name is the gateway's address inside the cluster. `None` where
    the provider makes the address up: it is in the Gateway's status then."""

    def objects(self, spec: GatewaySpec) -> dict[str, dict[str, Any]]:
        """All that the stack has of the gateway beside its models' routes, by the suffix of their logical names."""
        return {**self.gateway(spec), **(self.by_body(spec) if spec.routes_by_body else {})}
