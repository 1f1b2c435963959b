"""What every settings model shares: strictness, frozen values, Kubernetes' own name and quantity formats.

Pydantic stops here: these models hold plain stack config. Component args carry `pulumi.Input` and are
dataclasses, for a pydantic field of type `str | Output` validates neither.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from settings.image_names import floating_tag, is_image_reference, is_registry, is_registry_host

__all__ = [
    "Bytes",
    "CpuQuantity",
    "Digest",
    "DnsLabel",
    "DnsSubdomain",
    "FrozenMap",
    "ImageReference",
    "LabelKey",
    "LabelValue",
    "ModelName",
    "Registry",
    "RegistryHost",
    "SettingsModel",
    "format_gib",
    "is_dns_subdomain",
    "is_image_reference",
    "parse_cpu",
    "parse_quantity",
    "whole_mebibytes",
]

K = TypeVar("K")
V = TypeVar("V")

GIB = 1024**3
MIB = 1024**2

_SUFFIXES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<suffix>k|[KMGT]i|[MGT])?", re.ASCII)
# Nine digits of cores or millicores are more than any node has, and fit into Kubernetes' 64 bits.
_CPU = re.compile(r"(?P<milli>\d{1,9})m|(?P<cores>\d{1,9}(?:\.\d{1,3})?)", re.ASCII)
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(rf"{_DNS_LABEL.pattern}(\.{_DNS_LABEL.pattern})*")
_LABEL_NAME = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?")
_LABEL_MAX = 63
_SUBDOMAIN_MAX = 253

# What is smaller would be nothing once it is rendered in whole MiB.
_MEMORY_MIN = 64 * MIB

# "-prefill-" plus a ReplicaSet hash and a pod suffix still fit into the 63 characters of a hostname.
_MODEL_NAME_MAX = 35


class SettingsModel(BaseModel):
    """Base of every settings model: unknown keys are errors, values are frozen, nothing is coerced."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
        # A value may be a secret that was put in the wrong place: it must not reach an error text.
        hide_input_in_errors=True,
    )


def parse_quantity(text: str) -> int:
    """Bytes of a Kubernetes quantity such as `1.5Gi` (binary) or `800M` (decimal); ValueError if it is none."""
    match = _QUANTITY.fullmatch(text)
    if not match:
        raise ValueError(f"not a Kubernetes quantity: {text!r}; write 1.5Gi, 800Mi or a number of bytes")
    return round(Decimal(match["number"]) * _SUFFIXES[match["suffix"] or ""])


def parse_cpu(text: str) -> int:
    """Millicores of a Kubernetes CPU quantity such as `500m`, `4` or `0.5`; ValueError if it is none."""
    match = _CPU.fullmatch(text)
    if not match:
        raise ValueError("must be a CPU quantity of Kubernetes: cores such as 4 or 0.5, or millicores such as 500m")
    return int(match["milli"]) if match["milli"] else int(Decimal(match["cores"]) * 1000)


def whole_mebibytes(size_bytes: int) -> int:
    """The size, where it is enough to be rendered in whole MiB; ValueError where it is not."""
    if size_bytes < _MEMORY_MIN:
        raise ValueError("must be 64Mi at least")
    return size_bytes


def is_dns_subdomain(text: str) -> bool:
    """Whether it is an RFC 1123 subdomain: what Kubernetes asks of the names of Secrets, claims and most objects."""
    return len(text) <= _SUBDOMAIN_MAX and _DNS_SUBDOMAIN.fullmatch(text) is not None


def format_gib(size_bytes: int) -> str:
    """Whole gibibytes, rounded up, as a Kubernetes quantity."""
    return f"{-(-size_bytes // GIB)}Gi"


def _bytes(value: object) -> object:
    return parse_quantity(value) if isinstance(value, str) else value


def _cpu_text(value: object) -> object:
    # YAML and `pulumi config set --path` make a number of it; a bool is an int to Python.
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _cpu(value: str) -> str:
    if parse_cpu(value) == 0:
        raise ValueError("must be greater than 0")
    return value


