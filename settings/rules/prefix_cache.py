"""Precise prefix cache routing: what the line, the engine and the topology can, and what picker and engine agree on."""

from collections.abc import Iterator

from engines import ENGINES, KvEvents, NoKvEvents
from engines.custom import NO_KV_EVENTS
from engines.flags import flags_in, meant
from releases import RELEASES, PrecisePrefixDialect, Release
from settings.faults import Fault
from settings.models import ModelSettings
from settings.rules.capability import cannot_be_had
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source, served_name
from settings.stack import StackSettings

__all__ = ["RULES"]


def _possible(settings: StackSettings) -> Iterator[Fault]:
    """The engine publishes what it caches, and the line's picker follows it."""
    release = RELEASES.get(settings.release)
    if release is None:
        return
    for name, model in _precise(settings):
        fault = cannot_be_had(f"models.{name}.precisePrefixCache", release, model.engine or settings.engine, _why_not)
        if fault is not None:
            yield fault


def _why_not(release: Release, engine: str) -> str | None:
    events = _events(engine)
    if isinstance(events, NoKvEvents):
        return events.reason
    if not isinstance(release.picker.precise_prefix, PrecisePrefixDialect):
        return release.picker.precise_prefix
    pins = release.engines.get(engine)
    return None if pins is not None and pins.event_block_tokens is not None else "the line has no guide for it"


def _events(engine: str) -> KvEvents | NoKvEvents:
    return ENGINES[engine].kv_events if engine in ENGINES else NO_KV_EVENTS


def _precise(settings: StackSettings) -> Iterator[tuple[str, ModelSettings]]:
    return ((name, model) for name, model in settings.models.items() if model.precise_prefix_cache is not None)


def _topology(settings: StackSettings) -> Iterator[Fault]:
    """One address of the pool is one cache: the picker takes who published for who can be picked."""
    for name, model in _precise(settings):
        path = f"models.{name}.precisePrefixCache"
        if model.prefill is not None:
            yield Fault(
                path=path,
                problem="does not go with prefill servers of their own: llm-d's guide for it has aggregated servers",
                allowed=f"one of this and models.{name}.prefill",
            )
        if model.parallelism.copies > 1:
            yield Fault(
                path=path,
                problem=f"does not go with {model.parallelism.copies} copies of the model as one server: each has a"
                " cache of its own, and the pool one address for all of a pod",
                allowed=f"models.{name}.parallelism.data 1, and more replicas",
            )


def _tokenizer(settings: StackSettings) -> Iterator[Fault]:
    """Render servers find the model's tokenizer, and the picker the model's name in a topic."""
    for name, model in _precise(settings):
        try:
            source = parse_source(model.source)
        except ValueError:
            continue
        if source.scheme is not SourceScheme.HF:
            yield Fault(
                path=f"models.{name}.source",
                problem="precisePrefixCache takes prompts apart with the model's tokenizer, which its render servers"
                " get from Hugging Face",
                given=model.source,
                allowed="hf://<org>/<model>",
            )
        if "@" in served_name(name, model):
            yield Fault(
                path=f"models.{name}.servedName",
                problem="is told in the topic of KV events, kv@<address>@<model>, where an '@' would end it",
                given=served_name(name, model),
                allowed="a name without '@'",
            )


def _flags(settings: StackSettings) -> Iterator[Fault]:
    """What picker and engine have to agree on is said once."""
    for name, model in _precise(settings):
        events = _events(model.engine or settings.engine)
        if isinstance(events, NoKvEvents):
            continue
        for given in flags_in(model.extra_args):
            flag = meant(events.owned_flags, given)
            if flag is not None:
                yield Fault(
                    path=f"models.{name}.extraArgs",
                    problem=f"{flag} follows from precisePrefixCache: {events.owned_flags[flag]}; remove the argument",
                    given=given,
                )


_ENGINE = frozenset({"release", "engine"})
_KEY = "precisePrefixCache"

RULES = (
    Rule(needs=_ENGINE, of_model=frozenset({"engine", _KEY}), check=_possible),
    Rule(needs=frozenset(), of_model=frozenset({_KEY, "prefill", "parallelism"}), check=_topology),
    Rule(needs=frozenset(), of_model=frozenset({_KEY, "source", "servedName"}), check=_tokenizer),
    Rule(needs=_ENGINE, of_model=frozenset({_KEY, "engine", "extraArgs"}), check=_flags),
)
