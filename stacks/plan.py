"""From settings to component args: the plan of a stack as plain data; pure.

Where two components must agree, the value is computed here once and handed to both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from components import pods
from components.autoscaler import AutoscalerArgs
from components.efa_device_plugin import EfaDevicePluginArgs
from components.endpoint_picker import EndpointPickerArgs, picker_selector
from components.gateway_providers import GATEWAY_PROVIDERS, BodyRouter, GatewayProvider, GatewaySpec, ModelRoute, Share
from components.model_cache import ModelCacheArgs
from components.model_service import ModelServiceArgs, RoleArgs, RoutingSidecar
from components.nvidia_device_plugin import NvidiaDevicePluginArgs
from components.render_pool import RenderPoolArgs
from engines import CUSTOM, ENGINES, Custom, Engine, LoraServing, MetricMap, ProbePaths, Role
from naming import TOKEN_SECRET
from releases import RELEASES, Release, engine_version
from settings import StackSettings
from settings.cluster import Monitoring, NamespacesMode
from settings.gateway import Exposure
from settings.gpu_pools import Fabric
from settings.models import CustomEngineSettings, ModelSettings
from settings.placement import Placement, place, pod_memory, pool_capacities
from settings.rules.collisions import model_path
from settings.source import served_name
from settings.workloads import Workload, workloads_of
from stacks.autoscaling import autoscaler_of
from stacks.device_plugins import device_plugin_of, efa_device_plugin_of, taint_keys
from stacks.images import mirrored
from stacks.pools import pool_plans
from stacks.prefix_cache import cpu_tier_blocks_of, event_stream_of, precise_prefix_of, render_pool_of
from stacks.weights import adapters_of, cache_of, weights_of

__all__ = ["TOKEN_SECRET", "ModelPlan", "StackPlan", "plan_stack"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPlan:
    """One model's components."""

    cache: ModelCacheArgs | None
    """`None` where the pods read a volume of their own or download for themselves."""
    autoscaler: AutoscalerArgs | None
    """`None` where the number of servers is stated."""
    render: RenderPoolArgs | None
    """`None` where the picker needs no prompt tokenized."""
    service: ModelServiceArgs
    picker: EndpointPickerArgs
    route: ModelRoute


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPlan:
    """A stack's components."""

    release: Release
    namespace: str
    creates_namespaces: bool
    install_crds: bool
    device_plugin: NvidiaDevicePluginArgs | None
    """`None` where every pool has another advertiser."""
    efa_device_plugin: EfaDevicePluginArgs | None
    """`None` where no pool has EFA, or another advertiser of it."""
    provider: GatewayProvider
    gateway: GatewaySpec
    models: Mapping[str, ModelPlan]
    pools: Mapping[str, Mapping[str, object]]
    """The GPU pools by name, as plain data."""
    creates_token_secret: bool


def plan_stack(settings: StackSettings) -> StackPlan:
    """The plan of validated settings."""
    release = RELEASES[settings.release]
    placement = place(settings)
    provider = GATEWAY_PROVIDERS[settings.gateway.provider]
    gateway = _gateway(settings, release, provider)
    models = {
        name: _model(settings, release, placement, gateway, name, route)
        for name, route in zip(sorted(settings.models), gateway.routes, strict=True)
    }
    return StackPlan(
        release=release,
        namespace=settings.namespace,
        creates_namespaces=settings.namespaces is NamespacesMode.CREATE,
        install_crds=settings.installs_crds,
        device_plugin=device_plugin_of(settings, release),
        efa_device_plugin=efa_device_plugin_of(settings, release),
        provider=provider,
        gateway=gateway,
        models=models,
        pools=pool_plans(settings, placement),
        creates_token_secret=settings.hugging_face.token is not None,
    )


