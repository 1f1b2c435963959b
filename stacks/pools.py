"""The GPU pools of a stack as plain data: what the platform layer states and policies judge; pure."""

from collections.abc import Mapping

from settings import StackSettings
from settings.placement import Placement, pool_capacities, replica_gpus
from settings.workloads import workloads

__all__ = ["pool_plans"]


def pool_plans(settings: StackSettings, placement: Placement) -> Mapping[str, Mapping[str, object]]:
    """Each pool by name: what its nodes have, how far it grows, who advertises its GPUs and which models want them."""
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    plans = {}
    for name, pool in sorted(settings.gpu_pools.items()):
        capacity = capacities[name]
        placed = [workload for workload in workloads(settings) if placement.pool_of[workload.name] == name]
        plans[name] = {
            "instanceType": pool.instance_type,
            "minSize": pool.min_size,
            "maxSize": pool.max_size,
            "gpuResource": capacity.gpu_resource,
            "gpusPerNode": capacity.gpus_per_node,
            "nodeSelector": dict(capacity.node_selector),
            "taintKey": None if pool.taint is None else pool.taint.key,
            "advertiser": str(pool.advertised_by),
            "usdPerHour": pool.usd_per_hour,
            "gpusOfModels": {
                model: sum(sum(replica_gpus(workload)) for workload in placed if workload.model == model)
                for model in sorted({workload.model for workload in placed})
            },
        }
    return plans
