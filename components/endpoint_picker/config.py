"""The picker's configuration in its line's dialect; pure.

The metric map is always said explicitly. Left to themselves pickers read vLLM's names, for whatever engine, and their
load scorers see zeros without a word (llm-d#2012, llm-d#2025; llm-d#509 for vLLM itself).
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from components.endpoint_picker.args import EndpointPickerArgs, PrecisePrefix
from components.yaml_text import yaml_text
from engines import MetricMap
from naming import DECODE_ROLE, PREFILL_ROLE
from releases import Blank, PickerDialect, Plugin, PrecisePrefixDialect, TieredPrefixDialect

__all__ = ["CONFIG_FILE", "metric_args", "plugins_config"]

CONFIG_FILE = "plugins.yaml"

_Profiles = Mapping[str, Sequence[tuple[str, int | None]]]


def metric_args(dialect: PickerDialect, metrics: MetricMap) -> list[str]:
    """Flags that say the metric map; empty where the line says it by plugins."""
    names = _names(metrics)
    # An empty name switches the metric off: without it the picker would look for vLLM's.
    args = [f"--{flag}={names[field]}" for field, flag in dialect.metric_flags.items()]
    if dialect.metrics_path_flag is not None:
        args.append(f"--{dialect.metrics_path_flag}={metrics.path}")
    return args


def plugins_config(args: EndpointPickerArgs) -> str:
    """EndpointPickerConfig, as YAML."""
    dialect = args.dialect
    plugins, profiles = _profiles(args)
    document: dict[str, Any] = {
        "apiVersion": dialect.config_api_version,
        "kind": "EndpointPickerConfig",
        "plugins": [*_plugins(args, plugins), *_metric_plugins(args)],
        "schedulingProfiles": [
            {"name": name, "plugins": [_reference(plugin, weight) for plugin, weight in references]}
            for name, references in profiles.items()
        ],
    }
    sources = [
        {"pluginRef": source, "extractors": [{"pluginRef": extractor}]} for source, extractor in _data_sources(args)
    ]
    if sources:
        document["dataLayer"] = {"sources": sources}
    if args.flow_control and dialect.flow_control is not None:
        document["featureGates"] = [dialect.flow_control.feature_gate]
    return yaml_text(document)


def _profiles(args: EndpointPickerArgs) -> tuple[Sequence[Plugin], _Profiles]:
    if args.precise_prefix is not None:
        return _precise(args.dialect, args.precise_prefix, args.engine_type)
    if args.cpu_tier_blocks is not None:
        return _tiered(args, args.cpu_tier_blocks)
    return _disaggregated(args.dialect) if args.disaggregated else _aggregated(args)


def _precise_dialect(dialect: PickerDialect) -> PrecisePrefixDialect:
    # The settings refuse it where the line has no dialect for it.
    if not isinstance(dialect.precise_prefix, PrecisePrefixDialect):
        raise TypeError(f"this release line cannot follow caches: {dialect.precise_prefix}")
    return dialect.precise_prefix


def _precise(dialect: PickerDialect, given: PrecisePrefix, engine_type: str) -> tuple[Sequence[Plugin], _Profiles]:
    """The line's plugins, their blanks filled with what the engine is told as well."""
    blanks: Mapping[object, object] = {
        Blank.BLOCK_TOKENS: given.block_tokens,
        Blank.ENGINE_TYPE: engine_type,
        Blank.EVENTS_PORT: given.events_port,
        Blank.RENDER_URL: given.render_url,
        Blank.SERVED_NAME: given.served_name,
    }
    return _guided(_precise_dialect(dialect), blanks)


def _tiered(args: EndpointPickerArgs, cpu_blocks: int) -> tuple[Sequence[Plugin], _Profiles]:
    """Prefixes are looked for in both tiers, each of its own size."""
    tiered = args.dialect.tiered_prefix
    # The settings refuse it where the line has no dialect for it.
    if not isinstance(tiered, TieredPrefixDialect):
        raise TypeError(f"this release line counts no second tier: {tiered}")
    with_adapters = replace(tiered, scorers=(*tiered.scorers, *_adapter_scorers(args)))
    return _guided(with_adapters, {Blank.BLOCK_TOKENS: tiered.block_tokens, Blank.CPU_BLOCKS: cpu_blocks})


def _guided(
    guide: PrecisePrefixDialect | TieredPrefixDialect, blanks: Mapping[object, object]
) -> tuple[Sequence[Plugin], _Profiles]:
    """A guide's plugins with their blanks filled, then its scorers that need no parameters."""
    plugins = [replace(it, parameters=_filled(it.parameters, blanks)) for it in guide.plugins]
    stated = {plugin.name or plugin.type for plugin in plugins}
    plugins += [Plugin(type=name) for name, _ in guide.scorers if name not in stated]
    return plugins, {"default": guide.scorers}


