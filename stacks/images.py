"""Every image reference passes here, so that a mirror applies to all of them; pure."""

from settings.cluster import ImagesSettings

__all__ = ["mirrored"]

_DOCKER_HUB = "docker.io"


def mirrored(reference: str, images: ImagesSettings) -> str:
    """The reference as it is to be pulled.

    A host's own mirror wins over the common registry. A digest stays what it is: the mirror serves the same bytes.
    """
    host, path = split_host(reference)
    mirror = images.mirrors.get(host, images.registry)
    pulled = reference if mirror is None else f"{mirror.rstrip('/')}/{path}"
    digest = images.digests.get(reference)
    # The tag stays for readers; the digest alone decides.
    return pulled if digest is None else f"{pulled}@{digest}"


def split_host(reference: str) -> tuple[str, str]:
    """Registry host and the rest; an image without a host is Docker Hub's."""
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return _DOCKER_HUB, reference if slash else f"library/{reference}"
