"""Which version of an engine an image holds; pure.

An image of the user's own says it by its tag, where it is of the engine's own repository or of a mirror of it. Of any
other nothing is known: it is then taken for what the line pins, and what hangs on the exact version is not checked.
"""

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from releases.base import EnginePins, ImagePin

__all__ = ["EngineVersion", "engine_version"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineVersion:
    """The version of an engine."""

    version: str
    is_known: bool
    """Whether the image says so; otherwise it is the line's, for want of a better one."""


def engine_version(image: str, pins: EnginePins) -> EngineVersion:
    """Version of the engine in `image`: a name that the line knows, or a reference."""
    by_reference = {pin.reference: pin.engine_version for pin in pins.images.values()}
    pinned = pins.images[image].engine_version if image in pins.images else by_reference.get(image)
    if pinned is not None:
        return EngineVersion(version=pinned, is_known=True)
    name, _, tag = image.partition("@")[0].rpartition(":")
    # llm-d's own images carry llm-d's version, not the engine's.
    own = {pin.reference.partition("/")[2].rpartition(":")[0] for pin in pins.images.values() if _says_version(pin)}
    version = _version(tag)
    if version is not None and any(name.endswith(f"/{path}") or name == path for path in own):
        return EngineVersion(version=version, is_known=True)
    return EngineVersion(version=pins.images[pins.default].engine_version, is_known=False)


def _says_version(pin: ImagePin) -> bool:
    return _version(pin.reference.rpartition(":")[2]) == pin.engine_version


def _version(tag: str) -> str | None:
    """The version at the start of a tag; what follows a hyphen is a flavour of the same."""
    text = tag.removeprefix("v").partition("-")[0]
    try:
        return str(Version(text))
    except InvalidVersion:
        return None
