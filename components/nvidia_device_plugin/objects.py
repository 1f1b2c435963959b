"""The objects of a NvidiaDevicePlugin; pure.

Reference for content: what NVIDIA's chart 0.20.0 renders for these values, which
tests/unit/nvidia_device_plugin/test_chart.py holds as a table:

- config.map with the one entry `default`, config.default `default`,
- migStrategy and deviceListStrategy given, not left to the configuration. The chart does not look into a ConfigMap that
  it mounts: where either value is unset it assumes the worst and adds SYS_ADMIN, so both must be said for the
  plugin to run without any capability,
- gdrcopyEnabled, gdsEnabled, mofedEnabled false, because releases flipped the default (k8s-device-plugin#1692).

What differs from it, on purpose:

- Affinity: one term per pool instead of "has an NVIDIA device" (node feature discovery, `nvidia.com/gpu.present`). The
  chart's terms also match pools with another advertiser, and two advertisers on a node oversubscribe it silently.
- Tolerations of the pools' taints have no effect, so that they tolerate all of them.
- The MPS control daemon exists only with MPS, has a selector of its own - the chart gives both DaemonSets the same one,
  and controllers that share a selector misjudge each other's pods (k8s-device-plugin#982) - and has no node selector on
  `nvidia.com/mps.capable`: only GPU feature discovery sets that label, and the pools' selectors already say where.
- Labels and the config's checksum are this program's, and it creates the namespace.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from components import pods
from components.node_agents import node_affinity, tolerations
from components.nvidia_device_plugin.args import NvidiaDevicePluginArgs
from components.yaml_text import yaml_text
from naming import common_labels
from settings.gpu_pools import MigStrategy, Sharing

__all__ = ["COMPONENT", "MPS_COMPONENT", "build", "config_document"]

COMPONENT = "nvidia-device-plugin"
MPS_COMPONENT = "nvidia-device-plugin-mps-control-daemon"

_ACCOUNT = f"{COMPONENT}-service-account"
_CONFIGS = f"{COMPONENT}-configs"
_ROLE = f"{COMPONENT}-role"
_ROLE_BINDING = f"{COMPONENT}-role-binding"

_CONFIG = "default"
_CONFIG_FILE = "/config/config.yaml"
_DEVICE_LIST_STRATEGY = "envvar"
_MPS_ROOT = "/run/nvidia/mps"
_PRIORITY_CLASS = "system-node-critical"
_PRIVILEGED: Mapping[str, Any] = {"privileged": True}
_RBAC = "rbac.authorization.k8s.io"
_SIGHUP = "1"


def build(args: NvidiaDevicePluginArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    objects = {
        "": _daemon_set(args, COMPONENT, _plugin_pod(args)),
        "account": _object("v1", "ServiceAccount", _ACCOUNT, args.namespace),
        "config": _object("v1", "ConfigMap", _CONFIGS, args.namespace, data=_config(args)),
        "role": _role(),
        "binding": _binding(args),
    }
    if args.creates_namespace:
        objects["namespace"] = _namespace(args)
    if args.sharing == Sharing.MPS:
        objects["mps"] = _daemon_set(args, MPS_COMPONENT, _mps_pod(args))
    if args.runtime_class is not None:
        objects["runtime-class"] = _object(
            "node.k8s.io/v1", "RuntimeClass", args.runtime_class, None, handler=args.runtime_class
        )
    return objects


def config_document(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    """The plugin's configuration, format v1."""
    document: dict[str, Any] = {
        "version": "v1",
        "flags": {
            "migStrategy": str(args.mig_strategy),
            # A node without a working driver shows as a failing pod, not as one that has no GPUs for no reason.
            "failOnInitError": True,
            "plugin": {
                "deviceIDStrategy": "uuid",
                "deviceListStrategy": _DEVICE_LIST_STRATEGY,
                "passDeviceSpecs": False,
            },
        },
    }
    shared = {"resources": [{"name": name, "replicas": args.replicas} for name in sorted(set(args.resources))]}
    if args.sharing == Sharing.TIME_SLICING:
        # Two shares are no more compute than one; a request for two is refused instead of pretending otherwise.
        document["sharing"] = {"timeSlicing": {**shared, "failRequestsGreaterThanOne": True}}
    if args.sharing == Sharing.MPS:
        document["sharing"] = {"mps": shared}
    return document


