"""Release lines of llm-d by name. There is no `latest`: a stack names the line that it was reviewed with."""

from collections.abc import Mapping
from types import MappingProxyType

from releases.base import (
    Blank,
    BodyRouterDialect,
    CrdBundle,
    CrdFile,
    DisaggregationDialect,
    DisaggregationPins,
    EnginePins,
    FlowControlDialect,
    ImagePin,
    LabelKeys,
    PickerDialect,
    Plugin,
    PrecisePrefixDialect,
    Release,
    SidecarDialect,
    TensorPairs,
    TieredPrefixDialect,
)
from releases.engine_versions import EngineVersion, engine_version
from releases.v0_4 import V0_4
from releases.v0_9 import V0_9

__all__ = [
    "RELEASES",
    "Blank",
    "BodyRouterDialect",
    "CrdBundle",
    "CrdFile",
    "DisaggregationDialect",
    "DisaggregationPins",
    "EnginePins",
    "EngineVersion",
    "FlowControlDialect",
    "ImagePin",
    "LabelKeys",
    "PickerDialect",
    "Plugin",
    "PrecisePrefixDialect",
    "Release",
    "SidecarDialect",
    "TensorPairs",
    "TieredPrefixDialect",
    "engine_version",
]

RELEASES: Mapping[str, Release] = MappingProxyType({release.name: release for release in (V0_4, V0_9)})
