"""An engine that this program does not know: the stack's config says what an adapter would."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines.base import (
    EngineContainer,
    Feature,
    MetricMap,
    NoCpuTier,
    NoKvEvents,
    NoKvTransfer,
    NoLora,
    ProbePaths,
    ServingRequest,
    VersionFloor,
)

__all__ = ["NO_CPU_TIER", "NO_KV_EVENTS", "NO_KV_TRANSFER", "NO_LORA", "Custom"]

NO_CPU_TIER = NoCpuTier(reason="an engine of your own is told in custom.args what it keeps where")

NO_KV_EVENTS = NoKvEvents(
    reason="this program does not know how an engine of your own says what it has cached, nor whether the line's picker"
    " reads it"
)

NO_KV_TRANSFER = NoKvTransfer(
    reason="this program does not know how an engine of your own hands a KV cache over, nor whether the line's routing"
    " sidecar speaks its protocol"
)


NO_LORA = NoLora(
    reason="this program does not know how an engine of your own is told of adapters, nor by which name it serves them"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Custom:
    """An adapter made of config."""

    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    probes: ProbePaths
    metric_map: MetricMap
    default_port: int
    name: str = "custom"
    engine_type: str = "custom"
    own_flags: Mapping[str, str] = field(default_factory=dict)
    streaming_flags: frozenset[str] = frozenset()
    version_floor: VersionFloor | None = None
    model_commands: tuple[str, ...] = ("custom",)
    no_data_parallelism: str | None = "pass it to the engine in custom.args"
    kv_transfer: NoKvTransfer = NO_KV_TRANSFER
    kv_events: NoKvEvents = NO_KV_EVENTS
    lora: NoLora = NO_LORA
    cpu_tier: NoCpuTier = NO_CPU_TIER
    features: frozenset[Feature] = frozenset()

    @property
    def health_path(self) -> str:
        """As the config says."""
        return self.probes.liveness

    def container(self, request: ServingRequest) -> EngineContainer:
        """The command as it was given; model, port and parallelism are the user's own to pass."""
        return EngineContainer(
            command=self.command,
            args=(*self.args, *request.extra_args),
            probes=self.probes,
            env=self.env,
            run_as_user=2000,
            cache_variables=(),
        )

    def metrics(self, version: str) -> MetricMap:  # noqa: ARG002 - the contract's; config says what there is
        """The metric map as it was given."""
        return self.metric_map