def _config(args: NvidiaDevicePluginArgs) -> dict[str, str]:
    return {_CONFIG: yaml_text(config_document(args))}


def _labels(component: str) -> Mapping[str, str]:
    return common_labels(component=component, instance=COMPONENT)


def _object(api_version: str, kind: str, name: str, namespace: str | None, **rest: object) -> dict[str, Any]:
    metadata = pods.metadata(name, namespace, _labels(COMPONENT))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _namespace(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    """The namespace, where Pod Security lets everything through.

    The plugin mounts the kubelet's socket directory from the host, which `baseline` already forbids; MIG needs
    SYS_ADMIN, and MPS privileged containers in the host's PID namespace.
    """
    namespace = _object("v1", "Namespace", args.namespace, None)
    namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
    return namespace


def _role() -> dict[str, Any]:
    """The config manager watches its node's label; Kubernetes cannot narrow a right to a pod's own node."""
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}]
    return _object(f"{_RBAC}/v1", "ClusterRole", _ROLE, None, rules=rules)


def _binding(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    return _object(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        _ROLE_BINDING,
        None,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": _ROLE},
        subjects=[{"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": args.namespace}],
    )


def _daemon_set(args: NvidiaDevicePluginArgs, component: str, pod: Mapping[str, Any]) -> dict[str, Any]:
    labels = _labels(component)
    selector = {key: labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": pods.metadata(component, args.namespace, labels),
        "spec": {
            "selector": {"matchLabels": selector},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {
                    "labels": dict(labels),
                    "annotations": {"checksum/config": pods.checksum(_config(args))},
                },
                "spec": {
                    "serviceAccountName": _ACCOUNT,
                    "priorityClassName": _PRIORITY_CLASS,
                    **({} if args.runtime_class is None else {"runtimeClassName": args.runtime_class}),
                    **pods.pull_secrets(args.pull_secrets),
                    "affinity": node_affinity(args.pool_selectors),
                    "tolerations": tolerations(args.taint_keys),
                    **pod,
                },
            },
        },
    }


