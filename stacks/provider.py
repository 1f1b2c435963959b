"""The Kubernetes provider of a stack: built here and nowhere else, handed to components as `providers`."""

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from settings.cluster import ClusterSettings
from settings.kubeconfig import read_kubeconfig

__all__ = ["build_provider"]

# client-go's default of 5 queries a second makes a stack of 50 models wait minutes for its own throttle.
_CLIENT = kubernetes.KubeClientSettingsArgs(qps=500, burst=1000, timeout=60)


def build_provider(cluster: ClusterSettings, root: Path) -> kubernetes.Provider:
    """The provider for the cluster of the settings.

    Args:
        cluster: Which cluster, or the directory for manifests.
        root: The project's folder; relative paths are relative to it.
    """
    opts = pulumi.ResourceOptions(version=cluster.provider_version)
    if cluster.existing is None:
        # An empty kubeconfig: rendering must neither need nor look at a cluster.
        return kubernetes.Provider("manifests", render_yaml_to_directory=cluster.manifests, kubeconfig="", opts=opts)
    kubeconfig = read_kubeconfig(cluster.existing, root)
    return kubernetes.Provider(
        "cluster",
        # By path: credentials stay out of the state, and a rotated token is no change.
        kubeconfig=str(kubeconfig.path),
        context=kubeconfig.context,
        # Without an identifier of its own any edit of the kubeconfig looks like another cluster, and everything would
        # be replaced (pulumi-kubernetes#2745).
        cluster_identifier=kubeconfig.cluster,
        # A ConfigMap keeps its name and is updated in place; pods roll by the checksum in their annotations. The
        # provider's default would delete it first, under running pods.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        enable_server_side_apply=True,
        kube_client_settings=_CLIENT,
        opts=opts,
    )
