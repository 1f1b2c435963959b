"""The objects of an EfaDevicePlugin; pure.

Reference for content: what AWS' chart aws-efa-k8s-device-plugin v0.5.30 renders with its own values (aws/eks-charts at
5239609), which tests/unit/efa_device_plugin/test_objects.py holds as a table. What differs from it, on purpose:

- Affinity: the pools' nodes instead of a list of instance types. The chart's list also names nodes without an EFA
  interface attached, where the plugin would advertise none, and nodes that have another advertiser.
- Tolerations of the pools' taints: the chart has none, so that it would run on no GPU node.
- Labels are this program's, and it creates the namespace; the chart's own advice is kube-system.
"""

from typing import Any

from components import pods
from components.efa_device_plugin.args import EfaDevicePluginArgs
from components.node_agents import node_affinity, tolerations
from naming import common_labels

__all__ = ["COMPONENT", "build"]

COMPONENT = "aws-efa-k8s-device-plugin"

_FOLDERS = {
    "device-plugin": "/var/lib/kubelet/device-plugins",
    "infiniband-volume": "/dev/infiniband/",
    # Of Trainium's and Inferentia's tools: the plugin looks for it on every node.
    "neuron-tools": "/opt/aws/neuron/",
}


def build(args: EfaDevicePluginArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    objects = {"": _daemon_set(args)}
    if args.creates_namespace:
        objects["namespace"] = _namespace(args)
    return objects


def _labels() -> dict[str, str]:
    return dict(common_labels(component=COMPONENT, instance=COMPONENT))


def _namespace(args: EfaDevicePluginArgs) -> dict[str, Any]:
    """The namespace, where Pod Security lets everything through: the plugin is privileged and on the host's network."""
    labels = {**_labels(), "pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": pods.metadata(args.namespace, None, labels)}


def _daemon_set(args: EfaDevicePluginArgs) -> dict[str, Any]:
    labels = _labels()
    selector = {key: labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": pods.metadata(COMPONENT, args.namespace, labels),
        "spec": {
            "selector": {"matchLabels": selector},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": _pod(args)},
        },
    }


def _pod(args: EfaDevicePluginArgs) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "priorityClassName": "system-node-critical",
        **pods.pull_secrets(args.pull_secrets),
        "affinity": node_affinity(args.pool_selectors),
        "tolerations": tolerations(args.taint_keys),
        # The interfaces are the host's, and so is the directory of their devices.
        "hostNetwork": True,
        "containers": [
            {
                "name": COMPONENT,
                "image": args.image,
                "securityContext": {
                    "allowPrivilegeEscalation": True,
                    "privileged": True,
                    "runAsNonRoot": False,
                    "runAsUser": 0,
                },
                "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
                "volumeMounts": [{"name": name, "mountPath": path} for name, path in _FOLDERS.items()],
            }
        ],
        "volumes": [
            {"name": name, "hostPath": {"path": path, **({"type": "DirectoryOrCreate"} if "neuron" in name else {})}}
            for name, path in _FOLDERS.items()
        ],
    }
