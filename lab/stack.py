"""The simulated node pools of a stack's config file.

The lab makes its nodes from the same `gpuPools` that the program plans for, so
the program itself needs no code path for simulation. What an instance type
holds is the catalogue's knowledge, what the file means is `settings`'.
"""

from pathlib import Path

from lab.errors import LabError
from lab.nodes import SimulatedPool
from lab.paths import CHECKOUT
from lab.volumes import SimulatedClass
from settings import ConfigFaultsError, StackSettings, load_stack_file
from settings.gpu_pools import GpuPoolSettings
from settings.placement import EFA_RESOURCE, PoolCapacity, pool_capacities

__all__ = ["classes_of_stack", "pools_of_stack", "runs_on_eks", "simulated_classes", "simulated_pools", "stack_file"]


def stack_file(stack: str) -> Path:
    """The config file of a stack, given by name or as a path.

    Raises:
        LabError: if there is none, with the stacks that there are.
    """
    path = Path(stack) if stack.endswith((".yaml", ".yml")) else CHECKOUT / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = sorted(
            file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in CHECKOUT.glob("Pulumi.*.yaml")
        )
        raise LabError(f"there is no stack config {path}; stacks of this checkout: {', '.join(known) or 'none'}")
    return path


def pools_of_stack(path: Path) -> tuple[SimulatedPool, ...]:
    """The GPU pools that the stack's config describes, each with as many nodes as it may have.

    None for a stack on EKS: its node groups make the nodes.

    Raises:
        LabError: with every fault of the config.
    """
    settings = _load(path)
    return () if settings.cluster.eks is not None else simulated_pools(settings)


def runs_on_eks(path: Path) -> bool:
    """Whether the stack's cluster is on EKS, so that its lab needs an AWS.

    Raises:
        LabError: with every fault of the config.
    """
    return _load(path).cluster.eks is not None


def classes_of_stack(path: Path) -> tuple[SimulatedClass, ...]:
    """The storage classes that the stack's config describes.

    Raises:
        LabError: with every fault of the config.
    """
    return simulated_classes(_load(path))


def _load(path: Path) -> StackSettings:
    try:
        return load_stack_file(path)
    except ConfigFaultsError as error:
        raise LabError(str(error)) from error


def simulated_pools(settings: StackSettings) -> tuple[SimulatedPool, ...]:
    """The pools of validated settings, as a cloud would make their nodes."""
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    return tuple(_pool(settings.gpu_pools[name], capacity) for name, capacity in sorted(capacities.items()))


def simulated_classes(settings: StackSettings) -> tuple[SimulatedClass, ...]:
    """The storage classes that validated settings describe."""
    return tuple(
        SimulatedClass(
            name=name,
            access_modes=tuple(found.access_modes),
            min_bytes=found.min_size or 0,
            max_bytes=found.max_size,
        )
        for name, found in sorted(settings.storage_classes.items())
    )


def _pool(pool: GpuPoolSettings, capacity: PoolCapacity) -> SimulatedPool:
    allocatable = capacity.instance.allocatable
    taints = (
        [{"key": pool.taint.key, "value": pool.taint.value, "effect": str(pool.taint.effect)}] if pool.taint else []
    )
    return SimulatedPool(
        name=capacity.name,
        count=capacity.nodes,
        instance_type=pool.instance_type,
        capacity={
            "cpu": f"{allocatable.cpu_millicores}m",
            "memory": f"{allocatable.memory_mib}Mi",
            "ephemeral-storage": f"{pool.ephemeral_gib}Gi",
            "pods": "110",
            capacity.gpu_resource: str(capacity.gpus_per_node),
            **_fabric(capacity),
        },
        labels={**capacity.node_selector, "nvidia.com/gpu.present": "true"},
        taints=taints,
    )


def _fabric(capacity: PoolCapacity) -> dict[str, str]:
    """What the nodes have to speak to each other over: every EFA interface, or `rdma/ib` for as many pods as fit."""
    devices = capacity.fabric_devices(capacity.gpus_per_node)
    if devices is None:
        return {}
    name, amount = devices
    return {name: str(amount if name == EFA_RESOURCE else capacity.gpus_per_node)}
