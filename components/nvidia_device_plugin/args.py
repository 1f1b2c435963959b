"""What a NvidiaDevicePlugin needs to know, and what it refuses; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from settings.gpu_pools import MigStrategy, Sharing

__all__ = ["GPU_RESOURCE", "NvidiaDevicePluginArgs", "validate_args"]

GPU_RESOURCE = "nvidia.com/gpu"
"""Extended resource of a whole GPU, and the usual key of the taint on GPU nodes."""

_RESOURCE_PREFIX = "nvidia.com/"

# This component creates its namespace and deletes it on destroy; with these neither may happen.
_CLUSTERS_OWN_NAMESPACES = ("kube-node-lease", "kube-public", "kube-system")


@dataclass(frozen=True, kw_only=True)
class NvidiaDevicePluginArgs:
    """The one advertiser of the GPUs of some pools."""

    namespace: str
    """Namespace to create; privileged pods live in it, so no model's."""
    image: str
    """Image of the plugin, mirror applied; plugin, config manager and MPS control daemon are in one."""
    pool_selectors: Sequence[Mapping[str, str]]
    """Node labels of each pool whose advertiser this plugin is: it runs on exactly those nodes."""
    sharing: Sharing = Sharing.NONE
    """How one GPU is handed to several pods."""
    replicas: int = 1
    """Pods per GPU; 1 without sharing."""
    mig_strategy: MigStrategy = MigStrategy.NONE
    """How MIG slices are advertised."""
    runtime_class: str | None = None
    """RuntimeClass to create, with the handler of the same name, and to run the plugin with; `None` where NVIDIA's
    runtime is containerd's default."""
    resources: Sequence[str] = (GPU_RESOURCE,)
    """Extended resources that sharing applies to."""
    taint_keys: Sequence[str] = (GPU_RESOURCE,)
    """Taints of the pools' nodes, tolerated whatever their value and effect."""
    creates_namespace: bool = True
    """Whether the namespace is this component's; otherwise it has to exist, with the pull secrets in it."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets, which have to exist in the namespace."""


def validate_args(args: NvidiaDevicePluginArgs) -> list[tuple[str, str]]:
    """Every fault as (path of the property, reason)."""
    return [*_namespace(args), *_pools(args), *_sharing(args)]


def _namespace(args: NvidiaDevicePluginArgs) -> Iterator[tuple[str, str]]:
    if args.namespace == "default":
        yield "namespace", "is default, which NVIDIA's chart refuses too; name a namespace of the plugin's own"
    elif args.namespace in _CLUSTERS_OWN_NAMESPACES:
        yield (
            "namespace",
            f"is {args.namespace}, the cluster's own, but this component creates and deletes its namespace",
        )


def _pools(args: NvidiaDevicePluginArgs) -> Iterator[tuple[str, str]]:
    if not args.pool_selectors:
        yield (
            "pool_selectors",
            "is empty, so the plugin would run nowhere; give the node labels of each pool, or leave the component out",
        )
    for index, selector in enumerate(args.pool_selectors):
        if not selector:
            # Kubernetes reads an empty term as one that matches nothing, so the pool would silently have no GPUs.
            yield f"pool_selectors[{index}]", "has no labels, so it selects no node; give the pool's node labels"


def _sharing(args: NvidiaDevicePluginArgs) -> Iterator[tuple[str, str]]:
    if args.sharing == Sharing.NONE:
        if args.replicas != 1:
            yield "replicas", f"is {args.replicas}, but must be 1 with sharing none; set sharing to time-slicing or mps"
        return
    if args.replicas < 2:  # noqa: PLR2004 - the plugin's own minimum: one pod per GPU is not sharing
        yield "replicas", f"is {args.replicas}, but must be 2 or more with sharing {args.sharing}; or set sharing none"
    if args.sharing == Sharing.MPS and args.mig_strategy != MigStrategy.NONE:
        yield (
            "mig_strategy",
            f"is {args.mig_strategy}, but must be none with sharing mps: MPS and MIG exclude each other",
        )
    if not args.resources:
        yield "resources", f"is empty, but sharing {args.sharing} needs a resource to share, such as {GPU_RESOURCE}"
    for index, resource in enumerate(args.resources):
        if not resource.startswith(_RESOURCE_PREFIX):
            # The plugin would put its prefix before the name and share a resource that does not exist.
            yield (
                f"resources[{index}]",
                f"is {resource}, but must begin with {_RESOURCE_PREFIX}, as {GPU_RESOURCE} does",
            )
