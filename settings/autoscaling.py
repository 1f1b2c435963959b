"""Who decides how many servers a model has, and by what."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from settings.base import SettingsModel
from settings.storage import server_url

__all__ = ["AutoscalingMetric", "AutoscalingProvider", "AutoscalingSettings"]


class AutoscalingProvider(StrEnum):
    """What scales."""

    HPA = "hpa"
    """Kubernetes' HorizontalPodAutoscaler, which asks an adapter for the picker's metrics."""
    KEDA = "keda"
    """KEDA's ScaledObject, which asks Prometheus itself and can scale to zero."""


class AutoscalingMetric(StrEnum):
    """What the picker tells of a pool, as an average of its servers."""

    QUEUE_SIZE = "queue-size"
    """Requests that wait in a server's queue."""
    KV_CACHE_UTILIZATION = "kv-cache-utilization"
    """Share of a server's KV cache in use, 0 to 1."""


class AutoscalingSettings(SettingsModel):
    """An autoscaler of a model's servers; it owns `replicas`, which the stack then does not state."""

    provider: AutoscalingProvider = Field(strict=False)
    min_replicas: int = Field(default=1, ge=0, le=1000)
    """The fewest servers; 0 with KEDA, where the picker holds requests meanwhile."""
    max_replicas: int = Field(ge=1, le=1000)
    """The most servers: what the pool has to have GPUs for."""
    metric: AutoscalingMetric = Field(default=AutoscalingMetric.QUEUE_SIZE, strict=False)
    value: float = Field(ge=0.001, le=100_000)
    """Of the metric, what to keep to: above it servers are added. It depends on model and GPU and has no default."""
    server_address: Annotated[str, AfterValidator(server_url)] | None = None
    """URL of Prometheus, for KEDA."""

    @model_validator(mode="after")
    def _ordered(self) -> "AutoscalingSettings":
        if self.min_replicas > self.max_replicas:
            raise ValueError("minReplicas is above maxReplicas")
        return self
