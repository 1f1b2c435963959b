"""How a model server gets its weights: argument of the engine, volume, mount and environment; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components import pods
from settings.base import format_gib
from settings.disk import weights_volume_bytes

__all__ = ["MODEL_CACHE", "ObjectStorage", "Weights", "environment", "model_argument", "mounts", "secrets", "volumes"]

MODEL_CACHE = "/model-cache"
"""Where weights are, in every container that reads or writes them."""

_VOLUME = "weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectStorage:
    """Where a bucket is, and who may read it."""

    credentials_secret: str | None = None
    """Secret with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `None`: the ServiceAccount's own rights."""
    endpoint: str | None = None
    """URL of storage that is not AWS'."""
    region: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """Where the weights come from; without claim, image and object storage each pod downloads them."""

    model: str
    """`<org>/<model>` on Hugging Face, the path in the claim or the image, or `<bucket>/<path>`."""
    size_bytes: int
    """Size of the weights, bytes."""
    revision: str | None = None
    """Commit, tag or branch of the repository."""
    claim: str | None = None
    """PersistentVolumeClaim that holds them."""
    hub: str | None = None
    """Path in the claim of a Hugging Face cache, empty for its top; `None`: `model` is a path."""
    image: str | None = None
    """Image that holds them, mirror applied."""
    object_storage: ObjectStorage | None = None
    """Object storage from which they are streamed."""
    token_secret: str | None = None
    """Secret with the key HF_TOKEN, for gated models."""

    @property
    def downloads(self) -> bool:
        """Whether each pod downloads them to its node's disk."""
        return self.claim is None and self.image is None and self.object_storage is None

    @property
    def from_network(self) -> bool:
        """Whether each start fetches them over the network rather than reading a volume."""
        return self.claim is None


def model_argument(weights: Weights) -> str:
    """What the engine is told to load."""
    if weights.object_storage is not None:
        return f"s3://{weights.model}"
    if weights.image is None and (weights.claim is None or weights.hub is not None):
        return weights.model
    return f"{MODEL_CACHE}/{weights.model}".rstrip("/")


def volumes(weights: Weights) -> list[dict[str, Any]]:
    """The pod's volume for them; none where they are streamed."""
    if weights.claim is not None:
        source: dict[str, Any] = {"persistentVolumeClaim": {"claimName": weights.claim, "readOnly": True}}
    elif weights.image is not None:
        # The tag does not move, so a node that has the image need not ask for it.
        source = {"image": {"reference": weights.image, "pullPolicy": "IfNotPresent"}}
    elif weights.downloads:
        source = {"emptyDir": {"sizeLimit": format_gib(weights_volume_bytes(weights.size_bytes))}}
    else:
        return []
    return [{"name": _VOLUME, **source}]


def mounts(weights: Weights) -> list[dict[str, Any]]:
    """The container's mount of that volume: read-only unless the pod downloads."""
    mount = {"name": _VOLUME, "mountPath": MODEL_CACHE}
    return [mount | ({} if weights.downloads else {"readOnly": True}) for _ in volumes(weights)]


def environment(weights: Weights) -> Mapping[str, str]:
    """Environment variables that lead to them."""
    if weights.downloads:
        return {"HF_HOME": MODEL_CACHE}
    if weights.hub is not None:
        # Offline, or each start would ask Hugging Face what `main` is, and fail with it; and what is not in the cache
        # would be downloaded into a volume that is read-only.
        return {"HF_HUB_CACHE": f"{MODEL_CACHE}/{weights.hub}".rstrip("/"), "HF_HUB_OFFLINE": "1"}
    return {} if weights.object_storage is None else _of_bucket(weights.object_storage)


def secrets(weights: Weights) -> list[dict[str, Any]]:
    """Environment variables from Secrets."""
    found = []
    if weights.token_secret is not None:
        found.append(pods.secret_env("HF_TOKEN", weights.token_secret, "HF_TOKEN"))
    if weights.object_storage is not None and weights.object_storage.credentials_secret is not None:
        secret = weights.object_storage.credentials_secret
        found += [pods.secret_env(key, secret, key) for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    return found


def _of_bucket(storage: ObjectStorage) -> dict[str, str]:
    values = {} if storage.region is None else {"AWS_REGION": storage.region, "AWS_DEFAULT_REGION": storage.region}
    if storage.endpoint is not None:
        # vLLM's own advice for such storage (docs, models/extensions/runai_model_streamer). Its loader passes the
        # endpoint on to the streamer only where it has other settings too (0.12.0), so both are told.
        values |= {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": storage.endpoint,
            "RUNAI_STREAMER_S3_ENDPOINT": storage.endpoint,
            "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0",
        }
    return values
