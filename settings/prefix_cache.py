"""Prefix caches: how the picker knows where the beginning of a prompt is cached, and what a server keeps of it."""

from pydantic import Field, field_validator

from settings.base import Bytes, CpuQuantity, SettingsModel, whole_mebibytes

__all__ = ["PrecisePrefixCacheSettings", "RenderSettings", "TieredPrefixCacheSettings"]


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


class TieredPrefixCacheSettings(SettingsModel):
    """A second tier of the KV cache: what a pod's GPUs have no room for stays in its memory, to be read back."""

    cpu_memory: Bytes
    """Memory of each pod for it, all GPUs together; the pod's request grows by it where its share of a node is less."""
    kv_bytes_per_token: Bytes | None = None
    """What a token takes of the KV cache over all layers, in bytes: the picker counts the tier in blocks. Default: by
    the catalogue, with two bytes a number; a cache of FP8 takes half."""

    @field_validator("cpu_memory")
    @classmethod
    def _whole_mebibytes(cls, value: int) -> int:
        return whole_mebibytes(value)
