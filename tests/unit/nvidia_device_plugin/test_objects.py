"""Objects of the device plugin: configuration, rights, where they run, and what is refused.

These tests hold manifests against exact values. They cannot prove that the plugin starts, finds a driver or advertises
a GPU: only a node with one can.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from components.nvidia_device_plugin import NvidiaDevicePluginArgs, build, summarize, validate_args
from settings.gpu_pools import MigStrategy, Sharing

IMAGE = "registry.example.com/nvidia/k8s-device-plugin:v0.20.0"
POOLS = (
    {"pool": "h100", "node.kubernetes.io/instance-type": "p5.48xlarge"},
    {"node.kubernetes.io/instance-type": "g6.xlarge"},
)
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SYS_ADMIN = {"capabilities": {"add": ["SYS_ADMIN"]}}

# Every combination that changes which objects or containers there are.
COMBINATIONS = [
    (sharing, mig, runtime_class)
    for sharing in Sharing
    for mig in MigStrategy
    for runtime_class in (None, "nvidia")
    if not (sharing is Sharing.MPS and mig is not MigStrategy.NONE)
]


def _args(**changes: Any) -> NvidiaDevicePluginArgs:  # noqa: ANN401 - any field of the args
    if changes.get("sharing", Sharing.NONE) is not Sharing.NONE:
        changes = {"replicas": 4, **changes}
    return NvidiaDevicePluginArgs(**{"namespace": "gpus", "image": IMAGE, "pool_selectors": POOLS, **changes})


def _config(args: NvidiaDevicePluginArgs) -> Any:  # noqa: ANN401 - a YAML document
    data = build(args)["config"]["data"]

    assert list(data) == ["default"]
    return yaml.safe_load(data["default"])


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod


def _containers(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    pod = _pod(manifest)
    containers = [*pod["initContainers"], *pod["containers"]]
    named = {container["name"]: container for container in containers}

    assert len(named) == len(containers)
    return named


def _daemon_sets(objects: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (manifest for manifest in objects.values() if manifest["kind"] == "DaemonSet")


def _flags(mig: str) -> dict[str, Any]:
    plugin = {"deviceIDStrategy": "uuid", "deviceListStrategy": "envvar", "passDeviceSpecs": False}
    return {"migStrategy": mig, "failOnInitError": True, "plugin": plugin}


def test_the_objects_of_the_default_are_exactly_these() -> None:
    """Without MPS and RuntimeClass there are six objects, named as NVIDIA's chart names them."""
    objects = build(_args())

    assert {suffix: (manifest["kind"], manifest["metadata"]["name"]) for suffix, manifest in objects.items()} == {
        "": ("DaemonSet", "nvidia-device-plugin"),
        "namespace": ("Namespace", "gpus"),
        "account": ("ServiceAccount", "nvidia-device-plugin-service-account"),
        "config": ("ConfigMap", "nvidia-device-plugin-configs"),
        "role": ("ClusterRole", "nvidia-device-plugin-role"),
        "binding": ("ClusterRoleBinding", "nvidia-device-plugin-role-binding"),
    }


def test_only_cluster_scoped_objects_have_no_namespace() -> None:
    """Every namespaced object is in the namespace of the args."""
    objects = build(_args(sharing=Sharing.MPS, runtime_class="nvidia"))

    assert {suffix: manifest["metadata"].get("namespace") for suffix, manifest in objects.items()} == {
        "": "gpus",
        "mps": "gpus",
        "account": "gpus",
        "config": "gpus",
        "namespace": None,
        "role": None,
        "binding": None,
        "runtime-class": None,
    }


def test_the_namespace_lets_privileged_pods_in() -> None:
    """Pod Security enforces `privileged`, for host paths are refused by every stricter level."""
    assert build(_args())["namespace"]["metadata"] == {
        "name": "gpus",
        "labels": {
            "app.kubernetes.io/name": "nvidia-device-plugin",
            "app.kubernetes.io/instance": "nvidia-device-plugin",
            "app.kubernetes.io/part-of": "llm-d",
            "app.kubernetes.io/managed-by": "pulumi",
            "pod-security.kubernetes.io/enforce": "privileged",
        },
    }


