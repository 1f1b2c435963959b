"""LoRA adapters: engines that serve them, where they come from, and what the model may be called beside them."""

from collections.abc import Iterator

from engines import CUSTOM, ENGINES, LoraServing, NoLora
from engines.custom import NO_LORA
from releases import RELEASES
from settings.faults import Fault
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source, served_name
from settings.stack import StackSettings

__all__ = ["RULES", "lora_of"]

_FORMS = "hf://<org>/<adapter>, pvc://<claim>/<path>"


def lora_of(settings: StackSettings, model: ModelSettings) -> LoraServing | NoLora | None:
    """How the model's engine serves adapters; `None` of an engine that is none."""
    engine = model.engine or settings.engine
    if engine == CUSTOM:
        return NO_LORA
    return ENGINES[engine].lora if engine in ENGINES else None


def _possible(settings: StackSettings) -> Iterator[Fault]:
    """The engine serves adapters, and whoever computes or counts its prompts can tell them apart."""
    line = RELEASES.get(settings.release)
    for name, model in settings.models.items():
        if not model.lora_adapters:
            continue
        path, lora = f"models.{name}.loraAdapters", lora_of(settings, model)
        if isinstance(lora, NoLora):
            able = [
                other
                for other, engine in ENGINES.items()
                if isinstance(engine.lora, LoraServing) and (line is None or other in line.engines)
            ]
            yield Fault(
                path=path,
                problem=f"engine {model.engine or settings.engine} serves no adapters: {lora.reason}",
                allowed=f"engine {', '.join(able)}; or remove the key",
            )
        elif model.prefill is not None:
            yield Fault(
                path=path,
                problem="none of llm-d's guides serves adapters with prefill apart: whether a decode server may take"
                " over what prefill computed with one is not known",
                allowed="the model without prefill; or remove the key",
            )
        elif model.precise_prefix_cache is not None:
            yield Fault(
                path=path,
                problem="does not go with precisePrefixCache: servers publish what they cache under the model's name,"
                " and the picker would take blocks of one adapter for those of another",
                allowed="the model without precisePrefixCache; or remove the key",
            )


def _sources(settings: StackSettings) -> Iterator[Fault]:
    """Each adapter is found by the pods, which may be offline."""
    for name, model in settings.models.items():
        for adapter, given in model.lora_adapters.items():
            if (problem := _problem(model, given.source)) is not None:
                path = f"models.{name}.loraAdapters.{adapter}.source"
                yield Fault(path=path, problem=problem, given=given.source, allowed=_FORMS)


def _problem(model: ModelSettings, source: str) -> str | None:
    try:
        scheme = parse_source(source).scheme
    except ValueError as error:
        return str(error)
    if scheme not in {SourceScheme.HF, SourceScheme.PVC}:
        return f"an adapter does not come from a source of scheme {scheme}"
    if scheme is SourceScheme.HF and _is_offline(model):
        return "the pods read the model from a cache and are offline: they download no adapter"
    return None


def _is_offline(model: ModelSettings) -> bool:
    try:
        return model.cache is not None or parse_source(model.source).scheme is SourceScheme.PVC_HF
    except ValueError:
        return False


def _served_names(settings: StackSettings) -> Iterator[Fault]:
    """Model and adapter can be told apart in the name that clients ask for."""
    for name, model in settings.models.items():
        lora = lora_of(settings, model)
        if not model.lora_adapters or not isinstance(lora, LoraServing):
            continue
        try:
            served = served_name(name, model)
        except ValueError:
            continue
        mark = lora.not_in_served_name
        if mark and mark in served:
            yield Fault(
                path=f"models.{name}.servedName",
                problem=f"engine {model.engine or settings.engine} takes what is behind a {mark} for an adapter",
                given=served,
                allowed=f"a name without {mark}",
            )


_ADAPTERS = frozenset({"engine", "loraAdapters"})

RULES = (
    Rule(
        needs=frozenset({"release", "engine"}), of_model=_ADAPTERS | {"precisePrefixCache", "prefill"}, check=_possible
    ),
    Rule(needs=frozenset(), of_model=frozenset({"loraAdapters", "source", "cache"}), check=_sources),
    Rule(needs=frozenset({"engine"}), of_model=_ADAPTERS | {"source", "servedName"}, check=_served_names),
)
