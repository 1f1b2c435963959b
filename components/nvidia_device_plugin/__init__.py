"""NvidiaDevicePlugin: the one advertiser of `nvidia.com/gpu` on the pools that it is given.

It owns the plugin's namespace, configuration, rights and DaemonSet, with MPS the control daemon, and a RuntimeClass if
one is named. It does not own drivers and container toolkit (the nodes' image has them), the MIG layout of a GPU, node
labels (GPU feature discovery is not installed, for nothing here reads them) nor pools that have another advertiser.

One per cluster: its cluster-scoped objects have the names of NVIDIA's chart, so a second one fails instead of
advertising the same GPUs twice.

    NvidiaDevicePlugin("gpus", NvidiaDevicePluginArgs(...), ResourceOptions(providers=[provider]))
"""

import pulumi

from components.nvidia_device_plugin.args import NvidiaDevicePluginArgs, validate_args
from components.nvidia_device_plugin.objects import build
from components.objects import create_with_namespace, name_of

__all__ = ["NvidiaDevicePlugin", "NvidiaDevicePluginArgs", "build", "summarize", "validate_args"]


class NvidiaDevicePlugin(pulumi.ComponentResource):
    """NVIDIA's device plugin on some pools."""

    daemon_set_name: pulumi.Output[str]
    """Name of the plugin's DaemonSet."""

    def __init__(self, name: str, args: NvidiaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:NvidiaDevicePlugin", name, summarize(args), opts)
        _raise_faults(name, args)
        children = create_with_namespace(name, build(args), self)
        self.daemon_set_name = name_of(children[""])
        self.register_outputs({"daemon_set_name": self.daemon_set_name})


def summarize(args: NvidiaDevicePluginArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "namespace": args.namespace,
        "image": args.image,
        "sharing": str(args.sharing),
        "replicas": args.replicas,
        "migStrategy": str(args.mig_strategy),
        "runtimeClass": args.runtime_class,
        "resources": list(args.resources),
        "pools": [dict(selector) for selector in args.pool_selectors],
        "taintKeys": list(args.taint_keys),
    }


def _raise_faults(name: str, args: NvidiaDevicePluginArgs) -> None:
    """All faults at once; the engine prints the message only, so they are all in it."""
    faults = validate_args(args)
    if faults:
        lines = "".join(f"\n  {path} {reason}" for path, reason in faults)
        raise pulumi.InputPropertiesError(
            f"NvidiaDevicePlugin {name} cannot be built:{lines}",
            [{"property_path": path, "reason": reason} for path, reason in faults],
        )
