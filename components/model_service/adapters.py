"""How a model server gets its LoRA adapters: argument of the engine, volumes and mounts; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.model_service.weights import MODEL_CACHE, Weights
from engines import LoraAdapter

__all__ = ["Adapter", "loaded", "mounts", "volumes"]

_FOLDER = "/lora-adapters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """A LoRA adapter and where it comes from."""

    name: str
    location: str
    """`<org>/<adapter>` on Hugging Face, or the path in the claim."""
    rank: int
    claim: str | None
    """Existing PersistentVolumeClaim; `None`: each pod downloads it."""


def loaded(adapters: Sequence[Adapter], weights: Weights) -> tuple[LoraAdapter, ...]:
    """The adapters as the engine finds them."""
    return tuple(LoraAdapter(name=item.name, path=_path(item, weights), rank=item.rank) for item in adapters)


def volumes(adapters: Sequence[Adapter], weights: Weights) -> list[dict[str, Any]]:
    """A volume for each claim that is not mounted for the weights already."""
    return [
        {"name": f"adapters-{number}", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
        for number, claim in enumerate(_claims(adapters, weights))
    ]


def mounts(adapters: Sequence[Adapter], weights: Weights) -> list[dict[str, Any]]:
    """The container's mounts of them."""
    return [
        {"name": f"adapters-{number}", "mountPath": f"{_FOLDER}/{claim}", "readOnly": True}
        for number, claim in enumerate(_claims(adapters, weights))
    ]


def _claims(adapters: Sequence[Adapter], weights: Weights) -> list[str]:
    return sorted({item.claim for item in adapters if item.claim is not None} - {weights.claim})


def _path(adapter: Adapter, weights: Weights) -> str:
    if adapter.claim is None:
        return adapter.location
    folder = MODEL_CACHE if adapter.claim == weights.claim else f"{_FOLDER}/{adapter.claim}"
    return f"{folder}/{adapter.location}"