def _gateway(settings: StackSettings, release: Release, provider: GatewayProvider) -> GatewaySpec:
    gateway = settings.gateway
    return GatewaySpec(
        namespace=settings.namespace,
        port=gateway.listener.port,
        tls_secret=gateway.listener.certificate_secret,
        load_balancer=gateway.exposure is Exposure.LOAD_BALANCER,
        replicas=gateway.replicas,
        proxy_image=mirrored(release.images["envoy"].reference, settings.images),
        pull_secrets=settings.images.pull_secrets,
        routes=tuple(_route(settings, release, name) for name in sorted(settings.models)),
        body_router=BodyRouter(
            image=mirrored(release.images["body-router"].reference, settings.images),
            args=release.body_router.args,
            header=release.body_router.header,
            reads_config_maps=release.body_router.reads_config_maps,
        ),
        proxies=(*provider.proxies, *({"ipBlock": {"cidr": cidr}} for cidr in gateway.proxy_cidrs)),
    )


def _route(settings: StackSettings, release: Release, name: str) -> ModelRoute:
    model = settings.models[name]
    engine = _engine(settings, model)
    return ModelRoute(
        model=name,
        path=model_path(name, model),
        served_names=() if _is_canary(settings, name) else _served_names(name, model, engine),
        pool_api_group=release.pool_api_group,
        target_port=engine.default_port,
        health_path=engine.health_path,
        failure_mode=model.picker.failure_mode,
        canary=None if model.canary is None else Share(model=model.canary.model, weight=model.canary.weight),
    )


def _is_canary(settings: StackSettings, name: str) -> bool:
    """Whether its names are another model's, which it shares its requests with."""
    return any(other.canary is not None and other.canary.model == name for other in settings.models.values())


def _served_names(name: str, model: ModelSettings, engine: Engine) -> tuple[str, ...]:
    served = served_name(name, model)
    if not isinstance(engine.lora, LoraServing):
        return (served,)
    return (served, *(engine.lora.named(served, adapter) for adapter in sorted(model.lora_adapters)))


def _model(
    settings: StackSettings,
    release: Release,
    placement: Placement,
    gateway: GatewaySpec,
    name: str,
    route: ModelRoute,
) -> ModelPlan:
    model = settings.models[name]
    engine = _engine(settings, model)
    version = _engine_version(settings, release, model)
    decode, *others = (_role(settings, release, placement, model, workload) for workload in workloads_of(name, model))
    prefill = others[0] if others else None
    scrape = settings.monitoring is Monitoring.PROMETHEUS_OPERATOR
    image = mirrored(_engine_image(settings, release, model), settings.images)
    cache, autoscaler = cache_of(settings, name, image), autoscaler_of(settings, release, name)
    service = ModelServiceArgs(
        namespace=settings.namespace,
        model=name,
        served_name=served_name(name, model),
        engine=engine,
        model_command=model.model_command or _model_command(release, engine),
        image=image,
        engine_version=version,
        weights=weights_of(settings, model, cache),
        decode=decode,
        prefill=prefill,
        events=event_stream_of(settings, release, engine, name),
        cpu_tier_bytes=None if model.tiered_prefix_cache is None else model.tiered_prefix_cache.cpu_memory,
        sidecar=None if prefill is None else _sidecar(settings, release),
        labels=release.labels,
        adapters=adapters_of(model),
        clients=(*gateway.proxies, pods.peer(picker_selector(name))),
        pull_secrets=settings.images.pull_secrets,
        runtime_class=settings.device_plugin.runtime_class,
        pod_monitor=scrape,
    )
    picker = EndpointPickerArgs(
        namespace=settings.namespace,
        model=name,
        image=mirrored(release.images["picker"].reference, settings.images),
        pool_api_version=release.pool_api_version,
        dialect=release.picker,
        labels=release.labels,
        engine_type=engine.engine_type,
        metrics=engine.metrics(version),
        target_port=engine.default_port,
        disaggregated=prefill is not None,
        replicas=model.picker.replicas,
        failure_mode=model.picker.failure_mode,
        cpu=model.picker.cpu,
        memory_bytes=model.picker.memory,
        clients=gateway.proxies,
        pull_secrets=settings.images.pull_secrets,
        # Without it the picker would send every request at once, whatever its priority.
        flow_control=bool(model.objectives) or (autoscaler is not None and autoscaler.min_replicas == 0),
        adapters=bool(model.lora_adapters),
        objectives={key: given.priority for key, given in model.objectives.items()},
        precise_prefix=precise_prefix_of(settings, release, engine, name),
        cpu_tier_blocks=cpu_tier_blocks_of(settings, release, name),
        service_monitor=scrape,
    )
    return ModelPlan(
        cache=cache,
        autoscaler=autoscaler,
        render=render_pool_of(settings, release, name),
        service=service,
        picker=picker,
        route=route,
    )


