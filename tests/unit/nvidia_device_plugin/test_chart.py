"""The device plugin beside NVIDIA's chart 0.20.0, fact by fact.

The tables say what the chart renders for the values in `components/nvidia_device_plugin/objects.py`, plus
`runtimeClassName: nvidia`, one pull secret and the release name `nvidia-device-plugin` in the namespace of that name.
They were typed by hand and compared once with a real rendering (Helm 3.15.4's engine, for each MIG strategy).

These tests cannot prove that a later chart renders the same: a new plugin image means reading its chart again.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from components.nvidia_device_plugin import NvidiaDevicePluginArgs, build
from settings.gpu_pools import MigStrategy, Sharing

IMAGE = "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"

_NODE_NAME = {"fieldRef": {"fieldPath": "spec.nodeName"}}
_CONFIG_MOUNTS = {"/available-configs": "available-configs", "/config": "config"}
_CONFIG_MANAGER = {
    "KUBECONFIG": "",
    "NODE_NAME": _NODE_NAME,
    "NODE_LABEL": "nvidia.com/device-plugin.config",
    "CONFIG_FILE_SRCDIR": "/available-configs",
    "CONFIG_FILE_DST": "/config/config.yaml",
    "DEFAULT_CONFIG": "default",
    "FALLBACK_STRATEGIES": "named,single",
}
_ONCE = {**_CONFIG_MANAGER, "ONESHOT": "true", "SEND_SIGNAL": "false", "SIGNAL": "", "PROCESS_TO_SIGNAL": ""}
_FOLLOWING = {**_CONFIG_MANAGER, "ONESHOT": "false", "SEND_SIGNAL": "true", "SIGNAL": "1"}
_GPU_ENV = {
    "MIG_STRATEGY": "none",
    "CONFIG_FILE": "/config/config.yaml",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
}
_RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_SYS_ADMIN = {"capabilities": {"add": ["SYS_ADMIN"]}}
_POD = {
    "updateStrategy": {"type": "RollingUpdate"},
    "selector": {
        "app.kubernetes.io/name": "nvidia-device-plugin",
        "app.kubernetes.io/instance": "nvidia-device-plugin",
    },
    "annotations": ["checksum/config"],
    "priorityClassName": "system-node-critical",
    "runtimeClassName": "nvidia",
    "imagePullSecrets": [{"name": "mirror"}],
    "serviceAccountName": "nvidia-device-plugin-service-account",
    "tolerations": [
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ],
    "affinity": [
        {"feature.node.kubernetes.io/pci-10de.present": "true"},
        {"feature.node.kubernetes.io/cpu-model.vendor_id": "NVIDIA"},
        {"nvidia.com/gpu.present": "true"},
    ],
}
_VOLUMES = {
    "mps-root": {"hostPath": {"path": "/run/nvidia/mps", "type": "DirectoryOrCreate"}},
    "mps-shm": {"hostPath": {"path": "/run/nvidia/mps/shm"}},
    "available-configs": {"configMap": {"name": "nvidia-device-plugin-configs"}},
    "config": {"emptyDir": {}},
}

CHART_PLUGIN: Mapping[str, Any] = {
    **_POD,
    "shareProcessNamespace": True,
    "init": {
        "nvidia-device-plugin-init": {"command": ["config-manager"], "env": _ONCE, "mounts": _CONFIG_MOUNTS},
    },
    "containers": {
        "nvidia-device-plugin-sidecar": {
            "command": ["config-manager"],
            "env": {**_FOLLOWING, "PROCESS_TO_SIGNAL": "nvidia-device-plugin"},
            "mounts": _CONFIG_MOUNTS,
            "securityContext": _RESTRICTED,
        },
        "nvidia-device-plugin-ctr": {
            "imagePullPolicy": "IfNotPresent",
            "command": ["nvidia-device-plugin"],
            "env": {
                **_GPU_ENV,
                "MPS_ROOT": "/run/nvidia/mps",
                "DEVICE_LIST_STRATEGY": "envvar",
                "GDRCOPY_ENABLED": "false",
                "GDS_ENABLED": "false",
                "MOFED_ENABLED": "false",
            },
            "mounts": {
                "/var/lib/kubelet/device-plugins": "kubelet-device-plugins-dir",
                "/dev/shm": "mps-shm",  # noqa: S108 - a mount path
                "/mps": "mps-root",
                "/var/run/cdi": "cdi-root",
                **_CONFIG_MOUNTS,
            },
            "securityContext": _RESTRICTED,
        },
    },
    "volumes": {
        **_VOLUMES,
        "kubelet-device-plugins-dir": {"hostPath": {"path": "/var/lib/kubelet/device-plugins", "type": "Directory"}},
        "cdi-root": {"hostPath": {"path": "/var/run/cdi", "type": "DirectoryOrCreate"}},
    },
}

CHART_MPS_DAEMON: Mapping[str, Any] = {
    **_POD,
    "hostPID": True,
    "nodeSelector": {"nvidia.com/mps.capable": "true"},
    "init": {
        "mps-control-daemon-mounts": {
            "command": ["mps-control-daemon", "mount-shm"],
            "mounts": {"/mps": "mps-root (Bidirectional)"},
            "securityContext": {"privileged": True},
        },
        "mps-control-daemon-init": {"command": ["config-manager"], "env": _ONCE, "mounts": _CONFIG_MOUNTS},
    },
    "containers": {
        "mps-control-daemon-sidecar": {
            "command": ["config-manager"],
            "env": {**_FOLLOWING, "PROCESS_TO_SIGNAL": "/usr/bin/mps-control-daemon"},
            "mounts": _CONFIG_MOUNTS,
        },
        "mps-control-daemon-ctr": {
            "imagePullPolicy": "IfNotPresent",
            "command": ["mps-control-daemon"],
            "env": {**_GPU_ENV, "NODE_NAME": _NODE_NAME},
            "mounts": {"/dev/shm": "mps-shm", "/mps": "mps-root", **_CONFIG_MOUNTS},  # noqa: S108 - a mount path
            "securityContext": {"privileged": True},
        },
    },
    "volumes": _VOLUMES,
}

# (chart, ours) by path; `None` where a side has nothing. Why each differs stands in objects.py.
_AFFINITY = (_POD["affinity"], [{"pool": "a100"}, {"pool": "l4"}])
_TOLERATIONS = (_POD["tolerations"], [{"key": key, "operator": "Exists"} for key in ("CriticalAddonsOnly", "gpu")])
PLUGIN_DIFFERENCES: Mapping[str, Any] = {"affinity": _AFFINITY, "tolerations": _TOLERATIONS}
MPS_DAEMON_DIFFERENCES: Mapping[str, Any] = {
    "affinity": _AFFINITY,
    "tolerations": _TOLERATIONS,
    "nodeSelector.nvidia.com/mps.capable": ("true", None),
    "selector.app.kubernetes.io/name": ("nvidia-device-plugin", "nvidia-device-plugin-mps-control-daemon"),
}


def facts(daemon_set: Mapping[str, Any]) -> dict[str, Any]:
    """A DaemonSet in the shape of the tables, its image apart; lists whose order has no meaning become maps."""
    spec = daemon_set["spec"]
    pod = dict(spec["template"]["spec"])
    affinity = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    pod["affinity"] = [_labels(term["matchExpressions"]) for term in affinity]
    pod["init"] = _containers(pod.pop("initContainers"))
    pod["containers"] = _containers(pod["containers"])
    pod["volumes"] = {
        volume["name"]: {key: value for key, value in volume.items() if key != "name"} for volume in pod["volumes"]
    }
    if pod.get("securityContext") == {}:
        del pod["securityContext"]
    return {
        **pod,
        "updateStrategy": spec["updateStrategy"],
        "selector": spec["selector"]["matchLabels"],
        "annotations": sorted(spec["template"]["metadata"]["annotations"]),
    }


def _labels(expressions: list[dict[str, Any]]) -> dict[str, str]:
    assert {expression["operator"] for expression in expressions} == {"In"}
    return {expression["key"]: value for expression in expressions for value in expression["values"]}


def _containers(containers: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for container in containers:
        rest = {key: value for key, value in container.items() if key not in ("name", "image", "env", "volumeMounts")}
        env = {
            item["name"]: item["value"] if "value" in item else item["valueFrom"] for item in container.get("env", ())
        }
        for value in env.values():
            if isinstance(value, dict):
                # The API's own default, which the chart writes out in one of several places.
                value["fieldRef"].pop("apiVersion", None)
        mounts = {item["mountPath"]: _mount(item) for item in container["volumeMounts"]}
        found[container["name"]] = {**rest, **({"env": env} if env else {}), "mounts": mounts}

        assert container["image"] == IMAGE
    return found


def _mount(item: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in item.items() if key not in ("name", "mountPath")}

    assert set(rest) <= {"mountPropagation"}
    return " ".join([item["name"], *(f"({value})" for value in rest.values())])


def differences(chart: object, ours: object, path: str = "") -> dict[str, tuple[object, object]]:
    """What differs, by path, as (chart, ours)."""
    if isinstance(chart, Mapping | None) and isinstance(ours, Mapping | None) and (chart or ours):
        chart, ours = chart or {}, ours or {}
        return {
            found: pair
            for key in sorted({*chart, *ours})
            for found, pair in differences(chart.get(key), ours.get(key), f"{path}.{key}".lstrip(".")).items()
        }
    return {} if chart == ours else {path: (chart, ours)}


def _build(sharing: Sharing, mig: MigStrategy) -> dict[str, dict[str, Any]]:
    return build(
        NvidiaDevicePluginArgs(
            namespace="nvidia-device-plugin",
            image=IMAGE,
            sharing=sharing,
            replicas=1 if sharing is Sharing.NONE else 2,
            mig_strategy=mig,
            runtime_class="nvidia",
            pool_selectors=({"pool": "a100"}, {"pool": "l4"}),
            taint_keys=("gpu",),
            pull_secrets=("mirror",),
        )
    )


@pytest.mark.parametrize("sharing", Sharing)
def test_the_plugin_is_the_charts_but_for_where_it_runs(sharing: Sharing) -> None:
    """The plugin's DaemonSet differs from the chart's in affinity and tolerations and in nothing else."""
    ours = facts(_build(sharing, MigStrategy.NONE)[""])

    assert differences(CHART_PLUGIN, ours) == PLUGIN_DIFFERENCES
    assert list(ours["init"]) == list(CHART_PLUGIN["init"])


@pytest.mark.parametrize("mig", [MigStrategy.SINGLE, MigStrategy.MIXED])
def test_mig_changes_what_it_changes_in_the_chart(mig: MigStrategy) -> None:
    """With MIG the chart gives plugin and sidecar SYS_ADMIN, and the plugin its strategy and the monitor devices."""
    none, ours = (facts(_build(Sharing.NONE, strategy)[""]) for strategy in (MigStrategy.NONE, mig))
    plugin, sidecar = (f"containers.nvidia-device-plugin-{name}" for name in ("ctr", "sidecar"))
    security = {
        "allowPrivilegeEscalation": (False, None),
        "capabilities.add": (None, ["SYS_ADMIN"]),
        "capabilities.drop": (["ALL"], None),
    }

    assert differences(none, ours) == {
        f"{plugin}.env.MIG_STRATEGY": ("none", str(mig)),
        f"{plugin}.env.NVIDIA_MIG_MONITOR_DEVICES": (None, "all"),
        **{f"{item}.securityContext.{key}": pair for item in (plugin, sidecar) for key, pair in security.items()},
    }
    assert ours["containers"]["nvidia-device-plugin-ctr"]["securityContext"] == _SYS_ADMIN


def test_the_mps_daemon_is_the_charts_but_for_where_it_runs_and_its_selector() -> None:
    """The control daemon's DaemonSet differs from the chart's in placement and selector and in nothing else."""
    ours = facts(_build(Sharing.MPS, MigStrategy.NONE)["mps"])

    assert differences(CHART_MPS_DAEMON, ours) == MPS_DAEMON_DIFFERENCES
    assert list(ours["init"]) == list(CHART_MPS_DAEMON["init"])


def test_account_and_rights_are_the_charts() -> None:
    """Names, rules and subjects of the service account's rights are those of the chart."""
    objects = _build(Sharing.NONE, MigStrategy.NONE)
    names = {manifest["kind"]: manifest["metadata"]["name"] for manifest in objects.values()}
    group = "rbac.authorization.k8s.io"

    assert names == {
        "ConfigMap": "nvidia-device-plugin-configs",
        "DaemonSet": "nvidia-device-plugin",
        "ServiceAccount": "nvidia-device-plugin-service-account",
        "ClusterRole": "nvidia-device-plugin-role",
        "ClusterRoleBinding": "nvidia-device-plugin-role-binding",
        # The chart makes neither: Helm's --create-namespace and a manual step of its README do.
        "Namespace": "nvidia-device-plugin",
        "RuntimeClass": "nvidia",
    }
    assert objects["role"]["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}]
    assert objects["binding"]["roleRef"] == {"apiGroup": group, "kind": "ClusterRole", "name": names["ClusterRole"]}
    assert objects["binding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": names["ServiceAccount"], "namespace": "nvidia-device-plugin"}
    ]


def test_differences_are_found_on_either_side() -> None:
    """A key that only one side has is a difference, however deep; equal values are none."""
    assert differences({"a": {"b": 1, "c": 2}, "e": []}, {"a": {"b": 1}, "d": {"x": 3}, "e": []}) == {
        "a.c": (2, None),
        "d.x": (None, 3),
    }
