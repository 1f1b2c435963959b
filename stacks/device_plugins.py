"""The plug-ins that advertise the pools' devices, each on exactly the pools that it is the advertiser of; pure."""

from components.efa_device_plugin import EfaDevicePluginArgs
from components.nvidia_device_plugin import NvidiaDevicePluginArgs
from releases import Release
from settings import StackSettings
from settings.cluster import NamespacesMode
from settings.gpu_pools import Advertiser
from settings.placement import pool_capacities
from stacks.images import mirrored

__all__ = ["device_plugin_of", "efa_device_plugin_of", "taint_keys"]


def taint_keys(settings: StackSettings, pool: str) -> tuple[str, ...]:
    """Keys of a pool's taints."""
    taint = settings.gpu_pools[pool].taint
    return () if taint is None else (taint.key,)


def device_plugin_of(settings: StackSettings, release: Release) -> NvidiaDevicePluginArgs | None:
    """NVIDIA's; `None` where every pool has another advertiser of its GPUs."""
    plugin = settings.device_plugin
    capacities = pool_capacities(settings.gpu_pools, plugin)
    pools = [name for name, pool in settings.gpu_pools.items() if pool.advertised_by is Advertiser.DEVICE_PLUGIN]
    if not pools:
        return None
    image = settings.images.device_plugin or release.images["device-plugin"].reference
    return NvidiaDevicePluginArgs(
        namespace=plugin.namespace,
        creates_namespace=settings.namespaces is NamespacesMode.CREATE,
        image=mirrored(image, settings.images),
        sharing=plugin.sharing,
        replicas=plugin.replicas,
        mig_strategy=plugin.mig_strategy,
        runtime_class=plugin.runtime_class,
        resources=tuple(sorted({capacities[name].gpu_resource for name in pools})),
        pool_selectors=tuple(capacities[name].node_selector for name in sorted(pools)),
        taint_keys=tuple(sorted({key for name in pools for key in taint_keys(settings, name)})),
        pull_secrets=settings.images.pull_secrets,
    )


def efa_device_plugin_of(settings: StackSettings, release: Release) -> EfaDevicePluginArgs | None:
    """AWS' for EFA; `None` where no pool has EFA, or another advertiser of it."""
    capacities = pool_capacities(settings.gpu_pools, settings.device_plugin)
    pools = sorted(name for name, pool in settings.gpu_pools.items() if pool.has_efa_plugin)
    if not pools:
        return None
    image = settings.images.efa_device_plugin or release.images["efa-device-plugin"].reference
    return EfaDevicePluginArgs(
        namespace=settings.efa_device_plugin.namespace,
        creates_namespace=settings.namespaces is NamespacesMode.CREATE,
        image=mirrored(image, settings.images),
        pool_selectors=tuple(capacities[name].node_selector for name in pools),
        taint_keys=tuple(sorted({key for name in pools for key in taint_keys(settings, name)})),
        pull_secrets=settings.images.pull_secrets,
    )