def _role(
    settings: StackSettings, release: Release, placement: Placement, model: ModelSettings, workload: Workload
) -> RoleArgs:
    pool = placement.pool_of[workload.name]
    capacity = pool_capacities(settings.gpu_pools, settings.device_plugin)[pool]
    engine, prefill = model.engine or settings.engine, model.prefill
    extra_args = model.extra_args
    if prefill is not None:
        pins = release.engines[engine].disaggregation
        of_role = prefill.extra_args if workload.role == Role.PREFILL else ()
        extra_args = (*(pins.args if pins else ()), *model.extra_args, *of_role)
    return RoleArgs(
        role=Role.AGGREGATED if prefill is None else Role(workload.role),
        replicas=workload.replicas,
        tensor_parallelism=workload.parallelism.tensor,
        copies=workload.parallelism.copies,
        copies_per_pod=workload.parallelism.copies_per_node,
        pods_per_replica=workload.parallelism.nodes,
        expert_parallelism=workload.parallelism.expert,
        gpu_resource=capacity.gpu_resource,
        cpu=workload.resources.cpu or f"{capacity.cpu_millicores_for(workload.gpus)}m",
        memory_bytes=pod_memory(workload, capacity),
        node_selector=capacity.node_selector,
        taint_keys=taint_keys(settings, pool),
        fabric_devices=capacity.fabric_devices(workload.gpus) if workload.crosses_nodes else None,
        libfabric=workload.crosses_nodes and capacity.fabric is Fabric.EFA,
        autoscaled=model.autoscaling is not None,
        surge=workload.name in placement.surging,
        extra_args=extra_args,
    )


def _sidecar(settings: StackSettings, release: Release) -> RoutingSidecar:
    # The settings refuse a role of its own for prefill where the line has no dialect for it.
    if release.sidecar is None:
        raise ValueError(f"release line {release.name} has no routing sidecar")
    return RoutingSidecar(image=mirrored(release.images["sidecar"].reference, settings.images), dialect=release.sidecar)


def _engine(settings: StackSettings, model: ModelSettings) -> Engine:
    name = model.engine or settings.engine
    if name == CUSTOM and model.custom is not None:
        return _custom_engine(model.custom)
    return ENGINES[name]


def _custom_engine(custom: CustomEngineSettings) -> Custom:
    metrics = custom.metrics
    return Custom(
        command=custom.command,
        args=custom.args,
        env=custom.env,
        default_port=custom.port,
        probes=ProbePaths(liveness=custom.liveness_path, readiness=custom.readiness_path),
        metric_map=MetricMap(
            path=metrics.path,
            queued_requests=metrics.queued_requests,
            running_requests=metrics.running_requests,
            kv_cache_usage=metrics.kv_cache_usage,
        ),
    )


def _engine_image(settings: StackSettings, release: Release, model: ModelSettings) -> str:
    """The model's own image, else the engine's of this stack, else the line's; a name of the line or a reference."""
    engine = model.engine or settings.engine
    if engine == CUSTOM and model.custom is not None:
        return model.custom.image
    pins = release.engines[engine]
    of_stack = settings.engines[engine].image if engine in settings.engines else None
    image = model.image or of_stack or pins.default
    return pins.images[image].reference if image in pins.images else image


def _engine_version(settings: StackSettings, release: Release, model: ModelSettings) -> str:
    pins = release.engines.get(model.engine or settings.engine)
    return "" if pins is None else engine_version(_engine_image(settings, release, model), pins).version


def _model_command(release: Release, engine: Engine) -> str:
    return release.engines[engine.name].model_command if engine.name in release.engines else "custom"
