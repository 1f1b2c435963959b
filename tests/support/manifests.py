"""Every object of a plan as a manifest, from the same builders that the components use, without Pulumi."""

from typing import Any

from components import autoscaler, endpoint_picker, model_cache, model_service, render_pool
from components.custom_resource_definitions import CustomResourceDefinitionsArgs
from components.custom_resource_definitions import build as build_crds
from components.nvidia_device_plugin import build as build_plugin
from naming import common_labels
from stacks import ServingLayerArgs, StackPlan
from stacks.plan import TOKEN_SECRET
from stacks.serving_layer import _namespace

__all__ = ["kinds_and_names", "of_kind", "platform_objects", "serving_objects"]

Manifest = dict[str, Any]


def serving_objects(plan: StackPlan) -> list[Manifest]:
    """The objects of the serving layer; the token Secret, which only the layer itself can make, has a stand-in."""
    objects: list[Manifest] = [_namespace(ServingLayerArgs.of(plan, None))] if plan.creates_namespaces else []
    if plan.creates_token_secret:
        metadata = {
            "name": TOKEN_SECRET,
            "namespace": plan.namespace,
            "labels": dict(common_labels(component="token", instance=TOKEN_SECRET)),
        }
        objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"HF_TOKEN": ""}})
    objects += plan.provider.objects(plan.gateway).values()
    for model in plan.models.values():
        if model.autoscaler is not None:
            objects += autoscaler.build(model.autoscaler).values()
        if model.cache is not None:
            objects += model_cache.build(model.cache).values()
        objects += model_service.build(model.service).values()
        if model.render is not None:
            objects += render_pool.build(model.render).values()
        objects += endpoint_picker.build(model.picker).values()
        objects += plan.provider.route(plan.gateway, model.route).values()
    return objects


def platform_objects(plan: StackPlan, *, crds: bool = False) -> list[Manifest]:
    """The objects of the platform layer; the CRDs only where their files are on this machine."""
    objects: list[Manifest] = []
    if crds:
        objects += build_crds(CustomResourceDefinitionsArgs(release=plan.release)).values()
    if plan.device_plugin is not None:
        objects += build_plugin(plan.device_plugin).values()
    return objects


def of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    """The objects of one kind."""
    return [manifest for manifest in objects if manifest["kind"] == kind]


def kinds_and_names(objects: dict[str, Manifest]) -> dict[str, tuple[str, str]]:
    """Kind and name of objects by their suffix."""
    return {suffix: (manifest["kind"], manifest["metadata"]["name"]) for suffix, manifest in objects.items()}
