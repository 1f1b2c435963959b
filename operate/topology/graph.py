"""The graph of a stack: from gateway to GPU, as plain data; pure."""

from dataclasses import dataclass, replace

from components.model_service import RoleArgs
from naming import GATEWAY, PREFILL_ROLE, ModelNames
from settings import StackSettings
from settings.gpu_pools import Advertiser, DevicePluginSettings, GpuPoolSettings
from settings.placement import PoolCapacity, pack, place, pool_capacities
from settings.workloads import Workload, workloads_of
from stacks.plan import ModelPlan, StackPlan, plan_stack

__all__ = ["Gateway", "Model", "NodePool", "Picker", "Topology", "topology"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """The one door of a stack."""

    name: str
    """Service that clients speak to."""
    provider: str
    protocol: str
    """`HTTP` or `HTTPS`."""
    port: int
    load_balancer: bool
    """Whether it can be reached from outside the cluster."""
    proxies: int | None
    """Pods; `None` where the provider's controller decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picker:
    """The endpoint picker of a model."""

    name: str
    """Deployment and Service."""
    replicas: int
    failure_mode: str
    """`FailOpen` or `FailClose`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model with what leads to it and what runs it; where prefill is disaggregated, that role is one more."""

    name: str
    """Of the model, or of its prefill servers."""
    served_name: str
    """The `model` that clients ask for."""
    path: str
    """URL path on the gateway."""
    picker: Picker
    inference_pool: str
    """Name of the InferencePool that selects its servers."""
    engine: str
    image: str
    replicas: int
    gpus_per_replica: int
    """In the node pool's unit."""
    pods_per_replica: int = 1
    """Pods that a replica's GPUs are spread over evenly; each has its own on one node."""
    node_pool: str

    @property
    def gpus(self) -> int:
        """Of all replicas."""
        return self.replicas * self.gpus_per_replica


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePool:
    """A pool of equal GPU nodes."""

    name: str
    instance_type: str
    gpu: str
    gpus_per_node: int
    """Whole GPUs, before they are cut or shared."""
    min_nodes: int
    max_nodes: int
    needed_nodes: int
    """The fewest nodes that hold every replica placed here."""
    mig_profile: str | None
    """What every GPU is cut into."""
    shared_by: int
    """Pods that one GPU, or one slice of it, is handed to."""
    unit: str
    """What a replica asks for, in the singular: `GPU`, `MIG slice`, `GPU share`."""
    used: int
    """Units that models ask for."""
    total: int
    """Units of all nodes at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """A stack."""

    stack: str
    release: str
    namespace: str
    gateway: Gateway
    models: tuple[Model, ...]
    """By node pool, then by name."""
    node_pools: tuple[NodePool, ...]
    """By name."""

    def models_on(self, pool: NodePool) -> tuple[Model, ...]:
        """The models that a node pool serves."""
        return tuple(model for model in self.models if model.node_pool == pool.name)


def topology(stack: str, settings: StackSettings) -> Topology:
    """The graph of validated settings."""
    plan = plan_stack(settings)
    pool_of = place(settings).pool_of
    models = [
        _model(workload, plan.models[name], role, pool_of[workload.name])
        for name in plan.models
        for workload, role in zip(
            workloads_of(name, settings.models[name]), plan.models[name].service.roles, strict=True
        )
    ]
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    return Topology(
        stack=stack,
        release=plan.release.name,
        namespace=plan.namespace,
        gateway=_gateway(plan),
        models=tuple(sorted(models, key=lambda model: (model.node_pool, model.name))),
        node_pools=tuple(
            _node_pool(settings.gpu_pools[name], settings.device_plugin, capacity, models)
            for name, capacity in sorted(capacities.items())
        ),
    )


def _gateway(plan: StackPlan) -> Gateway:
    spec = plan.gateway
    objects = plan.provider.gateway(spec).values()
    deployments = [item["spec"]["replicas"] for item in objects if item["kind"] == "Deployment"]
    return Gateway(
        name=plan.provider.service or GATEWAY,
        provider=plan.provider.name,
        protocol="HTTP" if spec.tls_secret is None else "HTTPS",
        port=spec.port,
        load_balancer=spec.load_balancer,
        proxies=sum(deployments) if deployments else None,
    )


def _model(workload: Workload, plan: ModelPlan, role: RoleArgs, node_pool: str) -> Model:
    names = ModelNames(model=workload.model)
    return Model(
        name=names.server_of(workload.role) if workload.role == PREFILL_ROLE else workload.model,
        served_name=plan.service.served_name,
        path=plan.route.path,
        picker=Picker(name=names.picker, replicas=plan.picker.replicas, failure_mode=str(plan.picker.failure_mode)),
        inference_pool=names.pool,
        engine=plan.service.engine.name,
        image=plan.service.image,
        replicas=role.replicas,
        gpus_per_replica=role.gpus_per_pod * role.pods_per_replica,
        pods_per_replica=role.pods_per_replica,
        node_pool=node_pool,
    )


def _node_pool(
    pool: GpuPoolSettings, plugin: DevicePluginSettings, capacity: PoolCapacity, models: list[Model]
) -> NodePool:
    pods = [
        model.gpus_per_replica // model.pods_per_replica
        for model in models
        if model.node_pool == capacity.name
        for _ in range(model.replicas * model.pods_per_replica)
    ]
    shared_by = plugin.replicas if pool.advertised_by is Advertiser.DEVICE_PLUGIN else 1
    return NodePool(
        name=capacity.name,
        instance_type=capacity.instance.name,
        gpu=capacity.instance.gpu.name,
        gpus_per_node=capacity.instance.gpu_count,
        min_nodes=pool.min_size,
        max_nodes=pool.max_size,
        needed_nodes=_needed_nodes(pods, capacity),
        mig_profile=pool.mig_profile,
        shared_by=shared_by,
        unit=_unit(pool, shared_by),
        used=sum(pods),
        total=capacity.nodes * capacity.gpus_per_node,
    )


def _needed_nodes(pods: list[int], capacity: PoolCapacity) -> int:
    """The packing that the plan was checked with, on as few nodes as hold it."""
    fewest = -(-sum(pods) // capacity.gpus_per_node)
    counts = range(fewest, capacity.nodes)
    return next((nodes for nodes in counts if pack(pods, replace(capacity, nodes=nodes))), capacity.nodes)


def _unit(pool: GpuPoolSettings, shared_by: int) -> str:
    if shared_by > 1:
        return "GPU share"
    return "GPU" if pool.mig_profile is None else "MIG slice"
