"""PlatformLayer: what a cluster needs before models: CRDs and whoever advertises GPUs and EFA interfaces.

It does not own the cluster or its nodes (the cluster layer does) nor gateway controllers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.custom_resource_definitions import CustomResourceDefinitions, CustomResourceDefinitionsArgs
from components.efa_device_plugin import EfaDevicePlugin, EfaDevicePluginArgs
from components.nvidia_device_plugin import NvidiaDevicePlugin, NvidiaDevicePluginArgs
from releases import Release
from stacks.plan import StackPlan

__all__ = ["PlatformLayer", "PlatformLayerArgs"]


@dataclass(frozen=True, kw_only=True)
class PlatformLayerArgs:
    """What to install."""

    release: Release
    """Release line of the CRDs."""
    install_crds: bool
    """Whether the CRDs are this stack's."""
    device_plugin: NvidiaDevicePluginArgs | None
    """The device plugin; `None` where every pool has another advertiser."""
    efa_device_plugin: EfaDevicePluginArgs | None
    """The device plugin for EFA; `None` where no pool has EFA, or another advertiser of it."""
    pools: Mapping[str, Mapping[str, object]]
    """The GPU pools by name, as plain data: known in the first preview, so that policies can judge them."""

    @staticmethod
    def of(plan: StackPlan) -> "PlatformLayerArgs":
        """The layer's part of a plan."""
        return PlatformLayerArgs(
            release=plan.release,
            install_crds=plan.install_crds,
            device_plugin=plan.device_plugin,
            efa_device_plugin=plan.efa_device_plugin,
            pools=plan.pools,
        )


class PlatformLayer(pulumi.ComponentResource):
    """CRDs and device plugins."""

    crds: pulumi.Output[str]
    """`install` or `existing`."""

    def __init__(self, name: str, args: PlatformLayerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plugin = args.device_plugin
        super().__init__("llmd:index:PlatformLayer", name, summarize(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        if args.install_crds:
            CustomResourceDefinitions(f"{name}-crds", CustomResourceDefinitionsArgs(release=args.release), child)
        if plugin is not None:
            NvidiaDevicePlugin(f"{name}-device-plugin", plugin, child)
        if args.efa_device_plugin is not None:
            EfaDevicePlugin(f"{name}-efa-device-plugin", args.efa_device_plugin, child)
        self.crds = pulumi.Output.from_input(_crds(args))
        self.register_outputs({"crds": self.crds})


def _crds(args: PlatformLayerArgs) -> str:
    return "install" if args.install_crds else "existing"


def summarize(args: PlatformLayerArgs) -> dict[str, object]:
    """The plan of this layer as plain data: known in the first preview, whatever the cluster."""
    return {
        "release": args.release.name,
        "crds": _crds(args),
        "devicePlugin": args.device_plugin.image if args.device_plugin else None,
        "efaDevicePlugin": args.efa_device_plugin.image if args.efa_device_plugin else None,
        "gpuPools": {name: dict(pool) for name, pool in args.pools.items()},
    }
