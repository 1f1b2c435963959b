"""GPU node pools and the device plugin that advertises their GPUs."""

from enum import StrEnum

from pydantic import Field, model_validator

from catalog import AMI_TYPES, INSTANCE_TYPES
from settings.base import DnsLabel, DnsSubdomain, FrozenMap, LabelKey, LabelValue, SettingsModel
from settings.eks_pools import EksPoolSettings, LocalStorage

__all__ = [
    "Advertiser",
    "DevicePluginSettings",
    "EfaAdvertiser",
    "EfaDevicePluginSettings",
    "Fabric",
    "GpuPoolSettings",
    "MigStrategy",
    "Sharing",
    "TaintEffect",
    "TaintSettings",
]


class Advertiser(StrEnum):
    """Who advertises `nvidia.com/gpu` on a pool's nodes: exactly one, or GPUs are oversubscribed silently."""

    DEVICE_PLUGIN = "device-plugin"
    """NVIDIA's device plugin, installed by this stack."""
    EXTERNAL = "external"
    """The platform: Bottlerocket's or GKE's built-in plugin, or one that somebody else installed."""
    GPU_OPERATOR = "gpu-operator"
    """NVIDIA's GPU operator, which is in the cluster; on EKS with its driver and toolkit switched off."""


class Fabric(StrEnum):
    """What pods on different nodes of a pool move KV caches and experts over."""

    NONE = "none"
    """The pods' own network: TCP."""
    EFA = "efa"
    """AWS' Elastic Fabric Adapter: pods of several nodes ask for `vpc.amazonaws.com/efa`, in proportion to GPUs."""
    RDMA = "rdma"
    """InfiniBand or RoCE: such a pod asks for one `rdma/ib`, which a device plugin of the platform's advertises."""


class EfaAdvertiser(StrEnum):
    """Who advertises `vpc.amazonaws.com/efa` on a pool's nodes: exactly one, as with GPUs."""

    DEVICE_PLUGIN = "device-plugin"
    """AWS' device plugin, installed by this stack."""
    EXTERNAL = "external"
    """The same plugin, installed by somebody else, or one that EKS Auto Mode has built in."""


class TaintEffect(StrEnum):
    """Kubernetes' taint effects."""

    NO_SCHEDULE = "NoSchedule"
    NO_EXECUTE = "NoExecute"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"


class TaintSettings(SettingsModel):
    """The taint that keeps pods without a GPU off the pool's nodes."""

    key: LabelKey = "nvidia.com/gpu"
    """Key of the taint; model servers and the device plugin tolerate it."""
    value: LabelValue = "present"
    """Values differ between clouds; pods tolerate the key by `Exists`."""
    effect: TaintEffect = Field(default=TaintEffect.NO_SCHEDULE, strict=False)


