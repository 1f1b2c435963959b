"""A lab's life: healing and the end. Each test has a lab of its own, since it breaks it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from lab import Lab, SimulatedPool, Toolchain
from lab.components import COMPONENTS
from lab.control_plane import ControlPlane
from lab.embedded import LabStatus

_L4 = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1", "pods": "58"}


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab for one test, with one CPU node."""
    lab = Lab(tmp_path / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    lab.up([], cpu_nodes=1)
    yield lab
    lab.down()


def _pids(lab: Lab) -> dict[str, int | None]:
    return {item.name: item.pid for item in lab.status().components}


def _address(status: LabStatus) -> str:
    return next(item.address for item in status.components if item.name == "kube-apiserver")


def _kill(lab: Lab, *names: str) -> None:
    """As the kernel's memory killer would."""
    for name in names:
        pid = _pids(lab)[name]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)


def _create_config_map(lab: Lab) -> bool:
    with lab.api() as api:
        return api.create("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "kept"}})


def _has_config_map(lab: Lab) -> bool:
    with lab.api() as api:
        return api.get("/api/v1/namespaces/default/configmaps/kept") is not None


def test_a_killed_scheduler_is_healed_alone(own_lab: Lab) -> None:
    """Up starts the dead component and leaves the others as they are."""
    before = _pids(own_lab)
    _kill(own_lab, "kube-scheduler")
    assert _pids(own_lab)["kube-scheduler"] is None
    assert not own_lab.status().ready
    own_lab.up([], cpu_nodes=1)

    after = _pids(own_lab)
    assert own_lab.status().ready
    assert [name for name in before if before[name] != after[name]] == ["kube-scheduler"]


def test_two_ups_at_once_make_one_lab(tmp_path: Path) -> None:
    """The second waits for the first, says so, and finds nothing left to start."""
    said: list[str] = []
    labs = [Lab(tmp_path / "lab", toolchain=Toolchain.BUILT, own_kubectl=True) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda lab: lab.up([], cpu_nodes=1, on_progress=said.append), labs))

        assert said == [f"waiting: another command is changing the lab in {tmp_path / 'lab'}"]
        assert labs[0].status() == labs[1].status()
        assert labs[0].status().ready
    finally:
        labs[0].down()


def test_a_killed_kwok_takes_its_nodes_over_at_once(own_lab: Lab) -> None:
    """The lease of the dead one does not delay the new one: up proves a pod within seconds."""
    _kill(own_lab, "kwok")

    assert own_lab.up([], cpu_nodes=1) < 20  # a lease lasts 40 s


def test_a_killed_store_and_server_come_back_with_address_and_data(own_lab: Lab) -> None:
    """The kubeconfig of a shell that is open stays valid, and nothing in the cluster is lost."""
    address = _address(own_lab.status())
    assert _create_config_map(own_lab)
    _kill(own_lab, "etcd", "kube-apiserver")
    own_lab.up([], cpu_nodes=1)

    assert _address(own_lab.status()) == address
    assert own_lab.status().ready
    assert _has_config_map(own_lab)


def test_deleted_data_lead_to_an_empty_cluster_and_an_empty_state(own_lab: Lab) -> None:
    """A Pulumi state that describes a cluster which is gone goes with it, and the user is told."""
    assert _create_config_map(own_lab)
    (own_lab.root / "state" / "stack.json").write_text("{}")
    shutil.rmtree(own_lab.root / "etcd")
    said: list[str] = []
    own_lab.up([], cpu_nodes=1, on_progress=said.append)

    assert said == ["the cluster's data is gone: starting from an empty cluster, and an empty Pulumi state with it"]
    assert own_lab.status().ready
    assert not _has_config_map(own_lab)
    assert list((own_lab.root / "state").iterdir()) == []


def test_a_port_taken_by_a_stranger_moves_the_server(own_lab: Lab) -> None:
    """Whoever has taken the port while the server was down keeps it."""
    plane = ControlPlane(own_lab.root)
    taken = plane.site.port
    plane.stop()
    said: list[str] = []
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", taken))
        stranger.listen()
        own_lab.up([], cpu_nodes=1, on_progress=said.append)

        assert said == [f"port {taken} is taken by another program: the API server moves to another one"]
        assert own_lab.status().ready
        assert _address(own_lab.status()) != f"https://127.0.0.1:{taken}"


def test_nodes_follow_the_pools(own_lab: Lab) -> None:
    """Up with other pools adds and removes nodes, and keeps what is in both."""
    pool = SimulatedPool(name="l4", count=2, instance_type="g6.xlarge", capacity=_L4)
    own_lab.up([pool], cpu_nodes=0)

    with own_lab.api() as api:
        items = (api.get("/api/v1/nodes") or {})["items"]
    assert [item["metadata"]["name"] for item in items] == ["l4-0", "l4-1"]
    assert [item["status"]["allocatable"]["nvidia.com/gpu"] for item in items] == ["1", "1"]


def test_down_leaves_no_process_and_no_file(own_lab: Lab) -> None:
    """All that up made is gone, in either order of looking."""
    pids = list(_pids(own_lab).values())
    assert len(pids) == len(COMPONENTS)
    assert None not in pids
    assert own_lab.down()

    assert [pid for pid in pids if pid is not None and psutil.pid_exists(pid)] == []
    assert list(own_lab.root.parent.iterdir()) == []
    assert not own_lab.down()


def test_the_command_line_does_not_keep_its_callers_pipe_open(tmp_path: Path) -> None:
    """`python -m lab ... | cat` ends though the daemons live on, and a second process finds them."""
    root = tmp_path / "lab"
    script = (
        "import sys; from pathlib import Path; from lab import Lab, Toolchain;"
        "Lab(Path(sys.argv[1]), toolchain=Toolchain.BUILT, own_kubectl=True).up([], cpu_nodes=1)"
    )
    environment = {**os.environ, "LAB_HOME": str(root), "PYTHONPATH": str(Path.cwd())}

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    assert run("-c", script, str(root)).returncode == 0
    assert run("-m", "lab", "status").returncode == 0
    lines = run("-m", "lab", "env").stdout.splitlines()
    assert f"export KUBECONFIG={root}/kubeconfig" in lines
    assert "==> kube-apiserver" in run("-m", "lab", "logs").stdout
    assert run("-m", "lab", "down").returncode == 0
    assert not root.exists()
