"""HttpRoute: the way from the gateway to one model's InferencePool, where the provider takes routes as objects.

It owns the HTTPRoute and what the provider needs to reach the picker. It does not own the pool.

    HttpRoute("qwen", HttpRouteArgs(provider=..., spec=..., route=...), ResourceOptions(providers=[provider]))
"""

from dataclasses import dataclass

import pulumi

from components.gateway_providers import GatewayProvider, GatewaySpec, ModelRoute
from components.objects import create_all

__all__ = ["HttpRoute", "HttpRouteArgs"]


@dataclass(frozen=True, kw_only=True)
class HttpRouteArgs:
    """The route of one model."""

    provider: GatewayProvider
    """Whose objects the route is made of."""
    spec: GatewaySpec
    """The gateway that the route belongs to."""
    route: ModelRoute
    """The route."""


class HttpRoute(pulumi.ComponentResource):
    """The route of one model."""

    path: pulumi.Output[str]
    """URL path on the gateway."""

    def __init__(self, name: str, args: HttpRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        summary = {"model": args.route.model, "path": args.route.path, "provider": args.provider.name}
        if args.route.canary is not None:
            summary["canary"] = args.route.canary.model
        super().__init__("llmd:index:HttpRoute", name, summary, opts)
        create_all(name, args.provider.route(args.spec, args.route), self)
        self.path = pulumi.Output.from_input(args.route.path)
        self.register_outputs({"path": self.path})
