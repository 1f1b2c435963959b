"""The shared lab runs what a cluster runs. Cannot prove what a kubelet, an image or a GPU would refuse."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, SimulatedPool
from lab.process import read_identity
from lab.tools import KUBERNETES_PROVIDER_VERSION
from tests.integration.conftest import CLASSES
from tests.support.processes import ends

Run = Callable[..., str]

_CONTAINER = {"name": "main", "image": "example.com/none:1"}


def _object(kubectl: Run, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(kubectl("get", *arguments, "-o", "json")))


def _pid(lab: Lab, component: str) -> int:
    identity = read_identity(lab.root / "run" / f"{component}.json")
    assert identity is not None
    return identity.pid


def _workload(kind: str, namespace: str, pod: dict[str, Any], **spec: object) -> str:
    labels = {"app": "subject"}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": "subject", "namespace": namespace},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
                **spec,
            },
        }
    )


def test_up_again_changes_nothing(lab: Lab, pools: tuple[SimulatedPool, ...]) -> None:
    """A second up starts no process and keeps the address."""
    before = lab.status()
    lab.up(pools, classes=CLASSES)

    assert lab.status() == before
    assert (before.ready, before.nodes) == (True, 5)
    assert [item.name for item in before.components] == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
        "provisioner",
    ]


def test_every_file_of_the_lab_is_its_owners_alone(lab: Lab) -> None:
    """No other user of the machine can read a token or the cluster's data."""
    pulumis_own = {"state", "pulumi"}  # written by pulumi with the user's umask, inside a closed folder
    ours = [path for path in lab.root.rglob("*") if path.relative_to(lab.root).parts[0] not in pulumis_own]

    assert lab.root.stat().st_mode & 0o777 == 0o700
    open_to_others = [path for path in ours if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_a_gpu_deployment_becomes_available_on_a_gpu_node(lab: Lab, kubectl: Run, namespace: str) -> None:
    """The scheduler finds the extended resource, and kwok makes the pods Ready."""
    limits = {"limits": {"nvidia.com/gpu": "8"}}
    pod = {
        "containers": [{**_CONTAINER, "resources": limits}],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    }
    kubectl("apply", "-f", "-", text=_workload("Deployment", namespace, pod, replicas=3))
    kubectl("wait", "-n", namespace, "deployment/subject", "--for=condition=Available", "--timeout=30s")

    pods = _object(kubectl, "pods", "-n", namespace)["items"]
    assert sorted(item["spec"]["nodeName"] for item in pods) == ["h100-0", "h100-1", "h100-2"]
    assert all(item["status"]["podIP"].startswith("198.18.") for item in pods)
    assert lab.status().ready


def test_a_gpu_pod_too_many_stays_pending(kubectl: Run, namespace: str) -> None:
    """Capacity is counted: no node holds nine GPUs."""
    pod = {
        "containers": [{**_CONTAINER, "resources": {"limits": {"nvidia.com/gpu": "9"}}}],
        "tolerations": [{"operator": "Exists"}],
    }
    # A bare pod: `kubectl wait` by label fails at once where a Deployment's controller has not made the pod yet.
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "subject"}, "spec": pod}
    kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(manifest))
    kubectl("wait", "-n", namespace, "pod/subject", "--for=condition=PodScheduled=False", "--timeout=30s")

    item = _object(kubectl, "pod", "subject", "-n", namespace)
    (condition,) = [c for c in item["status"]["conditions"] if c["type"] == "PodScheduled"]
    assert "Insufficient nvidia.com/gpu" in condition["message"]


def test_a_pod_with_a_sidecar_becomes_ready(kubectl: Run, namespace: str) -> None:
    """Ordinary init containers have ended and sidecars run, as a kubelet would report."""
    init = [{**_CONTAINER, "name": "init"}, {**_CONTAINER, "name": "sidecar", "restartPolicy": "Always"}]
    pod = {"initContainers": init, "containers": [_CONTAINER]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "subject"}, "spec": pod}
    kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(manifest))
    kubectl("wait", "-n", namespace, "pod/subject", "--for=condition=Ready", "--timeout=30s")

    status = _object(kubectl, "pod", "subject", "-n", namespace)["status"]
    states = [(item["name"], sorted(item["state"])) for item in status["initContainerStatuses"]]
    assert states == [("init", ["terminated"]), ("sidecar", ["running"])]
    assert [item["ready"] for item in status["containerStatuses"]] == [True]


