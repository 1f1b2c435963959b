"""One lab for all integration tests, shared among the workers of a run.

Always the lab's own toolchain and kubectl, in a temporary root: neither the
user's `.lab` nor what is on PATH takes part.
"""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import Lab, SimulatedClass, SimulatedPool, Toolchain
from lab.locks import file_lock

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = (
    SimulatedPool(
        name="h100",
        count=3,
        instance_type="p5.48xlarge",
        capacity={"cpu": "192", "ephemeral-storage": "1Ti", "memory": "2Ti", "nvidia.com/gpu": "8", "pods": "100"},
        labels={"nvidia.com/gpu.present": "true"},
        taints=(GPU_TAINT,),
    ),
)

CLASSES = (
    SimulatedClass(
        name="shared", access_modes=("ReadWriteMany", "ReadWriteOnce"), min_bytes=10 * 2**30, max_bytes=2**40
    ),
    SimulatedClass(name="zonal", access_modes=("ReadWriteOnce",), waits_for_consumer=True),
)

Run = Callable[..., str]


def make_lab(root: Path) -> Lab:
    """A lab as the tests use it."""
    return Lab(root, toolchain=Toolchain.BUILT, own_kubectl=True)


def _shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The same for every worker: theirs are subfolders of the run's."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def pools() -> tuple[SimulatedPool, ...]:
    """The simulated GPU pools of the shared lab."""
    return POOLS


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The shared lab: the first worker starts it, the last one removes it."""
    folder = _shared_folder(tmp_path_factory)
    users = folder / "lab-users"
    shared = make_lab(folder / "lab")
    me = f"{os.getpid()}\n"
    with file_lock(folder / "lab-users.lock"):
        users.write_text((users.read_text() if users.exists() else "") + me)
        shared.up(POOLS, classes=CLASSES)
    yield shared
    with file_lock(folder / "lab-users.lock"):
        users.write_text(users.read_text().replace(me, "", 1))
        if not users.read_text():
            shared.down()


def _run_in(lab: Lab, *command: str, folder: Path | None = None, check: bool = True, text: str = "") -> str:
    """Run a command in the lab's environment; its standard output."""
    environment = {**os.environ, **lab.environment()}
    result = subprocess.run(
        command, cwd=folder, env=environment, input=text, capture_output=True, text=True, timeout=120, check=False
    )
    if check and result.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.stdout


@pytest.fixture
def run(lab: Lab) -> Run:
    """Run a command in the shared lab's environment; keywords: folder, check, text (its standard input)."""
    return lambda *command, **options: _run_in(lab, *command, **options)


@pytest.fixture
def kubectl(run: Run) -> Run:
    """Run kubectl against the shared lab."""
    return lambda *arguments, **options: run("kubectl", *arguments, **options)


@pytest.fixture
def namespace(kubectl: Run) -> Iterator[str]:
    """A namespace for one test, removed after it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
