"""Controllers of others that a topology may need."""

from enum import StrEnum

from pydantic import Field

from settings.base import SettingsModel

__all__ = ["Controller", "ControllersSettings"]


class Controller(StrEnum):
    """Whether a controller runs on the cluster: a plan never looks, so the stack says it."""

    NONE = "none"
    EXISTING = "existing"
    """The cluster has it, with its CRDs."""


class ControllersSettings(SettingsModel):
    """Controllers that this program makes objects for and does not install."""

    karpenter: Controller = Field(default=Controller.NONE, strict=False)
    """Karpenter (1.11 or newer where pools have EFA), for pools with `provisioner: karpenter`."""
    keda: Controller = Field(default=Controller.NONE, strict=False)
    """KEDA, for `autoscaling.provider: keda`."""
    leader_worker_set: Controller = Field(default=Controller.NONE, strict=False)
    """LeaderWorkerSet (0.7 or newer), for models that are spread over several nodes."""
    prometheus_adapter: Controller = Field(default=Controller.NONE, strict=False)
    """What answers `external.metrics.k8s.io` with Prometheus' series, for `autoscaling.provider: hpa`."""