class GpuPoolSettings(EksPoolSettings):
    """A pool of equal GPU nodes: described on an existing cluster, created on EKS."""

    instance_type: str
    """EC2 instance type of the catalogue; on another cloud, the nearest one."""
    min_size: int = Field(default=0, ge=0)
    """Nodes that are always there."""
    max_size: int = Field(default=1, ge=1, le=5000)
    """Nodes at most: what the models of this stack may count on. Kubernetes itself is made for 5,000."""
    node_selector: FrozenMap[LabelKey, LabelValue] | None = None
    """Labels that select the pool's nodes. Default: `node.kubernetes.io/instance-type: <instanceType>`."""
    taint: TaintSettings | None = Field(default_factory=TaintSettings)
    """The pool's taint, `null` for none."""
    advertiser: Advertiser | None = Field(default=None, strict=False)
    """Who advertises the pool's GPUs. Default: whom the AMI leaves it to, so `external` with a Bottlerocket AMI, else
    `device-plugin`."""
    fabric: Fabric | None = Field(default=None, strict=False)
    """What pods on several nodes speak over: prefill and decode, and replicas of several nodes. Default: `efa` with
    `efa: true`, else `none`."""
    efa_advertiser: EfaAdvertiser | None = Field(default=None, strict=False)
    """Who advertises the EFA interfaces of a pool of fabric `efa`. Default: `device-plugin`."""
    mig_profile: str | None = None
    """MIG profile that every GPU of the pool is cut into, such as `1g.10gb`; needs `devicePlugin.migStrategy`."""
    disk_size_gib: int = Field(default=300, ge=50)
    """Disk of a node, GiB: engine images unpack to 10-25 GB each, weights come on top."""

    @model_validator(mode="after")
    def _sizes(self) -> "GpuPoolSettings":
        if self.min_size > self.max_size:
            raise ValueError(f"minSize {self.min_size} is greater than maxSize {self.max_size}")
        if self.desired_size is not None and not self.min_size <= self.desired_size <= self.max_size:
            raise ValueError(
                f"desiredSize {self.desired_size} is not between minSize {self.min_size} and maxSize {self.max_size}"
            )
        return self

    @property
    def advertised_by(self) -> Advertiser:
        """The one advertiser of the pool's GPUs."""
        if self.advertiser is not None:
            return self.advertiser
        ami = AMI_TYPES.get(self.ami_type or "")
        return Advertiser.EXTERNAL if ami is not None and ami.has_device_plugin else Advertiser.DEVICE_PLUGIN

    @property
    def spoken_over(self) -> Fabric:
        """The fabric between the pool's nodes."""
        if self.fabric is not None:
            return self.fabric
        return Fabric.EFA if self.efa else Fabric.NONE

    @property
    def has_efa_plugin(self) -> bool:
        """Whether this stack's plugin advertises the EFA interfaces."""
        return self.spoken_over is Fabric.EFA and self.efa_advertiser is not EfaAdvertiser.EXTERNAL

    @property
    def ephemeral_gib(self) -> int:
        """What a node keeps images and pods' files on, GiB: its disk, or its NVMe disks where they are joined."""
        instance = INSTANCE_TYPES.get(self.instance_type)
        if self.local_storage is LocalStorage.RAID0 and instance is not None and instance.local_nvme_gb:
            return instance.local_nvme_gb * 10**9 // 2**30
        return self.disk_size_gib


class Sharing(StrEnum):
    """How one GPU is handed to several pods."""

    NONE = "none"
    TIME_SLICING = "time-slicing"
    MPS = "mps"


class MigStrategy(StrEnum):
    """How MIG slices are advertised."""

    NONE = "none"
    SINGLE = "single"
    """As `nvidia.com/gpu`: all GPUs of a node are cut alike."""
    MIXED = "mixed"
    """As `nvidia.com/mig-<profile>`."""


class DevicePluginSettings(SettingsModel):
    """NVIDIA's device plugin, for the pools whose advertiser it is."""

    namespace: DnsLabel = "nvidia-device-plugin"
    """Its own namespace: it runs privileged pods, so a restricted serving namespace cannot hold it."""
    sharing: Sharing = Field(default=Sharing.NONE, strict=False)
    replicas: int = Field(default=1, ge=1, le=1000)
    """Pods per GPU with time-slicing or MPS."""
    mig_strategy: MigStrategy = Field(default=MigStrategy.NONE, strict=False)
    runtime_class: DnsSubdomain | None = None
    """RuntimeClass to create and run the plugin and the engines with, where containerd's default runtime is not
    NVIDIA's (k3s, kind, kubespray); EKS' NVIDIA AMIs need none."""

    @model_validator(mode="after")
    def _sharing(self) -> "DevicePluginSettings":
        if self.sharing is Sharing.NONE and self.replicas > 1:
            raise ValueError("replicas has no meaning with sharing none; set sharing to time-slicing")
        if self.sharing is not Sharing.NONE and self.replicas == 1:
            raise ValueError(f"sharing {self.sharing} needs replicas of 2 or more")
        if self.sharing is Sharing.MPS and self.mig_strategy is not MigStrategy.NONE:
            raise ValueError("MPS and MIG exclude each other (NVIDIA device plugin 0.20); set one of them to none")
        return self


class EfaDevicePluginSettings(SettingsModel):
    """AWS' device plugin for EFA, for the pools whose EFA interfaces it advertises."""

    namespace: DnsLabel = "efa-device-plugin"
    """Its own namespace: its pods are privileged and on the host's network."""