def _dns_label(value: str) -> str:
    if len(value) > _LABEL_MAX or not _DNS_LABEL.fullmatch(value):
        raise ValueError("must be a DNS label: lower-case letters, digits and '-', 63 characters at most")
    return value


def _dns_subdomain(value: str) -> str:
    if not is_dns_subdomain(value):
        raise ValueError("must be a DNS subdomain: lower-case letters, digits, '-' and '.', 253 characters at most")
    return value


def _label_value(value: str) -> str:
    if value and not _is_label_name(value):
        raise ValueError(
            "must be a Kubernetes label value: letters, digits, '-', '_' and '.', 63 characters at most,"
            " starting and ending with a letter or digit"
        )
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    if not _is_label_name(name) or (slash and not is_dns_subdomain(prefix)):
        raise ValueError("must be a Kubernetes label key: [<domain>/]<name>, such as example.com/pool")
    return value


def _is_label_name(text: str) -> bool:
    return len(text) <= _LABEL_MAX and _LABEL_NAME.fullmatch(text) is not None


def _model_name(value: str) -> str:
    if not _dns_label(value)[0].isalpha():
        raise ValueError("must start with a letter: Services are named after it, whose names are DNS-1035 labels")
    if len(value) > _MODEL_NAME_MAX:
        raise ValueError(f"must be {_MODEL_NAME_MAX} characters at most: the names of its objects are made from it")
    return value


def _image(value: str) -> str:
    if not is_image_reference(value):
        raise ValueError("must be an image reference with a tag or a digest, such as registry/name:tag")
    if tag := floating_tag(value):
        raise ValueError(f"tag {tag} moves from image to image; give a version's tag or a digest")
    return value


def _digest(value: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError("must be a digest as a registry reports it: sha256: and 64 hexadecimal digits")
    return value


def _registry(value: str) -> str:
    if not is_registry(value):
        raise ValueError(
            "must be a registry as host[:port][/path], without a scheme, such as registry.example.com/mirror"
        )
    return value


def _registry_host(value: str) -> str:
    if not is_registry_host(value):
        raise ValueError("must be a registry's host[:port], such as ghcr.io or docker.io")
    return value


def _freeze(value: Mapping[K, V]) -> Mapping[K, V]:
    # `frozen` of pydantic stops at the field: the dict behind it would still be mutable.
    return MappingProxyType(dict(value))


Bytes = Annotated[int, BeforeValidator(_bytes), Field(gt=0, lt=2**63)]
"""A size in bytes, written as a Kubernetes quantity, which is 64 bits wide."""

CpuQuantity = Annotated[str, BeforeValidator(_cpu_text), AfterValidator(_cpu)]
"""CPU as a Kubernetes quantity: cores or millicores, more than none."""

DnsLabel = Annotated[str, AfterValidator(_dns_label)]
"""An RFC 1123 label: the name of a namespace, a pool, a model."""

DnsSubdomain = Annotated[str, AfterValidator(_dns_subdomain)]
"""An RFC 1123 subdomain: the name of a Secret, a RuntimeClass."""

LabelKey = Annotated[str, AfterValidator(_label_key)]
"""The key of a node label or taint."""

LabelValue = Annotated[str, AfterValidator(_label_value)]
"""The value of a node label or taint."""

ModelName = Annotated[str, AfterValidator(_model_name)]
"""A DNS label that starts with a letter and is short enough for the names that are derived from it."""

Digest = Annotated[str, AfterValidator(_digest)]
"""Digest of an image, as a registry reports it."""

ImageReference = Annotated[str, AfterValidator(_image)]
"""A container image with a tag or digest; a bare name would float, and so does `latest`."""

Registry = Annotated[str, AfterValidator(_registry)]
"""What replaces an image's registry."""

RegistryHost = Annotated[str, AfterValidator(_registry_host)]
"""The registry in an image's name."""

FrozenMap = Annotated[Mapping[K, V], AfterValidator(_freeze)]
"""A mapping that cannot be changed once it is validated."""
