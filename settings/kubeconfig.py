"""What a kubeconfig file says, without dialling: that it exists, which contexts it has, what its cluster is.

A plan never dials. `make up` and `make verify` do, and say within seconds that a cluster is out of reach.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings.cluster import ExistingCluster
from settings.yaml_files import YamlFileError, read_yaml

__all__ = ["SIMULATED_EXTENSION", "Kubeconfig", "KubeconfigError", "kubeconfig_path", "read_kubeconfig"]

SIMULATED_EXTENSION = "llm-d.ai/simulated"
"""Name of the cluster extension by which a kubeconfig tells that its cluster runs no pods, and why."""


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the text says why and `key` which setting to change."""

    def __init__(self, key: str, message: str, allowed: str | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.allowed = allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubeconfig:
    """One context of a kubeconfig file."""

    path: Path
    context: str
    cluster: str
    """Name of the context's cluster entry: for EKS its ARN, the same for every user of the cluster, where contexts are
    named as each user likes."""
    server: str
    """URL of the API server."""
    simulated: str | None
    """Why nothing on the cluster answers requests, where its kubeconfig says so."""


def kubeconfig_path(cluster: ExistingCluster, root: Path) -> Path:
    """The file that the settings name; a relative path is relative to the project's `root`."""
    named = cluster.kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    # Not Path.expanduser, which raises where there is no such user.
    return root / os.path.expanduser(named)  # noqa: PTH111


def read_kubeconfig(cluster: ExistingCluster, root: Path) -> Kubeconfig:
    """Read the context that the settings name.

    Raises:
        KubeconfigError: if the file or the context is missing.
    """
    path = kubeconfig_path(cluster, root)
    document = _parse(path)
    contexts = _by_name(document, "contexts", "context")
    name = cluster.context or str(document.get("current-context") or "")
    if name not in contexts:
        raise KubeconfigError("context", f"{path} has no context {name!r}", ", ".join(sorted(contexts)) or None)
    clusters = _by_name(document, "clusters", "cluster")
    target = clusters.get(str(contexts[name].get("cluster")), {})
    simulated = _by_name(target, "extensions", "extension").get(SIMULATED_EXTENSION)
    return Kubeconfig(
        path=path,
        context=name,
        cluster=str(contexts[name].get("cluster")),
        server=str(target.get("server", "")),
        simulated=None if simulated is None else str(simulated.get("reason", "the cluster is simulated")),
    )


def _by_name(document: dict[str, Any], key: str, content: str) -> dict[str, dict[str, Any]]:
    """A kubeconfig's list of named things; what is no such thing is left out."""
    items = document.get(key)
    named = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    contents = {str(item.get("name")): item.get(content) or {} for item in named}
    return {name: value for name, value in contents.items() if isinstance(value, dict)}


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = read_yaml(path)
    except FileNotFoundError:
        raise KubeconfigError("kubeconfig", f"{path} does not exist", "`make up` writes the lab's") from None
    except YamlFileError as error:
        raise KubeconfigError("kubeconfig", f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise KubeconfigError("kubeconfig", f"{path} is no kubeconfig file")
    return document
