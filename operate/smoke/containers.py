"""What a kubelet does for a picker or a gateway before it starts: mounted files, and the rights of its account."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import Lab
from operate.errors import OperateError
from operate.verify.cluster import Cluster
from operate.verify.objects import is_ready

__all__ = [
    "account_kubeconfig",
    "allow_to_watch",
    "environment_of",
    "mounted_files",
    "only_container",
    "pods_of",
    "target_port",
]

_WATCHED_GROUP = "inference.networking.x-k8s.io"


def pods_of(cluster: Cluster, deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ready pods that a Deployment selects, by name."""
    namespace = deployment["metadata"]["namespace"]
    found = cluster.items(f"/api/v1/namespaces/{namespace}/pods", deployment["spec"]["selector"]["matchLabels"])
    return sorted(filter(is_ready, found), key=lambda pod: str(pod["metadata"]["name"]))


def only_container(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The container of a pod (or pod template) that has one."""
    (container,) = pod["spec"]["containers"]
    return dict(container)


def mounted_files(cluster: Cluster, pod: Mapping[str, Any]) -> dict[str, str]:
    """Content of the ConfigMaps that the container mounts, by path in it."""
    namespace = pod["metadata"]["namespace"]
    sources = {volume["name"]: volume.get("configMap", {}).get("name") for volume in pod["spec"].get("volumes", [])}
    files: dict[str, str] = {}
    for mount in only_container(pod).get("volumeMounts", []):
        if name := sources.get(mount["name"]):
            config_map = cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
            if config_map is None:
                raise OperateError(f"pod {pod['metadata']['name']} mounts ConfigMap {name}, and there is none")
            files |= {f"{mount['mountPath']}/{key}": text for key, text in config_map.get("data", {}).items()}
    return files


def environment_of(pod: Mapping[str, Any]) -> dict[str, str]:
    """The container's environment, with what it takes from the pod's own fields."""
    found = {}
    for item in only_container(pod).get("env", []):
        path = item.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        found[item["name"]] = str(_field(pod, path)) if path else item.get("value", "")
    return found


def _field(pod: Mapping[str, Any], path: str) -> object:
    value: Any = pod
    for key in path.split("."):
        value = value[key]
    return value


def target_port(pod: Mapping[str, Any], port: int | str) -> int:
    """The number of a container port that may be given by its name."""
    if isinstance(port, int):
        return port
    for container in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]):
        for item in container.get("ports", []):
            if item.get("name") == port:
                return int(item["containerPort"])
    raise OperateError(f"pod {pod['metadata']['name']} has no port named {port}")


def account_kubeconfig(cluster: Cluster, lab: Lab, pod: Mapping[str, Any], folder: Path) -> Path:
    """A kubeconfig with a token of the pod's own ServiceAccount: it may do what its rendered roles allow, no more."""
    namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = cluster.send("POST", path, request)["status"]["token"]
    document = json.loads((lab.root / "kubeconfig").read_text())
    document["users"] = [{"name": document["users"][0]["name"], "user": {"token": token}}]
    file = folder / f"{pod['metadata']['name']}.kubeconfig"
    file.write_text(json.dumps(document))
    return file


def allow_to_watch(cluster: Cluster, pod: Mapping[str, Any], resources: tuple[str, ...]) -> None:
    """Let a picker watch what the image in whose place it runs does not; once for all pods of its account."""
    namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    metadata = {"name": f"{account}-in-the-lab", "namespace": namespace}
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    if cluster.get(f"{base}/roles/{metadata['name']}") is not None:
        return
    rule = {"apiGroups": [_WATCHED_GROUP], "resources": list(resources), "verbs": ["get", "list", "watch"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    cluster.send("POST", f"{base}/roles", {"metadata": metadata, "rules": [rule]})
    cluster.send("POST", f"{base}/rolebindings", {"metadata": metadata, "roleRef": reference, "subjects": [subject]})
