"""The arguments that a user adds to an engine's own."""

from collections.abc import Iterator, Mapping, Sequence

from catalog import nearest
from engines import ENGINES, Engine, LoraServing
from engines.flags import flag_lists, flags_in, meant
from releases import RELEASES, engine_version
from settings.faults import Fault
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source
from settings.stack import StackSettings

__all__ = ["RULES"]


def _arguments(settings: StackSettings) -> Iterator[Fault]:
    """No argument contradicts what the program says itself, and the engine knows every one of them."""
    for name, model in settings.models.items():
        engine = ENGINES.get(model.engine or settings.engine)
        if engine is None:
            continue
        version, known = _known(settings, model, engine)
        own = {**engine.own_flags, **_streaming(model, engine), **_adapters(model, engine)}
        given = {f"models.{name}.extraArgs": model.extra_args}
        if model.prefill is not None:
            given[f"models.{name}.prefill.extraArgs"] = model.prefill.extra_args
        for path, arguments in given.items():
            yield from _of_list(path, arguments, own, f"{engine.name} {version}", known)


def _streaming(model: ModelSettings, engine: Engine) -> Mapping[str, str]:
    """What the engine is told of weights that are streamed, which is nothing of any others."""
    try:
        streams = parse_source(model.source).scheme is SourceScheme.S3
    except ValueError:
        streams = False
    return dict.fromkeys(engine.streaming_flags, "the weights are streamed, as source says") if streams else {}


def _adapters(model: ModelSettings, engine: Engine) -> Mapping[str, str]:
    """What the engine is told of the model's adapters, which is nothing where it has none here."""
    flags = engine.lora.owned_flags if model.lora_adapters and isinstance(engine.lora, LoraServing) else ()
    return dict.fromkeys(flags, "loraAdapters")


def _of_list(
    path: str, arguments: Sequence[str], own: Mapping[str, str], engine: str, known: frozenset[str]
) -> Iterator[Fault]:
    for flag in flags_in(arguments):
        name = meant({*own, *known}, flag)
        said = own.get(name) if name is not None else None
        if said is not None:
            yield Fault(
                path=path,
                problem="is set by this program itself; remove the argument",
                given=flag,
                allowed=said if " " in said else f"models.<name>.{said}",
            )
        elif name is None and known:
            yield Fault(
                path=path,
                problem=f"{engine} knows no such argument, and would not start",
                given=flag,
                nearest=nearest(flag, known),
            )


def _known(settings: StackSettings, model: ModelSettings, engine: Engine) -> tuple[str, frozenset[str]]:
    """The engine's version and its arguments; none where they are not known in full.

    That is: the image says no version, or one whose source was not read. What it would say against an argument then, it
    would say for want of knowledge.
    """
    release = RELEASES.get(settings.release)
    if release is None or engine.name not in release.engines:
        return "", frozenset()
    pins = release.engines[engine.name]
    of_stack = settings.engines[engine.name].image if engine.name in settings.engines else None
    found = engine_version(model.image or of_stack or pins.default, pins)
    flags = flag_lists().get(engine.name, {}).get(found.version)
    is_known = found.is_known and flags is not None and flags.is_complete
    return found.version, flags.flags if is_known and flags is not None else frozenset()


RULES = (
    Rule(
        needs=frozenset({"release", "engine", "engines"}),
        of_model=frozenset({"engine", "image", "source", "extraArgs", "loraAdapters", "prefill"}),
        check=_arguments,
    ),
)
