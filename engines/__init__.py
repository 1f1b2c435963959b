"""Engines by the name that the stack's config uses. A new one is a file and a line here; see docs/engines.md."""

from collections.abc import Mapping
from types import MappingProxyType

from engines.base import (
    FILES_FOLDER,
    CpuTier,
    Engine,
    EngineContainer,
    Feature,
    KvEvents,
    KvProtocol,
    KvTransfer,
    LoraAdapter,
    LoraServing,
    MetricMap,
    NoCpuTier,
    NoKvEvents,
    NoKvTransfer,
    NoLora,
    ProbePaths,
    Role,
    ServingRequest,
    VersionFloor,
)
from engines.custom import Custom
from engines.sglang import Sglang
from engines.tensorrt_llm import TensorRtLlm
from engines.vllm import Vllm

__all__ = [
    "CUSTOM",
    "ENGINES",
    "FILES_FOLDER",
    "CpuTier",
    "Custom",
    "Engine",
    "EngineContainer",
    "Feature",
    "KvEvents",
    "KvProtocol",
    "KvTransfer",
    "LoraAdapter",
    "LoraServing",
    "MetricMap",
    "NoCpuTier",
    "NoKvEvents",
    "NoKvTransfer",
    "NoLora",
    "ProbePaths",
    "Role",
    "ServingRequest",
    "Sglang",
    "TensorRtLlm",
    "VersionFloor",
    "Vllm",
]

CUSTOM = "custom"
"""The engine whose adapter is made from the model's `custom` block."""

_KNOWN: tuple[Engine, ...] = (Vllm(), Sglang(), TensorRtLlm())

ENGINES: Mapping[str, Engine] = MappingProxyType({engine.name: engine for engine in _KNOWN})
"""Engines that this program knows."""
