"""From a model's settings to who publishes, subscribes and tokenizes where it is routed by its caches; pure.

And how many blocks a second tier of them holds.
"""

from catalog import MODELS
from components import pods
from components.endpoint_picker import PrecisePrefix, picker_selector
from components.model_service import EventStream
from components.render_pool import RenderPoolArgs, render_url
from engines import Engine, KvEvents
from releases import Release, TieredPrefixDialect
from settings import StackSettings
from settings.source import parse_source, served_name
from stacks.images import mirrored
from stacks.weights import token_secret_of

__all__ = ["cpu_tier_blocks_of", "event_stream_of", "precise_prefix_of", "render_pool_of"]


# Caches are kept in the 16 bits of the models' activations, also where weights have fewer.
_BYTES_OF_A_NUMBER = 2


def event_stream_of(settings: StackSettings, release: Release, engine: Engine, name: str) -> EventStream | None:
    """What a model's servers publish; `None` where nobody follows it."""
    pins, events = release.engines.get(engine.name), engine.kv_events
    if settings.models[name].precise_prefix_cache is None or pins is None or not isinstance(events, KvEvents):
        return None
    # The settings refuse it where the line has no size of a block for the engine.
    if pins.event_block_tokens is None:
        raise ValueError(f"release line {release.name} follows no caches of {engine.name}")
    return EventStream(
        block_tokens=pins.event_block_tokens, port=events.port, subscribers=(pods.peer(picker_selector(name)),)
    )


def precise_prefix_of(settings: StackSettings, release: Release, engine: Engine, name: str) -> PrecisePrefix | None:
    """How a model's picker follows that; `None` where it does not."""
    stream = event_stream_of(settings, release, engine, name)
    if stream is None:
        return None
    return PrecisePrefix(
        served_name=served_name(name, settings.models[name]),
        block_tokens=stream.block_tokens,
        events_port=stream.port,
        render_url=render_url(name, settings.namespace),
    )


def cpu_tier_blocks_of(settings: StackSettings, release: Release, name: str) -> int | None:
    """Blocks of a model's tier in memory; `None` where it has none, or where servers tell what is in it."""
    model, dialect = settings.models[name], release.picker.tiered_prefix
    tiered = model.tiered_prefix_cache
    if tiered is None or model.precise_prefix_cache is not None or not isinstance(dialect, TieredPrefixDialect):
        return None
    known = MODELS.get(parse_source(model.source).repository or "")
    # The settings refuse a model of which neither says it.
    per_token = tiered.kv_bytes_per_token or (known.kv_elements_per_token * _BYTES_OF_A_NUMBER if known else 1)
    return tiered.cpu_memory // (per_token * dialect.block_tokens)


def render_pool_of(settings: StackSettings, release: Release, name: str) -> RenderPoolArgs | None:
    """What tokenizes for it; `None` where nothing is tokenized."""
    model = settings.models[name]
    if model.precise_prefix_cache is None:
        return None
    render = model.precise_prefix_cache.render
    return RenderPoolArgs(
        namespace=settings.namespace,
        model=name,
        image=mirrored(release.images["render"].reference, settings.images),
        repository=parse_source(model.source).location,
        revision=model.revision,
        served_name=served_name(name, model),
        replicas=render.replicas,
        cpu=render.cpu,
        memory_bytes=render.memory,
        client=pods.peer(picker_selector(name)),
        token_secret=token_secret_of(settings),
        pull_secrets=settings.images.pull_secrets,
    )
