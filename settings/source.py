"""A model's `source`, parsed, and the size of its weights."""

import re
from dataclasses import dataclass
from enum import StrEnum

from catalog import MODELS
from settings.base import is_dns_subdomain
from settings.models import ModelSettings

__all__ = ["ModelSource", "SourceScheme", "parse_source", "served_name", "weights_bytes"]

_SOURCE = re.compile(r"(?P<scheme>[a-z0-9+]+)://(?P<rest>.+)")
# Hugging Face's own rule for both parts, except that it lets them start with '_'.
_REPOSITORY_PART = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?", re.ASCII)
_PATH_SEGMENT = re.compile(r"[\w.-]+", re.ASCII)


class SourceScheme(StrEnum):
    """Where weights come from."""

    HF = "hf"
    """`hf://<org>/<model>`: downloaded from Hugging Face by each pod."""
    PVC = "pvc"
    """`pvc://<claim>/<path>`: read from an existing claim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSource:
    """A parsed `source`."""

    scheme: SourceScheme
    location: str
    """`<org>/<model>` for hf, the path in the claim for pvc."""
    claim: str | None = None
    """The PersistentVolumeClaim of a pvc source."""


def parse_source(text: str) -> ModelSource:
    """Parse a source; ValueError says what is wrong with it."""
    match = _SOURCE.fullmatch(text)
    if not match or match["scheme"] not in list(SourceScheme):
        raise ValueError("unknown source scheme")
    scheme, rest = SourceScheme(match["scheme"]), match["rest"]
    if scheme is SourceScheme.HF:
        if not _is_repository(rest):
            raise ValueError("is not hf://<org>/<model>")
        return ModelSource(scheme=scheme, location=rest)
    claim, _, path = rest.partition("/")
    if not is_dns_subdomain(claim) or not _is_path(path):
        raise ValueError("is not pvc://<claim>/<path>")
    return ModelSource(scheme=scheme, location=path, claim=claim)


def _is_repository(text: str) -> bool:
    org, _, model = text.partition("/")
    is_named = all(_REPOSITORY_PART.fullmatch(part) for part in (org, model))
    return is_named and "--" not in text and ".." not in text and not text.endswith(".git")


def _is_path(text: str) -> bool:
    """Whether each segment is a name: neither empty nor a way out of the claim."""
    return all(_PATH_SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/"))


def served_name(name: str, model: ModelSettings) -> str:
    """The `model` that clients ask for; ValueError if the source is none."""
    source = parse_source(model.source)
    if model.served_name is not None:
        return model.served_name
    return source.location if source.scheme is SourceScheme.HF else name


def weights_bytes(model: ModelSettings) -> int | None:
    """Size of the weights, bytes; `None` where neither the config nor the catalogue knows it.

    Raises:
        ValueError: if the source is none, whatever else the config says.
    """
    source = parse_source(model.source)
    if model.weights is not None:
        return model.weights
    known = MODELS.get(source.location) if source.scheme is SourceScheme.HF else None
    return known.weights_bytes if known else None