def test_a_daemon_set_is_ready_on_every_node(kubectl: Run, namespace: str) -> None:
    """A DaemonSet that tolerates everything has a ready pod on each of the five nodes."""
    pod = {"containers": [_CONTAINER], "tolerations": [{"operator": "Exists"}]}
    kubectl("apply", "-f", "-", text=_workload("DaemonSet", namespace, pod))
    kubectl("rollout", "status", "-n", namespace, "daemonset/subject", "--timeout=30s")

    status = _object(kubectl, "daemonset", "subject", "-n", namespace)["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (5, 5)


def test_nothing_dials_a_pod(lab: Lab, kubectl: Run, namespace: str) -> None:
    """The API server's proxy to pods and kubelets ends at a socket that does not exist."""
    kubectl("run", "subject", "-n", namespace, "--image=none")
    kubectl("wait", "-n", namespace, "pod/subject", "--for=condition=Ready", "--timeout=30s")
    with lab.api() as api:
        pod = f"/api/v1/namespaces/{namespace}/pods/subject"
        responses = [api._client.get(f"{pod}/{path}") for path in ("proxy/", "log")]
    dialled = f"dial unix {lab.root}/nothing-answers.sock"
    assert [(response.is_server_error, dialled in response.text) for response in responses] == [(True, True)] * 2


_PROGRAM = f"""
import pulumi
import pulumi_kubernetes as kubernetes

provider = kubernetes.Provider("lab", opts=pulumi.ResourceOptions(version="{KUBERNETES_PROVIDER_VERSION}"))
config = kubernetes.core.v1.ConfigMap(
    "subject",
    metadata={{
        "name": "subject",
        "namespace": pulumi.Config().require("namespace"),
        # As components/objects.py does: this provider may miss the end of a deletion in the foreground.
        "annotations": {{"pulumi.com/deletionPropagationPolicy": "background"}},
    }},
    data={{"key": "value"}},
    opts=pulumi.ResourceOptions(provider=provider),
)
pulumi.export("name", config.metadata.name)
"""


@pytest.fixture
def pulumi(run: Run, tmp_path: Path, namespace: str) -> Run:
    """Run pulumi in a tiny project of one ConfigMap."""
    (tmp_path / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(_PROGRAM)

    def pulumi(*arguments: str, **options: Any) -> str:  # noqa: ANN401
        return run("pulumi", *arguments, "--non-interactive", folder=tmp_path, **options)

    pulumi("stack", "init", namespace)
    pulumi("config", "set", "namespace", namespace)
    return pulumi


def test_the_real_engine_runs_a_python_program(pulumi: Run, kubectl: Run, namespace: str) -> None:
    """Preview, up, no change and destroy go through engine, language host and provider without a warning."""
    preview = pulumi("preview")
    assert "+ 3 to create" in preview
    assert "warning" not in preview

    pulumi("up", "--yes", "--skip-preview")
    assert _object(kubectl, "configmap", "subject", "-n", namespace)["data"] == {"key": "value"}
    assert pulumi("stack", "output", "name").strip() == "subject"

    pulumi("preview", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")
    assert kubectl("get", "configmap", "subject", "-n", namespace, "--ignore-not-found") == ""


def test_a_failing_program_fails_the_preview_with_its_own_message(pulumi: Run, tmp_path: Path) -> None:
    """The exception's text reaches the user, and the language host adds nothing."""
    (tmp_path / "__main__.py").write_text("raise ValueError('no such engine')\n")
    output = pulumi("preview", check=False)

    assert "ValueError: no such engine" in output
    assert "language_host.py" not in output


@pytest.mark.usefixtures("pulumi")
def test_a_killed_engine_leaves_no_program_behind(lab: Lab, tmp_path: Path) -> None:
    """Where pulumi is killed, the language host ends the program and itself."""
    program = "import os, pathlib, time\npathlib.Path('pids').write_text(f'{os.getpid()} {os.getppid()}')\n"
    (tmp_path / "__main__.py").write_text(program + "time.sleep(100)\n")
    environment = {**os.environ, **lab.environment()}
    engine = subprocess.Popen(
        ["pulumi", "preview", "--non-interactive"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "pids").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.1)  # between the file's creation and its content
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    engine.kill()
    engine.wait()

    assert [ends(pid, deadline - time.monotonic()) for pid in pids] == [True, True]


def test_the_probe_leaves_no_pod(kubectl: Run) -> None:
    """The pod that proved the lab is gone."""
    deadline = time.monotonic() + 10
    while kubectl("get", "pods", "-n", "kube-system", "-o", "name") and time.monotonic() < deadline:
        time.sleep(0.2)

    assert kubectl("get", "pods", "-n", "kube-system", "-o", "name") == ""
