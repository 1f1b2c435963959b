"""What a reference to a container image says about which image runs; pure."""

import re
from fnmatch import fnmatchcase

__all__ = ["FLOATING_TAGS", "is_from", "moving_tag", "with_registry"]

FLOATING_TAGS = frozenset({"latest", "main", "dev", "nightly"})
"""Tags that are moved to another image by habit: two nodes of one Deployment would run two of them."""

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def moving_tag(reference: str, *, digest: bool = False) -> str | None:
    """Why it is not fixed which image this is; `None` where it is.

    Args:
        reference: As a container names it.
        digest: Whether only a digest counts: a version's tag can be pushed again, too.
    """
    if _DIGEST.search(reference):
        return None
    tag = reference.rpartition("/")[2].partition(":")[2]
    if not tag:
        return "has no tag, which means latest"
    if tag in FLOATING_TAGS:
        return f"has tag {tag}, which moves from image to image"
    return "has no digest, and its tag can be pushed again" if digest else None


def with_registry(reference: str) -> str:
    """The reference with its registry's host, which Docker Hub's images leave out."""
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    return reference if "." in first or ":" in first or first == "localhost" else f"docker.io/{reference}"


def is_from(reference: str, registries: list[str]) -> bool:
    """Whether the image is below one of these registries: a host, perhaps with a path; `*` stands for any part."""
    parts = re.split(r"[:@]", with_registry(reference).rpartition("/")[2])[0]
    name = f"{with_registry(reference).rpartition('/')[0]}/{parts}".split("/")
    for registry in registries:
        wanted = registry.rstrip("/").split("/")
        if len(wanted) <= len(name) and all(map(fnmatchcase, name, wanted)):
            return True
    return False