def _filled(value: Any, blanks: Mapping[object, object]) -> Any:  # noqa: ANN401 - parameters are any YAML
    if isinstance(value, Mapping):
        return {key: _filled(item, blanks) for key, item in value.items()}
    return blanks.get(value, value)


def _data_sources(args: EndpointPickerArgs) -> list[tuple[str, str]]:
    """Plugins that bring data, each with the one that it feeds."""
    source, extractor = args.dialect.metrics_source_plugin, args.dialect.metrics_extractor_plugin
    found = [(source, extractor)] if source is not None and extractor is not None else []
    return [*found, *_precise_dialect(args.dialect).sources] if args.precise_prefix is not None else found


def _aggregated(args: EndpointPickerArgs) -> tuple[Sequence[Plugin], _Profiles]:
    scorers = [*args.dialect.scorers, *_adapter_scorers(args)]
    return [Plugin(type=name) for name, _ in scorers], {"default": scorers}


def _adapter_scorers(args: EndpointPickerArgs) -> list[tuple[str, int]]:
    """Of an engine that does not tell which adapters are loaded the scorer would say the same of every server."""
    return [args.dialect.lora_scorer] if args.adapters and args.metrics.lora_info else []


def _disaggregated(dialect: PickerDialect) -> tuple[Sequence[Plugin], _Profiles]:
    """A server of either role is picked, each by a profile of its own."""
    # The settings refuse a role of its own for prefill where the line has no dialect for it.
    if dialect.disaggregation is None:
        raise ValueError("this release line does not disaggregate prefill")
    roles = dialect.disaggregation
    return roles.plugins, {PREFILL_ROLE: roles.prefill, DECODE_ROLE: roles.decode}


def _reference(plugin: str, weight: int | None) -> dict[str, Any]:
    return {"pluginRef": plugin} | ({} if weight is None else {"weight": weight})


def _plugins(args: EndpointPickerArgs, plugins: Sequence[Plugin]) -> list[dict[str, Any]]:
    """The plugins that pick, and what those that look at prefixes know prompts by.

    Left to itself that tunes itself by the engine's cache metrics; of an engine that tells none, or none that the
    line's dialect has a word for, it is told how long a block is.
    """
    dialect = args.dialect
    types = {plugin.type for plugin in plugins}
    approximate = dialect.prefix_scorer in types and args.precise_prefix is None
    if approximate and not _tells_blocks(dialect, args.metrics):
        if dialect.prefix_plugin not in types:
            plugins = [*plugins, Plugin(type=dialect.prefix_plugin)]
        plugins = [
            replace(it, parameters=dialect.untuned_prefix)
            if it.type == dialect.prefix_plugin and not it.parameters
            else it
            for it in plugins
        ]
    return [_plugin(plugin) for plugin in plugins]


def _plugin(plugin: Plugin) -> dict[str, Any]:
    named = {"name": plugin.name} if plugin.name else {}
    return {"type": plugin.type} | named | ({"parameters": dict(plugin.parameters)} if plugin.parameters else {})


def _metric_plugins(args: EndpointPickerArgs) -> list[dict[str, Any]]:
    """Where metrics are scraped and how this model's engine names them; empty where the line says it by flags.

    Names are given even where the picker has the same ones built in: those are of the engine's newest version, and
    they are vLLM's for an engine that it does not know.
    """
    dialect, names = args.dialect, _names(args.metrics)
    if dialect.metrics_source_plugin is None or dialect.metrics_extractor_plugin is None:
        return []
    specs = {key: names[field] for field, key in dialect.metric_parameters.items() if names[field]}
    return [
        {
            "type": dialect.metrics_source_plugin,
            "parameters": {"scheme": "http", "path": args.metrics.path},
        },
        {
            "type": dialect.metrics_extractor_plugin,
            "parameters": {
                "engineLabelKey": args.labels.engine_type,
                "defaultEngine": args.engine_type,
                "engineConfigs": [{"name": args.engine_type, **specs}],
            },
        },
    ]


def _names(metrics: MetricMap) -> Mapping[str, str]:
    return {field.name: getattr(metrics, field.name) for field in fields(metrics)}


def _tells_blocks(dialect: PickerDialect, metrics: MetricMap) -> bool:
    names = _names(metrics)
    said = {*dialect.metric_flags, *dialect.metric_parameters}
    return any(names[field] for field in ("cache_info", "cache_block_size") if field in said)