@pytest.mark.parametrize("mig", ["none", "single", "mixed"])
def test_without_sharing_the_config_has_flags_only(mig: str) -> None:
    """The document of sharing none says the MIG strategy and no sharing."""
    assert _config(_args(mig_strategy=MigStrategy(mig))) == {"version": "v1", "flags": _flags(mig)}


def test_time_slicing_refuses_requests_for_two_shares() -> None:
    """Time-slicing lists each resource once, sorted, and fails requests greater than one."""
    resources = ("nvidia.com/mig-1g.10gb", "nvidia.com/gpu", "nvidia.com/gpu")
    args = _args(sharing=Sharing.TIME_SLICING, resources=resources, mig_strategy=MigStrategy.MIXED)

    assert _config(args) == {
        "version": "v1",
        "flags": _flags("mixed"),
        "sharing": {
            "timeSlicing": {
                "failRequestsGreaterThanOne": True,
                "resources": [
                    {"name": "nvidia.com/gpu", "replicas": 4},
                    {"name": "nvidia.com/mig-1g.10gb", "replicas": 4},
                ],
            }
        },
    }


def test_mps_lists_its_resources() -> None:
    """The document of MPS has the replicated resources under `mps` and nothing under `timeSlicing`."""
    assert _config(_args(sharing=Sharing.MPS, replicas=2)) == {
        "version": "v1",
        "flags": _flags("none"),
        "sharing": {"mps": {"resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}},
    }


def test_pods_roll_when_the_config_changes() -> None:
    """The checksum is that of the config: another document is another annotation, the same is the same."""

    def checksums(args: NvidiaDevicePluginArgs) -> set[str]:
        return {
            daemon_set["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for daemon_set in _daemon_sets(build(args))
        }

    four = checksums(_args(sharing=Sharing.MPS, replicas=4))

    assert len(four) == 1
    assert four == checksums(_args(sharing=Sharing.MPS, replicas=4))
    assert four.isdisjoint(checksums(_args(sharing=Sharing.MPS, replicas=2)))


@pytest.mark.parametrize(("mig", "expected"), [("none", RESTRICTED), ("single", SYS_ADMIN), ("mixed", SYS_ADMIN)])
def test_the_plugin_has_sys_admin_with_mig_only(mig: str, expected: dict[str, Any]) -> None:
    """Plugin and sidecar drop every capability unless MIG needs SYS_ADMIN; the init container says nothing."""
    containers = _containers(build(_args(mig_strategy=MigStrategy(mig)))[""])

    assert {name: container.get("securityContext") for name, container in containers.items()} == {
        "nvidia-device-plugin-init": None,
        "nvidia-device-plugin-sidecar": expected,
        "nvidia-device-plugin-ctr": expected,
    }


@pytest.mark.parametrize(("mig", "monitored"), [("none", None), ("single", "all"), ("mixed", "all")])
def test_mig_monitor_devices_come_with_mig_only(mig: str, *, monitored: str | None) -> None:
    """NVIDIA's runtime panics at NVIDIA_MIG_MONITOR_DEVICES without SYS_ADMIN, so the two come and go together."""
    env = _containers(build(_args(mig_strategy=MigStrategy(mig)))[""])["nvidia-device-plugin-ctr"]["env"]
    values = {item["name"]: item["value"] for item in env}

    assert (values["MIG_STRATEGY"], values.get("NVIDIA_MIG_MONITOR_DEVICES")) == (mig, monitored)


@pytest.mark.parametrize("sharing", Sharing)
def test_pods_run_on_exactly_the_given_pools(sharing: Sharing) -> None:
    """There is one affinity term per pool, its labels sorted and all required, and no other condition."""
    for daemon_set in _daemon_sets(build(_args(sharing=sharing))):
        pod = _pod(daemon_set)

        assert pod["affinity"] == {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {
                                    "key": "node.kubernetes.io/instance-type",
                                    "operator": "In",
                                    "values": ["p5.48xlarge"],
                                },
                                {"key": "pool", "operator": "In", "values": ["h100"]},
                            ]
                        },
                        {
                            "matchExpressions": [
                                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6.xlarge"]}
                            ]
                        },
                    ]
                }
            }
        }
        assert "nodeSelector" not in pod


