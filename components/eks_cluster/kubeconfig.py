"""The kubeconfig of an EKS cluster: where it is and how to ask for a token, and no token; pure."""

import json

from components.eks_cluster.args import EksClusterSpec

__all__ = ["kubeconfig"]


def kubeconfig(spec: EksClusterSpec, *, arn: str, endpoint: str, authority: str) -> str:
    """A kubeconfig in JSON, which is YAML, as `aws eks update-kubeconfig` writes it: everything is named by the ARN.

    Args:
        spec: The cluster.
        arn: Its ARN.
        endpoint: URL of its API server.
        authority: Certificate of its authority, base64.
    """
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["--region", spec.region, "eks", "get-token", "--cluster-name", spec.name, "--output", "json"],
        "interactiveMode": "Never",
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": arn,
        "clusters": [{"name": arn, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
        "contexts": [{"name": arn, "context": {"cluster": arn, "user": arn}}],
        "users": [{"name": arn, "user": {"exec": command}}],
    }
    return json.dumps(document, sort_keys=True)
