"""How long a model may take to start, from the size of its weights; pure.

Fixed budgets either kill large models or make a broken rollout of a small one wait an hour (llm-d-benchmark#83,
kserve#5063). All times in seconds.
"""

from dataclasses import dataclass

__all__ = ["GRACE_PERIOD", "PRE_STOP", "Deadlines", "deadlines", "prefetch_seconds"]

_MIB = 2**20

# A pod pulls from Hugging Face at what one connection behind a NAT gateway gives on a bad day; llm-d's own guides
# allow 30 minutes for 80 GiB, which is 45 MiB/s.
_DOWNLOAD_BYTES_PER_SECOND = 40 * _MIB
# gp3 and EFS volumes at the baseline throughput that is usual for model caches.
_VOLUME_BYTES_PER_SECOND = 125 * _MIB
# Process start, weight loading from the page cache, torch.compile, CUDA graph capture.
_ENGINE_START = 900
# 10-25 GB of image on a node that has never seen it.
_IMAGE_PULL = 1200
# A node that an autoscaler has to bring first.
_NODE_START = 900

PROBE_PERIOD = 10

GRACE_PERIOD = 130
"""From the decision that a pod goes to its end. The picker's chart uses the same."""

PRE_STOP = GRACE_PERIOD - 15
"""A pod that is going is told so late: nothing new is sent to it from the start, but engines abort the requests that
run as soon as they get SIGTERM (vllm#43208; SGLang has no drain either). So requests of up to this long finish, at the
price that every pod of a rollout takes as long to go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Times of one model server."""

    startup_failures: int
    """failureThreshold of the startup probe, at one probe every PROBE_PERIOD."""
    progress: int
    """progressDeadlineSeconds of its Deployment."""
    rollout: int
    """How long `pulumi up` waits: every replica after the other, for that is how GPUs without a spare roll."""


def prefetch_seconds(size_bytes: int) -> int:
    """How long a Job may take that downloads so many bytes, its retries included."""
    return _NODE_START + _IMAGE_PULL + -(-size_bytes // _DOWNLOAD_BYTES_PER_SECOND)


def deadlines(weights_bytes: int, *, downloads: bool, replicas: int) -> Deadlines:
    """Deadlines of a model.

    Args:
        weights_bytes: Size of the weights.
        downloads: Whether each pod downloads them; otherwise they are read from a volume.
        replicas: Pods that roll one after the other in the worst case.
    """
    rate = _DOWNLOAD_BYTES_PER_SECOND if downloads else _VOLUME_BYTES_PER_SECOND
    startup = _ENGINE_START + -(-weights_bytes // rate)
    progress = _NODE_START + _IMAGE_PULL + startup
    return Deadlines(
        startup_failures=-(-startup // PROBE_PERIOD),
        progress=progress,
        rollout=(progress + GRACE_PERIOD) * replicas,
    )
