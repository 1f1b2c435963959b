"""From a manifest to a Pulumi resource.

Builders return manifests: plain dicts with `apiVersion`, `kind`, `metadata` and the rest, as Kubernetes writes them.
This module is the only one that turns them into resources, so goldens, policies and `pulumi up` judge the same data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.deadlines import GRACE_PERIOD
from components.keywords import keywords

__all__ = ["Manifest", "create", "create_all", "create_with_namespace", "name_of"]

Manifest = dict[str, Any]
"""A Kubernetes object as YAML has it."""

_TYPES: Mapping[tuple[str, str], Any] = {
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): kubernetes.apiextensions.v1.CustomResourceDefinition,
    ("apps/v1", "DaemonSet"): kubernetes.apps.v1.DaemonSet,
    ("apps/v1", "Deployment"): kubernetes.apps.v1.Deployment,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): kubernetes.autoscaling.v2.HorizontalPodAutoscaler,
    ("batch/v1", "Job"): kubernetes.batch.v1.Job,
    ("networking.k8s.io/v1", "NetworkPolicy"): kubernetes.networking.v1.NetworkPolicy,
    ("node.k8s.io/v1", "RuntimeClass"): kubernetes.node.v1.RuntimeClass,
    ("policy/v1", "PodDisruptionBudget"): kubernetes.policy.v1.PodDisruptionBudget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): kubernetes.rbac.v1.ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): kubernetes.rbac.v1.ClusterRoleBinding,
    ("rbac.authorization.k8s.io/v1", "Role"): kubernetes.rbac.v1.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): kubernetes.rbac.v1.RoleBinding,
    ("storage.k8s.io/v1", "StorageClass"): kubernetes.storage.v1.StorageClass,
    ("v1", "ConfigMap"): kubernetes.core.v1.ConfigMap,
    ("v1", "Namespace"): kubernetes.core.v1.Namespace,
    ("v1", "PersistentVolumeClaim"): kubernetes.core.v1.PersistentVolumeClaim,
    ("v1", "Secret"): kubernetes.core.v1.Secret,
    ("v1", "Service"): kubernetes.core.v1.Service,
    ("v1", "ServiceAccount"): kubernetes.core.v1.ServiceAccount,
}

# The object is the stack's: what somebody else changed in the fields that the stack states is set back by the next
# `up` instead of failing it with a field conflict. Fields that the stack does not state stay whoever's they are.
_OWNED = {"pulumi.com/patchForce": "true"}

# Kinds whose deletion takes its time, because others hang on them: pods, the objects of a namespace or of a CRD.
_DELETED_SLOWLY = frozenset(
    {
        "CustomResourceDefinition",
        "DaemonSet",
        "Deployment",
        "EC2NodeClass",
        "Job",
        "LeaderWorkerSet",
        "Namespace",
        "NodePool",
    }
)

# The provider deletes in the foreground, looks whether the object is still there, and only then begins to watch for
# its end. Where that comes in between, it waits for an event that has been, until the timeout: ten minutes by default
# (seen with provider 4.18 about once in five destroys of twenty objects). Objects that nothing hangs on are gone at
# once in the background; for the others the timeout bounds what a missed event costs: its last act is another look.
_AT_ONCE = {"pulumi.com/deletionPropagationPolicy": "background"}
_DELETE_SECONDS = GRACE_PERIOD + 60

_WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "LeaderWorkerSet"})

# The provider waits until a Service has ready endpoints: a workload that waited for its Service would wait for itself.
_NOT_BEFORE_WORKLOADS = frozenset({"Service", "PodDisruptionBudget"})


def create(name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """One object as a resource: typed where the SDK has the type, a CustomResource otherwise.

    Args:
        name: Logical name, unique in the stack for the object's type.
        manifest: The object.
        opts: Must carry the parent, through which the provider is inherited.
    """
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    given = manifest["metadata"]
    annotations = {**given.get("annotations", {}), **_OWNED, **({} if kind in _DELETED_SLOWLY else _AT_ONCE)}
    metadata = {**given, "annotations": annotations}
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")} | {"metadata": metadata}
    typed = _TYPES.get((api_version, kind))
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=_timeouts(opts)))
    resource: pulumi.CustomResource
    if typed is not None:
        resource = typed(name, opts=opts, **keywords(rest))
    else:
        resource = kubernetes.apiextensions.CustomResource(name, api_version=api_version, kind=kind, opts=opts, **rest)
    return resource


def create_all(
    name: str,
    manifests: Mapping[str, Manifest],
    parent: pulumi.Resource,
    *,
    timeout_seconds: int | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> dict[str, pulumi.CustomResource]:
    """The objects of one component, workloads after the configuration, accounts and rights that they start with.

    Args:
        name: The component's name; a child is named `name` for the empty suffix, else `name-suffix`.
        manifests: Objects by suffix.
        parent: The component.
        timeout_seconds: How long workloads may take to become available; the provider's default is 600.
        depends_on: What everything here waits for.
    """
    first = pulumi.ResourceOptions(parent=parent, depends_on=[*depends_on])
    accounts = {
        suffix: create(_child(name, suffix), manifest, first)
        for suffix, manifest in manifests.items()
        if manifest["kind"] == "ServiceAccount"
    }
    # The cluster deletes a token whose account is not there yet.
    then = pulumi.ResourceOptions(parent=parent, depends_on=[*depends_on, *accounts.values()])
    before = accounts | {
        suffix: create(_child(name, suffix), manifest, then if manifest["kind"] == "Secret" else first)
        for suffix, manifest in manifests.items()
        if manifest["kind"] not in {*_WORKLOADS, "ServiceAccount"}
    }
    wait_for = [
        resource for suffix, resource in before.items() if manifests[suffix]["kind"] not in _NOT_BEFORE_WORKLOADS
    ]
    timeouts = None
    if timeout_seconds is not None:
        timeouts = pulumi.CustomTimeouts(create=f"{timeout_seconds}s", update=f"{timeout_seconds}s")
    opts = pulumi.ResourceOptions(parent=parent, depends_on=[*depends_on, *wait_for], custom_timeouts=timeouts)
    workloads = {
        suffix: create(_child(name, suffix), manifest, opts)
        for suffix, manifest in manifests.items()
        if manifest["kind"] in _WORKLOADS
    }
    return before | workloads


def create_with_namespace(
    name: str, manifests: Mapping[str, Manifest], parent: pulumi.Resource
) -> dict[str, pulumi.CustomResource]:
    """As `create_all`, the one of suffix `namespace` first, where there is one: the others are in it."""
    others = {suffix: manifest for suffix, manifest in manifests.items() if suffix != "namespace"}
    if len(others) == len(manifests):
        return create_all(name, others, parent)
    first = create(_child(name, "namespace"), manifests["namespace"], pulumi.ResourceOptions(parent=parent))
    return {"namespace": first} | create_all(name, others, parent, depends_on=[first])


def name_of(resource: pulumi.CustomResource) -> pulumi.Output[str]:
    """Name of an object, whether its kind is typed or not."""

    def read(metadata: Any) -> str:  # noqa: ANN401 - a mapping, or the SDK's class
        return str(metadata["name"] if isinstance(metadata, Mapping) else metadata.name)

    return pulumi.Output.from_input(resource.metadata).apply(read)  # type: ignore[attr-defined]


def _timeouts(opts: pulumi.ResourceOptions) -> pulumi.CustomTimeouts:
    """The caller's timeouts, with one for deletion where the caller has none."""
    given = opts.custom_timeouts or pulumi.CustomTimeouts()
    return pulumi.CustomTimeouts(create=given.create, update=given.update, delete=given.delete or f"{_DELETE_SECONDS}s")


def _child(name: str, suffix: str) -> str:
    return f"{name}-{suffix}" if suffix else name
