"""Precise prefix cache routing: the picker sends a request to where the beginning of its prompt is really cached."""

from pydantic import Field, field_validator

from settings.base import Bytes, CpuQuantity, SettingsModel, whole_mebibytes

__all__ = ["PrecisePrefixCacheSettings", "RenderSettings"]


class RenderSettings(SettingsModel):
    """Servers that tokenize prompts for the picker, on CPU; the sizes are those of llm-d's guide."""

    replicas: int = Field(default=3, ge=1, le=100)
    """Pods. A request waits for one of them before it is routed, so they grow with the requests per second."""
    cpu: CpuQuantity = "1"
    """CPU request of one; there is no limit."""
    memory: Bytes = 4 * 1024**3
    """Memory request of one, a third of the limit."""

    @field_validator("memory")
    @classmethod
    def _whole_mebibytes(cls, value: int) -> int:
        return whole_mebibytes(value)


class PrecisePrefixCacheSettings(SettingsModel):
    """Routing by what each server says that it has cached, not by what the picker remembers to have sent it."""

    render: RenderSettings = Field(default_factory=RenderSettings)
