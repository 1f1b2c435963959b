"""Storage: the classes that a cluster has, a model's cache of weights, the object storage that weights come from."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from settings.base import Bytes, DnsSubdomain, SettingsModel

__all__ = ["AccessMode", "CacheSettings", "ObjectStorageSettings", "StorageClassSettings", "server_url"]


class AccessMode(StrEnum):
    """How many nodes may mount a volume, in the words of a claim."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    """One node, as a block device: EBS, Persistent Disk, Azure Disk."""
    READ_ONLY_MANY = "ReadOnlyMany"
    """Many nodes, nobody writes."""
    READ_WRITE_MANY = "ReadWriteMany"
    """Many nodes, as a shared file system: EFS, FSx for Lustre, Filestore, Azure Files, NFS, CephFS."""


class StorageClassSettings(SettingsModel):
    """A StorageClass that the cluster has: this describes it, so that a claim which it would never fill is refused."""

    access_modes: tuple[Annotated[AccessMode, Field(strict=False)], ...] = Field(min_length=1, strict=False)
    """What its volumes offer."""
    min_size: Bytes | None = None
    """The smallest volume that it makes, where there is one: shared file systems may be sold by the TiB."""
    max_size: Bytes | None = None
    """The largest volume that it makes."""

    @model_validator(mode="after")
    def _ordered(self) -> "StorageClassSettings":
        if self.min_size is not None and self.max_size is not None and self.min_size > self.max_size:
            raise ValueError("minSize is above maxSize")
        return self


class CacheSettings(SettingsModel):
    """A claim of the stack's own, filled once with the model's weights and read by all its pods."""

    storage_class: DnsSubdomain
    """A class of `storageClasses` that offers ReadWriteMany: the pods are on several nodes."""
    size: Bytes | None = None
    """Size of the claim. Default: the weights with a fifth to spare, or the smallest volume of the class."""


def server_url(value: str) -> str:
    """The URL of a server, without a user; ValueError if it is none."""
    scheme, separator, rest = value.partition("://")
    if scheme not in {"http", "https"} or not separator or not rest or not rest.isprintable() or set(rest) & set(" @"):
        raise ValueError("must be the URL of a server, such as https://minio.example.com:9000, without a user")
    return value


class ObjectStorageSettings(SettingsModel):
    """Access to the object storage of `s3://` sources."""

    credentials_secret: DnsSubdomain | None = None
    """Existing Secret in the serving namespace with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Default: the
    rights of the model's ServiceAccount, which on EKS is a pod identity association."""
    endpoint: Annotated[str, AfterValidator(server_url)] | None = None
    """URL of storage that speaks S3 and is not AWS'."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] | None = None
    """Region of the buckets."""