def _plugin_pod(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    return {
        # The sidecar tells the plugin by a signal that the configuration has changed.
        "shareProcessNamespace": True,
        "initContainers": [_config_init(args, "nvidia-device-plugin-init")],
        "containers": [
            {
                **_config_sidecar(args, "nvidia-device-plugin-sidecar", process="nvidia-device-plugin"),
                "securityContext": _plugin_security(args),
            },
            {
                "name": "nvidia-device-plugin-ctr",
                "image": args.image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["nvidia-device-plugin"],
                "env": _env(
                    {
                        "MPS_ROOT": _MPS_ROOT,
                        "MIG_STRATEGY": str(args.mig_strategy),
                        "DEVICE_LIST_STRATEGY": _DEVICE_LIST_STRATEGY,
                        "GDRCOPY_ENABLED": "false",
                        "GDS_ENABLED": "false",
                        "MOFED_ENABLED": "false",
                        **_gpu_env(args),
                    }
                ),
                "securityContext": _plugin_security(args),
                "volumeMounts": [
                    _mount("kubelet-device-plugins-dir", "/var/lib/kubelet/device-plugins"),
                    _mount("mps-shm", "/dev/shm"),  # noqa: S108 - where MPS clients look for the daemon
                    _mount("mps-root", "/mps"),
                    _mount("cdi-root", "/var/run/cdi"),
                    *_config_mounts(),
                ],
            },
        ],
        "volumes": [
            _host_path("kubelet-device-plugins-dir", "/var/lib/kubelet/device-plugins", "Directory"),
            *_mps_volumes(),
            _host_path("cdi-root", "/var/run/cdi", "DirectoryOrCreate"),
            *_config_volumes(),
        ],
    }


def _plugin_security(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    """NVIDIA's runtime gives the MIG monitor device only to containers with SYS_ADMIN; the rest takes no capability."""
    if args.mig_strategy == MigStrategy.NONE:
        return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"capabilities": {"add": ["SYS_ADMIN"]}}


def _mps_pod(args: NvidiaDevicePluginArgs) -> dict[str, Any]:
    return {
        # An MPS server looks itself up in /proc by the PID that the driver knows, which is the host's.
        "hostPID": True,
        "initContainers": [
            {
                "name": "mps-control-daemon-mounts",
                "image": args.image,
                "command": ["mps-control-daemon", "mount-shm"],
                "securityContext": dict(_PRIVILEGED),
                "volumeMounts": [{**_mount("mps-root", "/mps"), "mountPropagation": "Bidirectional"}],
            },
            _config_init(args, "mps-control-daemon-init"),
        ],
        "containers": [
            _config_sidecar(args, "mps-control-daemon-sidecar", process="/usr/bin/mps-control-daemon"),
            {
                "name": "mps-control-daemon-ctr",
                "image": args.image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["mps-control-daemon"],
                "env": [_node_name(), *_env({"MIG_STRATEGY": str(args.mig_strategy), **_gpu_env(args)})],
                "securityContext": dict(_PRIVILEGED),
                "volumeMounts": [
                    _mount("mps-shm", "/dev/shm"),  # noqa: S108 - where MPS clients look for the daemon
                    _mount("mps-root", "/mps"),
                    *_config_mounts(),
                ],
            },
        ],
        "volumes": [*_mps_volumes(), *_config_volumes()],
    }


def _gpu_env(args: NvidiaDevicePluginArgs) -> dict[str, str]:
    """Where the configuration is, and what NVIDIA's runtime puts into the container."""
    monitor = {} if args.mig_strategy == MigStrategy.NONE else {"NVIDIA_MIG_MONITOR_DEVICES": "all"}
    return {
        "CONFIG_FILE": _CONFIG_FILE,
        **monitor,
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }


def _config_init(args: NvidiaDevicePluginArgs, name: str) -> dict[str, Any]:
    """Puts the node's configuration in its place before the plugin starts."""
    return _config_manager(
        args, name, {"ONESHOT": "true"}, {"SEND_SIGNAL": "false", "SIGNAL": "", "PROCESS_TO_SIGNAL": ""}
    )


def _config_sidecar(args: NvidiaDevicePluginArgs, name: str, *, process: str) -> dict[str, Any]:
    """Follows the node's label, and has `process` read its configuration again when that changes."""
    signal = {"SEND_SIGNAL": "true", "SIGNAL": _SIGHUP, "PROCESS_TO_SIGNAL": process}
    return _config_manager(args, name, {"ONESHOT": "false"}, signal)


def _config_manager(
    args: NvidiaDevicePluginArgs, name: str, mode: Mapping[str, str], signal: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": args.image,
        "command": ["config-manager"],
        "env": [
            *_env({**mode, "KUBECONFIG": ""}),
            _node_name(),
            *_env(
                {
                    "NODE_LABEL": "nvidia.com/device-plugin.config",
                    "CONFIG_FILE_SRCDIR": "/available-configs",
                    "CONFIG_FILE_DST": _CONFIG_FILE,
                    "DEFAULT_CONFIG": _CONFIG,
                    "FALLBACK_STRATEGIES": "named,single",
                    **signal,
                }
            ),
        ],
        "volumeMounts": _config_mounts(),
    }


def _config_mounts() -> list[dict[str, Any]]:
    return [_mount("available-configs", "/available-configs"), _mount("config", "/config")]


def _config_volumes() -> Iterable[dict[str, Any]]:
    return (
        {"name": "available-configs", "configMap": {"name": _CONFIGS}},
        {"name": "config", "emptyDir": {}},
    )


def _mps_volumes() -> Iterable[dict[str, Any]]:
    return (
        _host_path("mps-root", _MPS_ROOT, "DirectoryOrCreate"),
        # No type: the daemon's init container mounts it, and without MPS it need not exist.
        {"name": "mps-shm", "hostPath": {"path": f"{_MPS_ROOT}/shm"}},
    )


def _host_path(name: str, path: str, kind: str) -> dict[str, Any]:
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def _mount(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "mountPath": path}


def _env(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _node_name() -> dict[str, Any]:
    return {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
