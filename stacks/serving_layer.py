"""ServingLayer: the gateway and one set of components per model, in the order that keeps requests answered.

It owns the serving namespace, unless the cluster has it. It does not own CRDs, nodes or gateway controllers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.autoscaler import Autoscaler
from components.endpoint_picker import EndpointPicker
from components.gateway_providers import GatewayProvider, GatewaySpec
from components.http_route import HttpRoute, HttpRouteArgs
from components.inference_gateway import InferenceGateway, InferenceGatewayArgs
from components.model_cache import ModelCache
from components.model_service import ModelService
from components.objects import create
from components.render_pool import RenderPool
from naming import common_labels
from stacks.plan import TOKEN_SECRET, ModelPlan, StackPlan

__all__ = ["ServingLayer", "ServingLayerArgs"]


@dataclass(frozen=True, kw_only=True)
class ServingLayerArgs:
    """What to serve."""

    namespace: str
    """Namespace of everything here."""
    creates_namespace: bool
    """Whether the namespace is this layer's."""
    provider: GatewayProvider
    """What runs the gateway."""
    gateway: GatewaySpec
    """The gateway."""
    models: Mapping[str, ModelPlan]
    """The models by name."""
    token: pulumi.Input[str] | None
    """Hugging Face token to make a Secret of; must be a Pulumi secret."""

    @staticmethod
    def of(plan: StackPlan, token: pulumi.Input[str] | None) -> "ServingLayerArgs":
        """The layer's part of a plan."""
        return ServingLayerArgs(
            namespace=plan.namespace,
            creates_namespace=plan.creates_namespaces,
            provider=plan.provider,
            gateway=plan.gateway,
            models=plan.models,
            token=token,
        )


class ServingLayer(pulumi.ComponentResource):
    """The gateway and the models."""

    url: pulumi.Output[str | None]
    """Base URL of the gateway inside the cluster."""

    def __init__(self, name: str, args: ServingLayerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:ServingLayer", name, summarize(args), opts)
        shared: list[pulumi.Resource] = []
        if args.creates_namespace:
            shared.append(create(name, _namespace(args), pulumi.ResourceOptions(parent=self)))
        within = pulumi.ResourceOptions(parent=self, depends_on=[*shared])
        if args.token is not None:
            shared.append(_token_secret(name, args, within))
        gateway = InferenceGateway(
            f"{name}-gateway",
            InferenceGatewayArgs(provider=args.provider, spec=args.gateway),
            within,
        )
        pickers = {model: _serve(f"{name}-{model}", plan, self, shared) for model, plan in sorted(args.models.items())}
        for model, plan in sorted(args.models.items()):
            # A route is there once every pool that it leads to is.
            asked = [pickers[share.model] for share in plan.route.shares]
            _route(f"{name}-{model}", plan, args, pulumi.ResourceOptions(parent=self, depends_on=[*asked]))
        self.url = gateway.url
        self.register_outputs({"url": self.url})


def _serve(name: str, plan: ModelPlan, parent: pulumi.Resource, after: list[pulumi.Resource]) -> EndpointPicker:
    if plan.cache is not None:
        # Pods move to a cache that is complete; the old claim is removed when nothing reads it any more.
        after = [
            *after,
            ModelCache(f"{name}-cache", plan.cache, pulumi.ResourceOptions(parent=parent, depends_on=after)),
        ]
    servers = ModelService(name, plan.service, pulumi.ResourceOptions(parent=parent, depends_on=after))
    if plan.autoscaler is not None:
        Autoscaler(f"{name}-autoscaler", plan.autoscaler, pulumi.ResourceOptions(parent=parent, depends_on=[servers]))
    # The picker comes after the servers: in an engine switch the old metric map stays until the new engine's pods are
    # ready, so that the map is never set for an engine that has no ready pod.
    before: list[pulumi.Resource] = [servers]
    if plan.render is not None:
        before.append(
            RenderPool(f"{name}-render", plan.render, pulumi.ResourceOptions(parent=parent, depends_on=after))
        )
    return EndpointPicker(f"{name}-picker", plan.picker, pulumi.ResourceOptions(parent=parent, depends_on=before))


def _route(name: str, plan: ModelPlan, args: ServingLayerArgs, opts: pulumi.ResourceOptions) -> None:
    """The model's route, where the provider takes routes as objects."""
    if args.provider.route(args.gateway, plan.route):
        HttpRoute(f"{name}-route", HttpRouteArgs(provider=args.provider, spec=args.gateway, route=plan.route), opts)


def _namespace(args: ServingLayerArgs) -> dict[str, object]:
    labels = {
        **common_labels(component="serving", instance=args.namespace),
        # Engines, pickers and proxies need no privilege; whatever asks for one in this namespace is not ours.
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": args.namespace, "labels": labels}}


def _token_secret(name: str, args: ServingLayerArgs, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": TOKEN_SECRET,
            "namespace": args.namespace,
            "labels": dict(common_labels(component="token", instance=TOKEN_SECRET)),
        },
        "stringData": {"HF_TOKEN": args.token},
    }
    return create(f"{name}-token", manifest, opts)


def summarize(args: ServingLayerArgs) -> dict[str, object]:
    """The plan of this layer as plain data: known in the first preview, whatever the cluster."""
    return {
        "namespace": args.namespace,
        "gatewayProvider": args.provider.name,
        "models": {name: plan_summary(plan) for name, plan in sorted(args.models.items())},
    }


def plan_summary(plan: ModelPlan) -> dict[str, object]:
    """One model as a script reads it."""
    service = plan.service
    return {
        "engine": service.engine.name,
        "image": service.image,
        "replicas": sum(role.replicas for role in service.roles),
        "gpus": service.gpus,
        "servedName": service.served_name,
        **({"adapters": list(service.adapter_names)} if service.adapters else {}),
        "path": plan.route.path,
        **({"shares": {share.model: share.weight for share in plan.route.shares}} if plan.route.canary else {}),
    }
