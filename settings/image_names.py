"""How images and registries are named: the grammar of container references; pure.

What passes is well formed. That it can be pulled is only known where it is pulled.
"""

import re

from policy.checks.images import FLOATING_TAGS

__all__ = ["floating_tag", "is_image_reference", "is_registry", "is_registry_host"]

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH})(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}}))?"
    r"(?P<digest>@sha256:[0-9a-f]{64})?"
)
_REGISTRY = re.compile(rf"(?P<host>{_HOST})(?:/{_PATH})?/?")
_REGISTRY_HOST = re.compile(_HOST)
_NAME_MAX = 255


def is_image_reference(text: str) -> bool:
    """Whether it is an image with a tag, a digest or both."""
    match = _IMAGE.fullmatch(text)
    return match is not None and len(match["name"]) <= _NAME_MAX and bool(match["tag"] or match["digest"])


def floating_tag(text: str) -> str | None:
    """The tag of a reference that is known to move, where no digest holds it fast."""
    match = _IMAGE.fullmatch(text)
    return match["tag"] if match and not match["digest"] and match["tag"] in FLOATING_TAGS else None


def is_registry(text: str) -> bool:
    """Whether images can be pulled from below it: host, perhaps a port, perhaps a path."""
    match = _REGISTRY.fullmatch(text)
    return match is not None and is_registry_host(match["host"])


def is_registry_host(text: str) -> bool:
    """Whether an image's first segment is read as a host; anything else would be an organisation on Docker Hub."""
    is_host = "." in text or ":" in text or text == "localhost"
    return is_host and _REGISTRY_HOST.fullmatch(text) is not None
