"""What a model server writes to its node's disk; pure.

One place for the pod, which asks for it, and for the rule that says whether a node has it.
"""

from settings.base import GIB

__all__ = ["CACHES_BYTES", "IMAGES_GIB", "WEIGHTS_HEADROOM", "claim_bytes", "pod_disk_bytes", "weights_volume_bytes"]

WEIGHTS_HEADROOM = 1.2
"""Weights are resumed and linked while they download."""

CACHES_BYTES = 20 * GIB
"""Compile caches and logs share the node's disk with the weights."""

IMAGES_GIB = 40
"""What a node's disk keeps for images, GiB: an engine's unpacks to 10-25 GB, and a rollout has two of them."""


def weights_volume_bytes(weights: int) -> int:
    """Size of the volume into which weights are downloaded."""
    return int(weights * WEIGHTS_HEADROOM)


def claim_bytes(weights: int, smallest: int | None) -> int:
    """Default size of a claim that holds weights, whole GiB: with the same headroom, or the smallest there is."""
    return max(-(-weights_volume_bytes(weights) // GIB) * GIB, smallest or 0)


def pod_disk_bytes(weights: int | None) -> int:
    """Ephemeral storage that a pod asks for; `None` where it does not download its weights."""
    return CACHES_BYTES + (0 if weights is None else weights_volume_bytes(weights))
