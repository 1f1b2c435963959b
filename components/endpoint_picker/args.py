"""What an EndpointPicker needs to know: plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engines import MetricMap
from releases import LabelKeys, PickerDialect

__all__ = ["EndpointPickerArgs", "PrecisePrefix"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecisePrefix:
    """How the picker follows what servers have cached."""

    served_name: str
    """The model, as the servers' events name it."""
    block_tokens: int
    """Tokens of a block, the engine's own."""
    events_port: int
    """Port of each server's events."""
    render_url: str
    """Where prompts are tokenized."""


_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class EndpointPickerArgs:
    """The picker and the pool of one model."""

    namespace: str
    """Namespace of all objects."""
    model: str
    """Name of the model whose pods are picked."""
    image: str
    """Image of the picker, mirror applied."""
    pool_api_version: str
    """apiVersion of the InferencePool."""
    dialect: PickerDialect
    """How the line's picker is configured."""
    labels: LabelKeys
    """Label keys of the line."""
    engine_type: str
    """The engine, as the picker names it."""
    metrics: MetricMap
    """Where the engine's load is found."""
    target_port: int
    """Port of the model servers."""
    disaggregated: bool
    """Whether prefill has servers of its own, which are picked beside the one that answers."""
    replicas: int
    """Pods; more than one run active-passive with leader election."""
    failure_mode: str
    """`FailOpen` or `FailClose`: what happens to requests while the picker is away."""
    cpu: str
    """CPU request."""
    memory_bytes: int
    """Memory request, bytes; the limit is four times as much."""
    clients: Sequence[Mapping[str, Any]]
    """NetworkPolicy peers that may ask the picker: the gateway."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets."""
    precise_prefix: PrecisePrefix | None = None
    """`None`: by what it has sent them."""
    cpu_tier_blocks: int | None = None
    """Blocks that a second tier of each server's cache holds, where it has one and does not tell what is in it."""
    flow_control: bool = False
    """Whether it holds requests for which there is no server or no room, and lets the most important go first."""
    adapters: bool = False
    """Whether the servers have LoRA adapters."""
    objectives: Mapping[str, int] = field(default_factory=lambda: _NONE)
    """Priorities that requests may have, by the name that clients write in a header."""
    service_monitor: bool = False
    """Whether the Prometheus operator scrapes the picker."""
