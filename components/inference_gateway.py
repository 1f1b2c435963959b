"""InferenceGateway: the one address of a stack's models.

It owns what its provider needs to run a gateway. It does not own the routes of a provider that takes them as objects
(`HttpRoute`), nor a gateway controller.

    InferenceGateway("gateway", InferenceGatewayArgs(provider=..., spec=...), ResourceOptions(providers=[provider]))
"""

from dataclasses import dataclass

import pulumi

from components.gateway_providers import GatewayProvider, GatewaySpec
from components.objects import create_all
from naming import service_host

__all__ = ["InferenceGateway", "InferenceGatewayArgs"]


@dataclass(frozen=True, kw_only=True)
class InferenceGatewayArgs:
    """The gateway of a stack."""

    provider: GatewayProvider
    """What runs it."""
    spec: GatewaySpec
    """What it has to be."""


class InferenceGateway(pulumi.ComponentResource):
    """The gateway of a stack."""

    url: pulumi.Output[str | None]
    """Address inside the cluster; `None` where the provider makes it up and the Gateway's status has it."""

    def __init__(self, name: str, args: InferenceGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:InferenceGateway", name, summarize(args), opts)
        create_all(name, args.provider.objects(args.spec), self)
        self.url = pulumi.Output.from_input(base_url(args))
        self.register_outputs({"url": self.url})


def base_url(args: InferenceGatewayArgs) -> str | None:
    """Address inside the cluster, where it can be known."""
    if args.provider.service is None:
        return None
    scheme, usual = ("http", 80) if args.spec.tls_secret is None else ("https", 443)
    port = "" if args.spec.port == usual else f":{args.spec.port}"
    return f"{scheme}://{service_host(args.provider.service, args.spec.namespace)}{port}"


def summarize(args: InferenceGatewayArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "provider": args.provider.name,
        "port": args.spec.port,
        "tls": args.spec.tls_secret is not None,
        "loadBalancer": args.spec.load_balancer,
        "routes": {route.model: route.path for route in args.spec.routes},
        "namespace": args.spec.namespace,
    }