def test_taints_are_tolerated_whatever_their_value_and_effect() -> None:
    """Each key is tolerated once by Exists without an effect, after CriticalAddonsOnly."""
    args = _args(sharing=Sharing.MPS, taint_keys=("nvidia.com/gpu", "example.com/team", "nvidia.com/gpu"))
    tolerations = [_pod(daemon_set)["tolerations"] for daemon_set in _daemon_sets(build(args))]

    assert tolerations == 2 * [
        [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"key": "example.com/team", "operator": "Exists"},
            {"key": "nvidia.com/gpu", "operator": "Exists"},
        ]
    ]


def test_pools_without_taints_leave_one_toleration() -> None:
    """Without taint keys only CriticalAddonsOnly is tolerated."""
    assert _pod(build(_args(taint_keys=()))[""])["tolerations"] == [{"key": "CriticalAddonsOnly", "operator": "Exists"}]


@pytest.mark.parametrize(("sharing", "mig", "runtime_class"), COMBINATIONS)
def test_every_reference_resolves(sharing: Sharing, mig: MigStrategy, runtime_class: str | None) -> None:
    """Mounts name volumes and none is unused; ConfigMaps, accounts, roles and RuntimeClasses are among the objects."""
    objects = build(_args(sharing=sharing, mig_strategy=mig, runtime_class=runtime_class))
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in objects.values()}
    binding = objects["binding"]

    for daemon_set in _daemon_sets(objects):
        pod = _pod(daemon_set)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["name"] for item in _containers(daemon_set).values() for mount in item["volumeMounts"]}
        config_maps = {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume}

        assert len(volumes) == len(pod["volumes"])
        assert mounted == set(volumes)
        assert config_maps == {"nvidia-device-plugin-configs"}
        assert {("ConfigMap", name) for name in config_maps} <= names
        assert ("ServiceAccount", pod["serviceAccountName"]) in names
        assert runtime_class is None or ("RuntimeClass", pod["runtimeClassName"]) in names
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in names
    assert [(item["kind"], item["name"], item["namespace"]) for item in binding["subjects"]] == [
        ("ServiceAccount", "nvidia-device-plugin-service-account", "gpus")
    ]


@pytest.mark.parametrize(("sharing", "mig", "runtime_class"), COMBINATIONS)
def test_selectors_select_their_own_pods_and_no_others(
    sharing: Sharing, mig: MigStrategy, runtime_class: str | None
) -> None:
    """Each DaemonSet's selector matches its template's labels and not those of the other one."""
    daemon_sets = list(_daemon_sets(build(_args(sharing=sharing, mig_strategy=mig, runtime_class=runtime_class))))

    assert len(daemon_sets) == (2 if sharing is Sharing.MPS else 1)
    for selecting in daemon_sets:
        selector = selecting["spec"]["selector"]["matchLabels"].items()
        selected = [
            daemon_set["metadata"]["name"]
            for daemon_set in daemon_sets
            if selector <= daemon_set["spec"]["template"]["metadata"]["labels"].items()
        ]

        assert selected == [selecting["metadata"]["name"]]


@pytest.mark.parametrize(("sharing", "mig", "runtime_class"), COMBINATIONS)
def test_every_container_runs_the_given_image(sharing: Sharing, mig: MigStrategy, runtime_class: str | None) -> None:
    """The one image of the args is that of every container, so that a mirror applies to all of them."""
    objects = build(_args(sharing=sharing, mig_strategy=mig, runtime_class=runtime_class))
    images = [item["image"] for daemon_set in _daemon_sets(objects) for item in _containers(daemon_set).values()]

    assert images == [IMAGE] * (7 if sharing is Sharing.MPS else 3)


@pytest.mark.parametrize(("sharing", "mig", "runtime_class"), COMBINATIONS)
def test_manifests_are_plain_yaml(sharing: Sharing, mig: MigStrategy, runtime_class: str | None) -> None:
    """Manifests and summary hold plain data only, no part of them shared: YAML writes them without tags or anchors."""
    args = _args(sharing=sharing, mig_strategy=mig, runtime_class=runtime_class)
    objects = build(args)
    text = yaml.safe_dump(objects)

    assert yaml.safe_load(text) == objects
    assert "&id" not in text
    assert yaml.safe_load(yaml.safe_dump(summarize(args))) == summarize(args)


