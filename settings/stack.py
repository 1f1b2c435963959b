"""The root of the config: everything a stack says."""

from typing import Annotated

from pydantic import Field

from settings.base import DnsLabel, DnsSubdomain, FrozenMap, ModelName, SettingsModel
from settings.cluster import ClusterSettings, CrdsMode, ImagesSettings, LayerName, Monitoring, NamespacesMode
from settings.controllers import ControllersSettings
from settings.gateway import GatewaySettings
from settings.gpu_pools import DevicePluginSettings, EfaDevicePluginSettings, GpuPoolSettings
from settings.models import EngineSettings, HuggingFaceSettings, ModelSettings
from settings.storage import ObjectStorageSettings, StorageClassSettings

__all__ = ["StackSettings"]


class StackSettings(SettingsModel):
    """A stack's config, under the namespace `llm-d`."""

    release: str
    """llm-d release line: versions that were tested together, with their dialect."""
    engine: str = "vllm"
    """Engine of every model that names none of its own."""
    engines: FrozenMap[str, EngineSettings] = Field(default_factory=dict, validate_default=True)
    """Settings per engine."""
    namespace: DnsLabel = "llm-d"
    """Namespace of the serving layer."""
    namespaces: NamespacesMode = Field(default=NamespacesMode.CREATE, strict=False)
    """Who brings the namespaces: `existing` where Secrets or claims that the stack names are in them already, for the
    provider refuses to create what is there, and `destroy` deletes what it created."""
    cluster: ClusterSettings
    """The cluster to deploy to."""
    layers: tuple[Annotated[LayerName, Field(strict=False)], ...] | None = Field(default=None, strict=False)
    """Layers that this stack owns. Default: all that its cluster allows, so `cluster` only with `cluster.eks`."""
    crds: CrdsMode = Field(default=CrdsMode.INSTALL, strict=False)
    """Who brings the CRDs."""
    controllers: ControllersSettings = Field(default_factory=ControllersSettings)
    """Controllers of others that the cluster has."""
    monitoring: Monitoring = Field(default=Monitoring.NONE, strict=False)
    """Who scrapes metrics."""
    images: ImagesSettings = Field(default_factory=ImagesSettings)
    """Mirror and pull secrets, for every image."""
    gpu_pools: FrozenMap[DnsLabel, GpuPoolSettings]
    """GPU node pools by name."""
    device_plugin: DevicePluginSettings = Field(default_factory=DevicePluginSettings)
    """NVIDIA's device plugin."""
    efa_device_plugin: EfaDevicePluginSettings = Field(default_factory=EfaDevicePluginSettings)
    """AWS' device plugin for EFA."""
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    """The inference gateway."""
    models: FrozenMap[ModelName, ModelSettings]
    """The models by name."""
    storage_classes: FrozenMap[DnsSubdomain, StorageClassSettings] = Field(default_factory=dict, validate_default=True)
    """StorageClasses of the cluster by name, described for the models' caches."""
    object_storage: ObjectStorageSettings = Field(default_factory=ObjectStorageSettings)
    """Access to the object storage of `s3://` sources."""
    hugging_face: HuggingFaceSettings = Field(default_factory=HuggingFaceSettings)
    """Access to gated models: `tokenSecret`, or `token` as a config secret."""

    @property
    def owned_layers(self) -> frozenset[LayerName]:
        """The layers of this stack."""
        if self.layers is not None:
            return frozenset(self.layers)
        rest = {LayerName.PLATFORM, LayerName.SERVING}
        return frozenset(rest if self.cluster.eks is None else {LayerName.CLUSTER, *rest})

    @property
    def installs_crds(self) -> bool:
        """Whether this stack brings the CRDs, and so needs their files: they belong to the platform layer."""
        return self.crds is CrdsMode.INSTALL and LayerName.PLATFORM in self.owned_layers
