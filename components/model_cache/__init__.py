"""ModelCache: a claim with the weights of one model, filled once and read by all its pods.

Without it every start of a pod downloads everything again, which dominates the time to scale up (llm-d#2216). It owns
the claim and the Job that fills it, with the Job's script and account. It does not own the StorageClass, nor the token
Secret that it reads; the pods that read the claim have no token.

    ModelCache("qwen-cache", ModelCacheArgs(...), ResourceOptions(providers=[provider]))
"""

import pulumi

from components.deadlines import prefetch_seconds
from components.model_cache.args import ModelCacheArgs
from components.model_cache.objects import build, job_name
from components.objects import create_all, name_of

__all__ = ["ModelCache", "ModelCacheArgs", "build"]

# The Job's own deadline comes first, and says why.
_AFTER_DEADLINE = 60


class ModelCache(pulumi.ComponentResource):
    """The cache of one model: complete once this resource is there."""

    claim_name: pulumi.Output[str]
    """Name of the claim."""

    def __init__(self, name: str, args: ModelCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:ModelCache", name, summarize(args), opts)
        timeout = prefetch_seconds(args.download_bytes) + _AFTER_DEADLINE
        children = create_all(name, build(args), self, timeout_seconds=timeout)
        self.claim_name = name_of(children["claim"])
        self.register_outputs({"claim_name": self.claim_name})


def summarize(args: ModelCacheArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "model": args.model,
        "repository": args.repository,
        "revision": args.revision or "main",
        "claim": args.claim,
        "storageClass": args.storage_class,
        "sizeBytes": args.size_bytes,
        "job": job_name(args),
        "jobSeconds": prefetch_seconds(args.download_bytes),
        "namespace": args.namespace,
    }
