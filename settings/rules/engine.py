"""The release line, the engines and how a model is started."""

from collections.abc import Iterator

from packaging.version import Version

from catalog import nearest
from engines import CUSTOM, ENGINES
from releases import RELEASES, engine_version
from settings.faults import Fault
from settings.image_names import floating_tag, is_image_reference
from settings.models import ModelCommand, ModelSettings
from settings.rules.rule import Rule
from settings.source import SOURCE_FORMS, SourceScheme, parse_source, weights_bytes
from settings.stack import StackSettings

__all__ = ["RULES"]


def _known_engines() -> list[str]:
    return sorted([*ENGINES, CUSTOM])


def _release(settings: StackSettings) -> Iterator[Fault]:
    if settings.release not in RELEASES:
        yield Fault(
            path="release",
            problem="unknown release line",
            given=settings.release,
            allowed=", ".join(RELEASES),
            nearest=nearest(settings.release, list(RELEASES)),
        )


def _engines(settings: StackSettings) -> Iterator[Fault]:
    """Every engine that is named is known to this program and to the release line."""
    named = {"engine": settings.engine} | {f"engines.{name}": name for name in settings.engines}
    named |= {f"models.{name}.engine": model.engine for name, model in settings.models.items() if model.engine}
    release = RELEASES.get(settings.release)
    # Of an unknown line nothing is known, but that an engine which some line refuses is one.
    refused = release.refused_engines if release else {}
    real = {*_known_engines(), *(name for line in RELEASES.values() for name in line.refused_engines)}
    for path, engine in named.items():
        if engine in refused:
            yield Fault(path=path, problem=f"release line {settings.release} cannot run {engine}: {refused[engine]}")
        elif engine not in real:
            known = [name for name in _known_engines() if name not in refused]
            allowed, near = ", ".join(known), nearest(engine, known)
            yield Fault(path=path, problem="unknown engine", given=engine, allowed=allowed, nearest=near)


def _images(settings: StackSettings) -> Iterator[Fault]:
    """An image is a name that the release line knows, or a reference."""
    release = RELEASES.get(settings.release)
    if release is None:
        return
    for path, engine, image in _named_images(settings):
        if engine not in release.engines:
            continue
        known = list(release.engines[engine].images)
        if image not in known and not is_image_reference(image):
            yield Fault(
                path=path,
                problem=f"is neither an image of line {release.name} for {engine} nor a reference with tag or digest",
                given=image,
                allowed=f"{', '.join(known)}, or registry/name:tag",
                nearest=nearest(image, known),
            )
        elif tag := floating_tag(image):
            yield Fault(
                path=path,
                problem=f"tag {tag} moves from image to image; give a version's tag or a digest",
                given=image,
                allowed=f"{', '.join(known)}, or registry/name:tag",
            )


def _versions(settings: StackSettings) -> Iterator[Fault]:
    """An image that says its engine's version says one that works."""
    release = RELEASES.get(settings.release)
    if release is None:
        return
    for path, engine, image in _named_images(settings):
        floor = ENGINES[engine].version_floor if engine in ENGINES else None
        if floor is None or engine not in release.engines:
            continue
        found = engine_version(image, release.engines[engine])
        if found.is_known and Version(found.version) < Version(floor.version):
            yield Fault(
                path=path,
                problem=f"{engine} {found.version} is too old: {floor.why}",
                given=image,
                allowed=f"{floor.version} or newer",
            )


def _named_images(settings: StackSettings) -> Iterator[tuple[str, str, str]]:
    """Path, engine and image wherever the config names one."""
    for name, engine in settings.engines.items():
        if engine.image is not None:
            yield f"engines.{name}.image", name, engine.image
    for name, model in settings.models.items():
        if model.image is not None:
            yield f"models.{name}.image", model.engine or settings.engine, model.image


def _custom_engines_image(settings: StackSettings) -> Iterator[Fault]:
    """Engine custom has no image in common: each model says its own."""
    image = settings.engines[CUSTOM].image if CUSTOM in settings.engines else None
    if image is not None:
        yield Fault(
            path=f"engines.{CUSTOM}.image",
            problem="has no meaning: each model on engine custom says its own image",
            given=image,
            allowed="models.<name>.custom.image",
        )


def _commands(settings: StackSettings) -> Iterator[Fault]:
    """A model is started in a way that its engine knows, and engine custom says everything itself."""
    for name, model in settings.models.items():
        engine = model.engine or settings.engine
        if engine not in _known_engines():
            continue
        yield from _custom(name, model, engine)
        commands = (
            [str(word) for word in ENGINES[engine].model_commands] if engine in ENGINES else [ModelCommand.CUSTOM]
        )
        if model.model_command is not None and model.model_command not in commands:
            yield Fault(
                path=f"models.{name}.modelCommand",
                problem=f"engine {engine} cannot be started this way",
                given=model.model_command,
                allowed=", ".join(commands),
            )


def _custom(name: str, model: ModelSettings, engine: str) -> Iterator[Fault]:
    if engine == CUSTOM and model.custom is None:
        yield Fault(
            path=f"models.{name}.custom",
            problem="is required: engine custom knows neither image, command nor metrics of its own",
        )
    if engine == CUSTOM and model.image is not None:
        yield Fault(path=f"models.{name}.image", problem="has no meaning with engine custom; set custom.image")
    if engine != CUSTOM and model.custom is not None:
        yield Fault(path=f"models.{name}.custom", problem=f"is given, but the model's engine is {engine}")


def _sources(settings: StackSettings) -> Iterator[Fault]:
    """A source can be parsed, whatever else the model says."""
    for name, model in settings.models.items():
        try:
            parse_source(model.source)
        except ValueError as error:
            yield Fault(
                path=f"models.{name}.source",
                problem=str(error),
                given=model.source,
                allowed=SOURCE_FORMS,
                nearest=nearest(model.source.partition("://")[0], list(SourceScheme)),
            )


def _weights(settings: StackSettings) -> Iterator[Fault]:
    """The size of the weights is known."""
    for name, model in settings.models.items():
        try:
            known = weights_bytes(model)
        except ValueError:
            continue
        if known is None:
            source = parse_source(model.source)
            yield Fault(
                path=f"models.{name}.weights",
                problem=f"is required: the catalogue does not know {source.location or source.image}",
                allowed="the size of the weights, such as 1.5Gi",
            )


RULES = (
    Rule(needs=frozenset({"release"}), check=_release),
    Rule(needs=frozenset(), check=_engines),
    Rule(needs=frozenset({"release", "engine"}), of_model=frozenset({"engine"}), check=_images),
    Rule(needs=frozenset({"release", "engine"}), of_model=frozenset({"engine"}), check=_versions),
    Rule(needs=frozenset(), check=_custom_engines_image),
    Rule(needs=frozenset({"engine"}), of_model=frozenset({"engine", "custom"}), check=_commands),
    Rule(needs=frozenset(), of_model=frozenset({"source"}), check=_sources),
    Rule(needs=frozenset(), of_model=frozenset({"source", "weights"}), check=_weights),
)
