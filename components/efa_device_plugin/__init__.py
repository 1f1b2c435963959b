"""EfaDevicePlugin: the one advertiser of `vpc.amazonaws.com/efa` on the pools that it is given.

It owns the plugin's namespace and DaemonSet. It does not own the interfaces (the node pool's launch template attaches
them), their driver (the nodes' image has it) nor pools that have another advertiser.

One per cluster: its DaemonSet has the name of AWS' chart.

    EfaDevicePlugin("efa", EfaDevicePluginArgs(...), ResourceOptions(providers=[provider]))
"""

import pulumi

from components.efa_device_plugin.args import EfaDevicePluginArgs
from components.efa_device_plugin.objects import build
from components.objects import create_with_namespace, name_of

__all__ = ["EfaDevicePlugin", "EfaDevicePluginArgs", "build", "summarize"]


class EfaDevicePlugin(pulumi.ComponentResource):
    """AWS' device plugin for EFA on some pools."""

    daemon_set_name: pulumi.Output[str]
    """Name of the plugin's DaemonSet."""

    def __init__(self, name: str, args: EfaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:EfaDevicePlugin", name, summarize(args), opts)
        children = create_with_namespace(name, build(args), self)
        self.daemon_set_name = name_of(children[""])
        self.register_outputs({"daemon_set_name": self.daemon_set_name})


def summarize(args: EfaDevicePluginArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "namespace": args.namespace,
        "image": args.image,
        "pools": [dict(selector) for selector in args.pool_selectors],
        "taintKeys": list(args.taint_keys),
    }
