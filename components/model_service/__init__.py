"""ModelService: the servers of one model, one engine.

It owns their Deployment, ServiceAccount, PodDisruptionBudget, NetworkPolicy and, where the stack says so, PodMonitor;
where prefill is disaggregated, a Deployment with budget, policy and monitor of its own for each of the two roles.
It does not own the namespace, the claim or the token Secret that it reads, and no Service: requests reach the pods
through the InferencePool and the picker, never by a Service that would balance around them.

    ModelService("qwen", ModelServiceArgs(...), ResourceOptions(providers=[provider]))
"""

import pulumi

from components.model_service.args import (
    Adapter,
    EventStream,
    ModelServiceArgs,
    ObjectStorage,
    RoleArgs,
    RoutingSidecar,
    Weights,
)
from components.model_service.objects import build, rollout_seconds
from components.objects import create_all, name_of
from naming import ModelNames

__all__ = [
    "Adapter",
    "EventStream",
    "ModelService",
    "ModelServiceArgs",
    "ObjectStorage",
    "RoleArgs",
    "RoutingSidecar",
    "Weights",
    "build",
]


class ModelService(pulumi.ComponentResource):
    """The servers of one model."""

    deployment_name: pulumi.Output[str]
    """Name of the Deployment, or LeaderWorkerSet, of the servers that answer."""

    def __init__(self, name: str, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:ModelService", name, summarize(args), opts)
        children = create_all(name, build(args), self, timeout_seconds=rollout_seconds(args))
        self.deployment_name = name_of(children[""])
        self.register_outputs({"deployment_name": self.deployment_name})


def summarize(args: ModelServiceArgs) -> dict[str, object]:
    """The plan of this component as plain data: what a reviewer reads in the preview and a policy judges."""
    prefill = args.prefill
    roles = {} if prefill is None else {"prefill": _summarize_role(args, prefill)}
    return {
        "model": args.model,
        "servedName": args.served_name,
        "engine": args.engine.name,
        "image": args.image,
        "modelCommand": args.model_command,
        "replicas": args.decode.replicas,
        "gpus": args.gpus,
        "tensorParallelism": args.decode.tensor_parallelism,
        **_summarize_copies(args.decode),
        **({"adapters": list(args.adapter_names)} if args.adapters else {}),
        "weightsBytes": args.weights.size_bytes,
        "deployment": ModelNames(model=args.model).server,
        "namespace": args.namespace,
        **roles,
    }


def _summarize_copies(role: RoleArgs) -> dict[str, object]:
    """Absent where each pod is one copy of the model."""
    if role.copies == 1:
        return {}
    return {"dataParallelism": role.copies, "podsPerReplica": role.pods_per_replica}


def _summarize_role(args: ModelServiceArgs, role: RoleArgs) -> dict[str, object]:
    return {
        "replicas": role.replicas,
        "tensorParallelism": role.tensor_parallelism,
        **_summarize_copies(role),
        "deployment": ModelNames(model=args.model).server_of(role.label),
    }
