"""GpuNodePool: equal GPU nodes on EKS, as a managed node group with a launch template of its own.

It owns the node group, its launch template and, where asked for, a security group for EFA and a placement group. It
does not own the nodes' role (the cluster's), whoever advertises the GPUs (the platform layer's), nor how many nodes
there are where an autoscaler is named.

    GpuNodePool("cluster-h100", GpuNodePoolArgs(spec=..., place=...), ResourceOptions(parent=...))
"""

import pulumi

from components.aws_plan import create_all_aws
from components.gpu_node_pool.args import GpuNodePoolArgs, GpuNodePoolSpec, PoolPlace
from components.gpu_node_pool.objects import build

__all__ = ["GpuNodePool", "GpuNodePoolArgs", "GpuNodePoolSpec", "PoolPlace", "build", "summarize"]


class GpuNodePool(pulumi.ComponentResource):
    """A pool of GPU nodes."""

    node_group_name: pulumi.Output[str]
    """Name of the node group."""

    def __init__(self, name: str, args: GpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:GpuNodePool", name, summarize(args.spec), opts)
        made = create_all_aws(name, build(args), self)
        self.node_group_name = made[""].node_group_name
        self.register_outputs({"node_group_name": self.node_group_name})


def summarize(spec: GpuNodePoolSpec) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "pool": spec.pool,
        "instanceType": spec.instance.name,
        "gpusPerNode": spec.instance.gpu_count,
        "minSize": spec.min_size,
        "desiredSize": spec.desired_size,
        "maxSize": spec.max_size,
        "capacity": str(spec.capacity),
        "reservationId": spec.reservation_id,
        "zones": list(spec.zones),
        "amiType": spec.ami.name,
        "releaseVersion": spec.release_version,
        "efaInterfaces": spec.instance.efa_interfaces if spec.efa else 0,
        "localStorage": str(spec.local_storage),
        "autoscaler": str(spec.autoscaler),
    }
