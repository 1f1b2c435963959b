"""The providers of a stack: built here and nowhere else, handed to components as `providers`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from settings.cluster import ClusterReference, ClusterSettings
from settings.eks import EksSettings
from settings.kubeconfig import read_kubeconfig

__all__ = ["build_aws_provider", "build_eks_provider", "build_provider"]

# client-go's default of 5 queries a second makes a stack of 50 models wait minutes for its own throttle.
_CLIENT = kubernetes.KubeClientSettingsArgs(qps=500, burst=1000, timeout=60)


# A ConfigMap keeps its name and is updated in place; pods roll by the checksum in their annotations. The provider's
# default would delete it first, under running pods.
_MUTABLE: Mapping[str, Any] = {
    "enable_config_map_mutable": True,
    "enable_secret_mutable": True,
    "enable_server_side_apply": True,
    "kube_client_settings": _CLIENT,
}


def build_provider(cluster: ClusterSettings, root: Path) -> kubernetes.Provider:
    """The Kubernetes provider for the cluster of the settings, where that is there already.

    Args:
        cluster: Which cluster, or the directory for manifests.
        root: The project's folder; relative paths are relative to it.
    """
    opts = pulumi.ResourceOptions(version=cluster.provider_version)
    if cluster.manifests is not None:
        # An empty kubeconfig: rendering must neither need nor look at a cluster.
        return kubernetes.Provider("manifests", render_yaml_to_directory=cluster.manifests, kubeconfig="", opts=opts)
    if cluster.reference is not None:
        kubeconfig, identifier = _of_stack(cluster.reference)
        return build_eks_provider(kubeconfig, identifier, cluster.provider_version)
    assert cluster.there is not None  # noqa: S101 - a cluster that the stack makes has a provider of its own
    found = read_kubeconfig(cluster.there, root)
    return kubernetes.Provider(
        "cluster",
        # By path: credentials stay out of the state, and a rotated token is no change.
        kubeconfig=str(found.path),
        context=found.context,
        # Without an identifier of its own any edit of the kubeconfig looks like another cluster, and everything would
        # be replaced (pulumi-kubernetes#2745).
        cluster_identifier=found.cluster,
        **_MUTABLE,
        opts=opts,
    )


def build_eks_provider(
    kubeconfig: pulumi.Input[str],
    identifier: pulumi.Input[str],
    version: str | None,
    opts: pulumi.ResourceOptions | None = None,
) -> kubernetes.Provider:
    """The Kubernetes provider for a cluster that a stack of this program makes.

    Args:
        kubeconfig: Its content, without a secret: the token is asked for at each use.
        identifier: The cluster's ARN, which says that it is the same cluster whatever becomes of the kubeconfig.
        version: Version of the provider plugin.
        opts: The parent.
    """
    own = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=version))
    return kubernetes.Provider("cluster", kubeconfig=kubeconfig, cluster_identifier=identifier, **_MUTABLE, opts=own)


def _of_stack(reference: ClusterReference) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Kubeconfig and identifier, by the outputs of the stack that made the cluster."""
    cluster = pulumi.StackReference(reference.stack).require_output("cluster")
    return cluster.apply(lambda found: found["kubeconfig"]), cluster.apply(lambda found: found["identifier"])


def build_aws_provider(eks: EksSettings) -> aws.Provider:
    """The AWS provider of a stack's region; credentials come from the environment, never from the config."""
    return aws.Provider("aws", region=eks.region)
