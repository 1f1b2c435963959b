"""A model's `source`, parsed, and the size of its weights."""

import re
from dataclasses import dataclass
from enum import StrEnum

from catalog import MODELS
from settings.base import is_dns_subdomain
from settings.image_names import floating_tag, is_image_reference
from settings.models import ModelSettings

__all__ = [
    "SOURCE_FORMS",
    "ModelSource",
    "SourceScheme",
    "claims",
    "downloads",
    "parse_source",
    "served_name",
    "weights_bytes",
]

_SOURCE = re.compile(r"(?P<scheme>[a-z0-9+]+)://(?P<rest>.+)")
# Hugging Face's own rule for both parts, except that it lets them start with '_'.
_REPOSITORY_PART = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?", re.ASCII)
_PATH_SEGMENT = re.compile(r"[\w.-]+", re.ASCII)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class SourceScheme(StrEnum):
    """Where weights come from."""

    HF = "hf"
    """`hf://<org>/<model>`: downloaded from Hugging Face, by each pod or once into a cache."""
    PVC = "pvc"
    """`pvc://<claim>/<path>`: read from an existing claim."""
    PVC_HF = "pvc+hf"
    """`pvc+hf://<claim>/[<path>/]<org>/<model>`: read from a Hugging Face cache in an existing claim."""
    OCI = "oci"
    """`oci://<image>[#<path>]`: mounted as an image volume, which Kubernetes has by default from 1.35 on."""
    S3 = "s3"
    """`s3://<bucket>/<path>`: streamed from object storage into GPU memory."""


_FORMS = {
    SourceScheme.HF: "hf://<org>/<model>",
    SourceScheme.PVC: "pvc://<claim>/<path>",
    SourceScheme.PVC_HF: "pvc+hf://<claim>/[<path>/]<org>/<model>",
    SourceScheme.OCI: "oci://<registry>/<name>:<tag>[#<path>], with a tag that does not move or a digest",
    SourceScheme.S3: "s3://<bucket>/<path>",
}

SOURCE_FORMS = ", ".join(form.partition(",")[0] for form in _FORMS.values())
"""What a source may be, for messages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSource:
    """A parsed `source`."""

    scheme: SourceScheme
    location: str
    """`<org>/<model>` of a repository, the path in a claim or an image, `<bucket>/<path>` of object storage."""
    claim: str | None = None
    """The existing PersistentVolumeClaim of a source that reads one."""
    hub: str = ""
    """Where in the claim the Hugging Face cache is; empty: at its top."""
    image: str | None = None
    """The image that holds the weights."""

    @property
    def repository(self) -> str | None:
        """`<org>/<model>` on Hugging Face, where the source names one."""
        return self.location if self.scheme in {SourceScheme.HF, SourceScheme.PVC_HF} else None


def parse_source(text: str) -> ModelSource:
    """Parse a source; ValueError says what is wrong with it."""
    match = _SOURCE.fullmatch(text)
    if not match or match["scheme"] not in list(SourceScheme):
        raise ValueError("unknown source scheme")
    scheme = SourceScheme(match["scheme"])
    source = _PARSERS[scheme](match["rest"])
    if source is None:
        raise ValueError(f"is not {_FORMS[scheme]}")
    return source


def _hf(rest: str) -> ModelSource | None:
    return ModelSource(scheme=SourceScheme.HF, location=rest) if _is_repository(rest) else None


def _pvc(rest: str) -> ModelSource | None:
    claim, _, path = rest.partition("/")
    is_sound = is_dns_subdomain(claim) and _is_path(path)
    return ModelSource(scheme=SourceScheme.PVC, location=path, claim=claim) if is_sound else None


def _pvc_hf(rest: str) -> ModelSource | None:
    claim, *path = rest.split("/")
    *hub, org, model = path if len(path) > 1 else ("", "", "")
    is_sound = is_dns_subdomain(claim) and _is_repository(f"{org}/{model}") and (not hub or _is_path("/".join(hub)))
    if not is_sound:
        return None
    return ModelSource(scheme=SourceScheme.PVC_HF, location=f"{org}/{model}", claim=claim, hub="/".join(hub))


def _oci(rest: str) -> ModelSource | None:
    image, hash_, path = rest.partition("#")
    is_sound = is_image_reference(image) and floating_tag(image) is None and (not hash_ or _is_path(path))
    return ModelSource(scheme=SourceScheme.OCI, location=path, image=image) if is_sound else None


def _s3(rest: str) -> ModelSource | None:
    bucket, _, path = rest.partition("/")
    is_sound = _BUCKET.fullmatch(bucket) is not None and ".." not in bucket and _is_path(path)
    return ModelSource(scheme=SourceScheme.S3, location=rest) if is_sound else None


_PARSERS = {
    SourceScheme.HF: _hf,
    SourceScheme.PVC: _pvc,
    SourceScheme.PVC_HF: _pvc_hf,
    SourceScheme.OCI: _oci,
    SourceScheme.S3: _s3,
}


def _is_repository(text: str) -> bool:
    org, _, model = text.partition("/")
    is_named = all(_REPOSITORY_PART.fullmatch(part) for part in (org, model))
    return is_named and "--" not in text and ".." not in text and not text.endswith(".git")


def _is_path(text: str) -> bool:
    """Whether each segment is a name: neither empty nor a way out of the claim."""
    return all(_PATH_SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/"))


def downloads(model: ModelSettings) -> bool:
    """Whether each pod of the model downloads its weights to its node's disk; ValueError if the source is none."""
    return parse_source(model.source).scheme is SourceScheme.HF and model.cache is None


def claims(model: ModelSettings) -> frozenset[str]:
    """Existing claims that the model's pods read; ValueError if a source is none."""
    sources = (model.source, *(adapter.source for adapter in model.lora_adapters.values()))
    return frozenset(claim for claim in (parse_source(source).claim for source in sources) if claim is not None)


def served_name(name: str, model: ModelSettings) -> str:
    """The `model` that clients ask for; ValueError if the source is none."""
    source = parse_source(model.source)
    if model.served_name is not None:
        return model.served_name
    return source.repository or name


def weights_bytes(model: ModelSettings) -> int | None:
    """Size of the weights, bytes; `None` where neither the config nor the catalogue knows it.

    Raises:
        ValueError: if the source is none, whatever else the config says.
    """
    source = parse_source(model.source)
    if model.weights is not None:
        return model.weights
    known = MODELS.get(source.repository) if source.repository is not None else None
    return known.weights_bytes if known else None
