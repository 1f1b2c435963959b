"""Where weights come from: what the model's engine and its image can read, and what a cache's class offers."""

from collections.abc import Iterator

from catalog import nearest
from engines import CUSTOM, ENGINES, Feature
from releases import RELEASES, ImagePin
from settings.base import GIB
from settings.disk import WEIGHTS_HEADROOM, claim_bytes, weights_volume_bytes
from settings.faults import Fault
from settings.models import ModelSettings
from settings.placement import format_memory
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source, weights_bytes
from settings.stack import StackSettings
from settings.storage import AccessMode, CacheSettings, StorageClassSettings

__all__ = ["RULES", "pin_of"]


def _revisions(settings: StackSettings) -> Iterator[Fault]:
    """Only a repository has revisions."""
    for name, model in _with_source(settings):
        if model.revision is not None and parse_source(model.source).repository is None:
            yield Fault(
                path=f"models.{name}.revision",
                problem=f"has no meaning with a source of scheme {parse_source(model.source).scheme}: only a repository"
                " on Hugging Face has revisions",
                given=model.revision,
                allowed="remove the key; say the version in the source's own path or tag",
            )


def _features(settings: StackSettings) -> Iterator[Fault]:
    """What a model asks for is what its engine, in its image, can do."""
    for name, model in _with_source(settings):
        engine = model.engine or settings.engine
        able = ENGINES[engine].features if engine in ENGINES else frozenset()
        if engine not in ENGINES and engine != CUSTOM:
            continue
        pin = pin_of(settings, model)
        for path, given, feature, instead in _asked(name, model):
            able_engines = [other for other in _engines(settings) if feature in ENGINES[other].features]
            if feature not in able:
                problem = f"engine {engine} cannot {feature.action}"
                yield Fault(
                    path=path, problem=problem, given=given, allowed=f"engine {', '.join(able_engines)}; {instead}"
                )
            elif pin is not None and feature in pin.lacks:
                yield Fault(
                    path=path,
                    problem=f"image {pin.reference} cannot {feature.action}: {pin.lacks[feature]}",
                    given=given,
                    allowed=f"another image, by models.{name}.image; {instead}",
                )


def _engines(settings: StackSettings) -> list[str]:
    """The engines of the line, sorted; of an unknown line, every one."""
    release = RELEASES.get(settings.release)
    return sorted(ENGINES if release is None else ENGINES.keys() & release.engines.keys())


def _asked(name: str, model: ModelSettings) -> Iterator[tuple[str, str | None, Feature, str]]:
    """Path, value, feature, and what else there is, of everything that not every engine can."""
    scheme = parse_source(model.source).scheme
    if scheme is SourceScheme.S3:
        other = "a source of scheme hf, pvc, pvc+hf or oci"
        yield f"models.{name}.source", model.source, Feature.OBJECT_STORAGE, other
    if model.revision is not None and scheme in {SourceScheme.HF, SourceScheme.PVC_HF}:
        yield f"models.{name}.revision", model.revision, Feature.REVISION, "the engine's own argument, in its args"
    if model.cache is not None and scheme is SourceScheme.HF:
        other = "a claim that you fill yourself, as a source of scheme pvc or pvc+hf"
        yield f"models.{name}.cache", None, Feature.PREFETCH, other


def pin_of(settings: StackSettings, model: ModelSettings) -> ImagePin | None:
    """The line's own image that the model runs; `None` where a user's replaces it, of which nothing is known."""
    engine = model.engine or settings.engine
    release = RELEASES.get(settings.release)
    pins = release.engines.get(engine) if release is not None else None
    if pins is None:
        return None
    of_stack = settings.engines[engine].image if engine in settings.engines else None
    return pins.images.get(model.image or of_stack or pins.default)


def _caches(settings: StackSettings) -> Iterator[Fault]:
    """A cache is of a class that several nodes can mount, and holds what the model downloads."""
    for name, model in _with_source(settings):
        if model.cache is None:
            continue
        path = f"models.{name}.cache"
        scheme = parse_source(model.source).scheme
        if scheme is not SourceScheme.HF:
            problem = f"has no meaning with a source of scheme {scheme}: nothing is downloaded"
            yield Fault(path=path, problem=problem, allowed="remove the key, or a source hf://<org>/<model>")
            continue
        found = settings.storage_classes.get(model.cache.storage_class)
        if found is None:
            yield Fault(
                path=f"{path}.storageClass",
                problem="unknown storage class: storageClasses describes the cluster's",
                given=model.cache.storage_class,
                allowed=", ".join(settings.storage_classes) or None,
                nearest=nearest(model.cache.storage_class, list(settings.storage_classes)),
            )
            continue
        if AccessMode.READ_WRITE_MANY not in found.access_modes:
            yield Fault(
                path=f"{path}.storageClass",
                problem=f"offers {', '.join(found.access_modes)}, but pods on several nodes read the cache that a Job"
                f" fills: it takes {AccessMode.READ_WRITE_MANY}",
                given=model.cache.storage_class,
                allowed=", ".join(_shared(settings)) or "a class of a shared file system, described in storageClasses",
            )
        weights = weights_bytes(model)
        if weights is not None:
            yield from _sizes(f"{path}.size", model.cache, found, weights)


def _sizes(path: str, cache: CacheSettings, found: StorageClassSettings, weights: int) -> Iterator[Fault]:
    needed = claim_bytes(weights, None)
    given = cache.size if cache.size is not None else claim_bytes(weights, found.min_size)
    shown = None if cache.size is None else format_memory(cache.size)
    if weights_volume_bytes(weights) > given:
        yield Fault(
            path=path,
            problem=f"{WEIGHTS_HEADROOM} x {format_memory(weights)} of weights do not fit",
            given=shown,
            allowed=f"{needed // GIB}Gi or more, or no key",
        )
    if found.max_size is not None and given > found.max_size:
        yield Fault(
            path=path,
            problem=f"{format_memory(given)} are more than class {cache.storage_class} has:"
            f" {format_memory(found.max_size)} at most",
            given=shown,
            allowed="a class with larger volumes",
        )
    if found.min_size is not None and given < found.min_size:
        yield Fault(
            path=path,
            problem=f"is less than the smallest volume of class {cache.storage_class}",
            given=shown,
            allowed=f"{format_memory(found.min_size)} or more, or no key",
        )


def _shared(settings: StackSettings) -> list[str]:
    return [
        name for name, found in settings.storage_classes.items() if AccessMode.READ_WRITE_MANY in found.access_modes
    ]


def _with_source(settings: StackSettings) -> Iterator[tuple[str, ModelSettings]]:
    """The models whose source can be parsed; that another's cannot is a fault of its own."""
    for name, model in settings.models.items():
        try:
            parse_source(model.source)
        except ValueError:
            continue
        yield name, model


_IMAGE = frozenset({"engine", "image"})

RULES = (
    Rule(needs=frozenset(), of_model=frozenset({"source", "revision"}), check=_revisions),
    Rule(
        needs=frozenset({"release", "engine", "engines"}),
        of_model=_IMAGE | {"source", "revision", "cache"},
        check=_features,
    ),
    Rule(needs=frozenset({"storageClasses"}), of_model=frozenset({"source", "weights", "cache"}), check=_caches),
)
