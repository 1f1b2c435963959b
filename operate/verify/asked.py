"""Which metrics a picker was told to read, from the objects on the cluster; pure.

Read from what runs, not from the plan: what somebody changed by hand is what matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from releases import PickerDialect

__all__ = ["AskedMetrics", "asked_metrics"]


@dataclass(frozen=True, kw_only=True)
class AskedMetrics:
    """The two figures that every picker's load scorers need, and where they are asked for."""

    path: str
    queued_requests: str
    kv_cache_usage: str


def asked_metrics(
    dialect: PickerDialect, args: tuple[str, ...], config: str, engine: str | None
) -> AskedMetrics | None:
    """What a picker asks a pod of this engine for, in its line's dialect; None where it was not told.

    Args:
        dialect: Of the line.
        args: Of the picker's container.
        config: Its EndpointPickerConfig.
        engine: Value of the pod's engine label, where it has one.
    """
    if dialect.metric_flags:
        return _of_flags(dialect, args)
    return _of_plugins(dialect, yaml.safe_load(config), engine)


def _of_flags(dialect: PickerDialect, args: tuple[str, ...]) -> AskedMetrics | None:
    given = dict(argument.removeprefix("--").split("=", 1) for argument in args if "=" in argument)
    names = [dialect.metric_flags["queued_requests"], dialect.metric_flags["kv_cache_usage"]]
    if any(name not in given for name in names):
        return None
    path = given.get(dialect.metrics_path_flag or "", "/metrics")
    return AskedMetrics(path=path, queued_requests=given[names[0]], kv_cache_usage=given[names[1]])


def _of_plugins(dialect: PickerDialect, config: Mapping[str, Any], engine: str | None) -> AskedMetrics | None:
    parameters = {plugin["type"]: plugin.get("parameters", {}) for plugin in config.get("plugins", [])}
    extractor = parameters.get(dialect.metrics_extractor_plugin)
    if extractor is None:
        return None
    engines = {item["name"]: item for item in extractor.get("engineConfigs", [])}
    # A pod without the label counts as the default engine.
    chosen = engines.get(engine or extractor.get("defaultEngine", "vllm"))
    if chosen is None:
        return None
    source = parameters.get(dialect.metrics_source_plugin) or {}
    return AskedMetrics(
        path=source.get("path", "/metrics"),
        queued_requests=chosen["queuedRequestsSpec"],
        kv_cache_usage=chosen["kvUsageSpec"],
    )
