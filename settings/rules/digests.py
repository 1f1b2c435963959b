"""Digests belong to images that the stack can run: one for any other would pin nothing, and look as if it did."""

from collections.abc import Iterator

from catalog import nearest
from releases import RELEASES, Release
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _digests(settings: StackSettings) -> Iterator[Fault]:
    release = RELEASES.get(settings.release)
    known = _images(settings, release) if release else []
    for reference in settings.images.digests:
        path = f"images.digests.{reference}"
        if release and reference not in known:
            yield Fault(
                path=path,
                problem=f"is no image of release line {settings.release} or of this config",
                nearest=nearest(reference, known),
            )
        elif "@" in reference:
            yield Fault(path=path, problem="has a digest already")


def _images(settings: StackSettings, release: Release) -> list[str]:
    found = {pin.reference for pin in release.images.values()}
    found |= {pin.reference for engine in release.engines.values() for pin in engine.images.values()}
    models = settings.models.values()
    own = [engine.image for engine in settings.engines.values()] + [model.image for model in models]
    own += [model.custom.image for model in models if model.custom]
    own += [settings.images.device_plugin, settings.images.efa_device_plugin]
    return sorted(found | {image for image in own if image})


RULES = (Rule(needs=frozenset({"release", "images", "engines"}), check=_digests),)
"""One rule: a digest is of an image that is known."""