def test_a_runtime_class_is_created_and_used() -> None:
    """A named RuntimeClass has the handler of the same name, and every pod runs with it."""
    objects = build(_args(sharing=Sharing.MPS, runtime_class="nvidia"))
    runtime_class = objects["runtime-class"]

    assert (runtime_class["apiVersion"], runtime_class["kind"]) == ("node.k8s.io/v1", "RuntimeClass")
    assert (runtime_class["metadata"]["name"], runtime_class["handler"]) == ("nvidia", "nvidia")
    assert [_pod(daemon_set)["runtimeClassName"] for daemon_set in _daemon_sets(objects)] == ["nvidia", "nvidia"]


def test_no_runtime_class_is_created_unless_named() -> None:
    """Without a name there is no RuntimeClass, and pods run with containerd's default."""
    objects = build(_args(sharing=Sharing.MPS))

    assert "runtime-class" not in objects
    assert ["runtimeClassName" in _pod(daemon_set) for daemon_set in _daemon_sets(objects)] == [False, False]


def test_pull_secrets_reach_every_pod() -> None:
    """Pull secrets are on plugin and control daemon, and absent where there are none."""
    pods = [_pod(item) for item in _daemon_sets(build(_args(sharing=Sharing.MPS, pull_secrets=("one", "two"))))]

    assert [pod["imagePullSecrets"] for pod in pods] == 2 * [[{"name": "one"}, {"name": "two"}]]
    assert "imagePullSecrets" not in _pod(build(_args())[""])


@pytest.mark.parametrize("sharing", [Sharing.NONE, Sharing.TIME_SLICING])
def test_there_is_no_control_daemon_without_mps(sharing: Sharing) -> None:
    """A privileged pod in the host's PID namespace exists only where MPS needs it."""
    objects = build(_args(sharing=sharing))

    assert "mps" not in objects
    assert "hostPID" not in _pod(objects[""])


def test_the_mps_daemon_is_privileged_and_sees_the_hosts_processes() -> None:
    """The control daemon and its mount are privileged, in the host's PID namespace; the config manager is not."""
    daemon_set = build(_args(sharing=Sharing.MPS))["mps"]
    containers = _containers(daemon_set)

    assert daemon_set["metadata"]["name"] == "nvidia-device-plugin-mps-control-daemon"
    assert _pod(daemon_set)["hostPID"] is True
    assert "shareProcessNamespace" not in _pod(daemon_set)
    assert {name: item.get("securityContext") for name, item in containers.items()} == {
        "mps-control-daemon-mounts": {"privileged": True},
        "mps-control-daemon-init": None,
        "mps-control-daemon-sidecar": None,
        "mps-control-daemon-ctr": {"privileged": True},
    }
    assert containers["mps-control-daemon-mounts"]["volumeMounts"] == [
        {"name": "mps-root", "mountPath": "/mps", "mountPropagation": "Bidirectional"}
    ]


def test_plugin_and_mps_daemon_meet_on_the_same_host_paths() -> None:
    """Both mount the daemon's pipes at /mps and its shared memory at /dev/shm, from the same place on the host."""
    objects = build(_args(sharing=Sharing.MPS))
    found = []
    for suffix, container in (("", "nvidia-device-plugin-ctr"), ("mps", "mps-control-daemon-ctr")):
        paths = {item["name"]: item.get("hostPath", {}).get("path") for item in _pod(objects[suffix])["volumes"]}
        mounts = {item["mountPath"]: item["name"] for item in _containers(objects[suffix])[container]["volumeMounts"]}
        found.append({path: paths[mounts[path]] for path in ("/mps", "/dev/shm")})  # noqa: S108 - a mount path

    assert found == 2 * [{"/mps": "/run/nvidia/mps", "/dev/shm": "/run/nvidia/mps/shm"}]  # noqa: S108 - a mount path


@pytest.mark.parametrize(("sharing", "mig", "runtime_class"), COMBINATIONS)
def test_every_combination_that_is_tested_is_valid(
    sharing: Sharing, mig: MigStrategy, runtime_class: str | None
) -> None:
    """Args that these tests build objects from have no fault."""
    assert validate_args(_args(sharing=sharing, mig_strategy=mig, runtime_class=runtime_class)) == []
