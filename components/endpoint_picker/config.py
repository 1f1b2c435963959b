"""The picker's configuration in its line's dialect; pure.

The metric map is always said explicitly. Left to themselves pickers read vLLM's names, for whatever engine, and their
load scorers see zeros without a word (llm-d#2012, llm-d#2025; llm-d#509 for vLLM itself).
"""

from dataclasses import fields
from typing import Any

from components.yaml_text import yaml_text
from engines import MetricMap
from releases import PickerDialect

__all__ = ["CONFIG_FILE", "metric_args", "plugins_config"]

CONFIG_FILE = "plugins.yaml"

# The approximate prefix scorer cuts prompts into blocks of so many characters: 16 tokens of about 4.
_PREFIX_BLOCK_CHARACTERS = 64


def metric_args(dialect: PickerDialect, metrics: MetricMap) -> list[str]:
    """Flags that say the metric map; empty where the line says it by plugins."""
    names = {field.name: getattr(metrics, field.name) for field in fields(metrics)}
    # An empty name switches the metric off: without it the picker would look for vLLM's.
    args = [f"--{flag}={names[field]}" for field, flag in dialect.metric_flags.items()]
    if dialect.metrics_path_flag is not None:
        args.append(f"--{dialect.metrics_path_flag}={metrics.path}")
    return args


def plugins_config(dialect: PickerDialect, metrics: MetricMap) -> str:
    """EndpointPickerConfig, as YAML."""
    scorers = [name for name, _ in dialect.scorers]
    document = {
        "apiVersion": dialect.config_api_version,
        "kind": "EndpointPickerConfig",
        "plugins": [_plugin(name, metrics) for name in scorers],
        "schedulingProfiles": [
            {
                "name": "default",
                "plugins": [{"pluginRef": name, "weight": weight} for name, weight in dialect.scorers],
            }
        ],
    }
    return yaml_text(document)


def _plugin(name: str, metrics: MetricMap) -> dict[str, Any]:
    plugin: dict[str, Any] = {"type": name}
    if name == "prefix-cache-scorer" and not metrics.cache_info:
        # Auto-tuning takes block size and capacity from the cache metric; an engine without one is told as it is.
        plugin["parameters"] = {"autoTune": False, "blockSize": _PREFIX_BLOCK_CHARACTERS}
    return plugin
