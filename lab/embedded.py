"""One lab: tools, control plane, nodes and the Pulumi engine's surroundings, as a whole.

Owns the order in which they come up and go down, and the lab's root folder.
"""

import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import engine
from lab.api import Api
from lab.aws.emulator import AwsEmulator
from lab.build import build_all
from lab.components import COMPONENTS
from lab.control_plane import AddressChanged, ControlPlane
from lab.engine import Toolchain
from lab.errors import LabError
from lab.locks import file_lock
from lab.nodes import SimulatedPool, apply_nodes, cpu_pool, node_manifests
from lab.progress import Reporter
from lab.tools import CONTROL_PLANE
from lab.volumes import SimulatedClass, apply_classes

__all__ = ["ComponentStatus", "Lab", "LabStatus"]

_PROBE = "/api/v1/namespaces/kube-system/pods"
_LOCK = "lab.lock"
_MARK = "lab.json"


@dataclass(frozen=True)
class ComponentStatus:
    """One line of the status table."""

    name: str
    address: str
    pid: int | None
    ready_seconds: float | None


@dataclass(frozen=True)
class LabStatus:
    """What runs of a lab."""

    root: Path
    components: tuple[ComponentStatus, ...]
    ready: bool
    """Every component runs and the API server says that it is ready."""
    nodes: int


class Lab:
    """A Kubernetes control plane with simulated nodes, and a Pulumi engine that speaks to it.

    Args:
        root: The lab's folder. All it writes is below, and `down` removes it.
        toolchain: Whose Pulumi engine is used; by default what LAB_TOOLCHAIN asks for.
        own_kubectl: Use the lab's kubectl even where PATH has one.
        dials_pods: Let the API server's proxy reach pods. Only in a network
            namespace that has nothing but `lo`: elsewhere a pod's address is
            somebody else's.
    """

    def __init__(
        self,
        root: Path,
        *,
        toolchain: Toolchain | None = None,
        own_kubectl: bool = False,
        dials_pods: bool = False,
    ) -> None:
        self.root = root.absolute()
        self._dials_pods = dials_pods
        self._toolchain = toolchain
        self._own_kubectl = own_kubectl

    @property
    def toolchain(self) -> Toolchain:
        """Whose Pulumi engine is used."""
        return self._toolchain or Toolchain.from_environment()

    def api(self) -> Api:
        """A client of the API server, with the administrator's rights."""
        return ControlPlane(self.root).api()

    def build(self, reporter: Reporter | None = None) -> None:
        """Build the tools that are missing."""
        needed = engine.tools_needed(self.toolchain, own_kubectl=self._own_kubectl)
        build_all([*CONTROL_PLANE, *needed], reporter or Reporter())

    def up(
        self,
        pools: Sequence[SimulatedPool],
        cpu_nodes: int = 2,
        on_progress: Callable[[str], None] = lambda _: None,
        reporter: Reporter | None = None,
        classes: Sequence[SimulatedClass] = (),
        *,
        aws: bool = False,
    ) -> float:
        """Bring the lab up, or heal it, with exactly these nodes and storage classes; the seconds after the builds.

        With `aws`, an emulated AWS too, whose clusters are this one. Nodes are then the emulated node groups' to make.
        """
        if aws and self.toolchain is not Toolchain.BUILT:
            # The official engine would take the real plug-in, and with it the account of whoever is logged in.
            raise LabError("the lab's AWS needs the lab's own engine; unset LAB_TOOLCHAIN")
        self._check_root()
        self._check_network()
        self.build(reporter)
        with self._locked(on_progress):
            started = time.monotonic()
            control_plane = ControlPlane(self.root, on_progress, self._dials_pods)
            nodes = node_manifests([*pools, cpu_pool(cpu_nodes)])
            while not _bring_up(control_plane, nodes, classes):
                pass
            engine.prepare(self.root, self.toolchain)
            if aws:
                AwsEmulator(self.root).start(on_progress)
            return time.monotonic() - started

    def down(self, on_progress: Callable[[str], None] = lambda _: None) -> bool:
        """Stop everything and remove the lab's folder; False where there was no lab."""
        if not self.root.exists():
            return False
        self._check_root()
        with self._locked(on_progress):
            # No grace: the data that a clean end would save are removed next.
            ControlPlane(self.root, on_progress).stop(grace_seconds=0)
            AwsEmulator(self.root).stop()
            # The mark last: an interrupted removal is still known as a lab's.
            for entry in sorted(self.root.iterdir(), key=lambda path: path.name in (_MARK, _LOCK)):
                _remove(entry)
            self.root.rmdir()
        return True

    def status(self) -> LabStatus:
        """What runs."""
        control_plane = ControlPlane(self.root)
        pids, seconds = control_plane.pids(), control_plane.ready_seconds()
        components = tuple(
            ComponentStatus(name, component.address(control_plane.site), pids[name], seconds.get(name))
            for name, component in COMPONENTS.items()
        )
        ready, nodes = False, 0
        if all(pids.values()):
            with control_plane.api() as api:
                ready = api.answers("/readyz")
                nodes = len((api.get("/api/v1/nodes") or {"items": []})["items"])
        return LabStatus(self.root, components, ready, nodes)

    def environment(self) -> dict[str, str]:
        """The variables that make `pulumi` and `kubectl` speak to this lab, to be set over the existing ones."""
        return engine.environment(self.root, self.toolchain, own_kubectl=self._own_kubectl)

    def logs(self, component: str) -> Path:
        """The log file of a component."""
        if component not in COMPONENTS:
            raise LabError(f"{component!r} is no component of the lab; there are {', '.join(COMPONENTS)}")
        return ControlPlane(self.root).log_file(component)

    def _check_root(self) -> None:
        """`down` removes the root, so it must be a lab's and nobody's home folder."""
        if not self.root.exists() or (self.root / _MARK).exists():
            return
        if any(entry.name not in (_LOCK, "run", "logs", "certificates") for entry in self.root.iterdir()):
            raise LabError(f"{self.root} is not empty and not a lab's folder; set LAB_HOME to another one")

    def _check_network(self) -> None:
        """Pods are dialled only where no packet can leave."""
        interfaces = [name for _, name in socket.if_nameindex()]
        if self._dials_pods and interfaces != ["lo"]:
            raise LabError(f"pods are dialled only where lo is the one interface; here are {', '.join(interfaces)}")

    @contextmanager
    def _locked(self, on_progress: Callable[[str], None]) -> Iterator[None]:
        def wait() -> None:
            on_progress(f"waiting: another command is changing the lab in {self.root}")

        with file_lock(self.root / _LOCK, wait):
            yield


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


def _bring_up(
    control_plane: ControlPlane, nodes: Sequence[Mapping[str, Any]], classes: Sequence[SimulatedClass]
) -> bool:
    """From nothing to a cluster that runs pods; False where the server had to move, and all starts over."""
    try:
        control_plane.start()
        with control_plane.api() as api:
            _make_ready(control_plane, api, nodes)
            apply_classes(api, classes)
    except AddressChanged:
        return False
    return True


def _make_ready(control_plane: ControlPlane, api: Api, nodes: Sequence[Mapping[str, Any]]) -> None:
    control_plane.wait_for(lambda: api.answers("/livez/ping"), "etcd")
    control_plane.wait_for(
        lambda: all(api.get(f"/api/v1/namespaces/{name}") for name in ("kube-node-lease", "kube-system"))
    )
    control_plane.start_kwok(api)
    apply_nodes(api, nodes)
    control_plane.wait_for(lambda: api.answers("/readyz"), "kube-apiserver")
    control_plane.wait_for(lambda: _all_ready(api, len(nodes)))
    for namespace in ("kube-system", "default"):
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        control_plane.wait_for(lambda path=path: api.get(path) is not None, "kube-controller-manager")  # type: ignore[misc]
    if nodes:
        _prove_a_pod(control_plane, api)


def _condition(item: dict[str, object], kind: str) -> bool:
    status = item.get("status")
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)


def _all_ready(api: Api, count: int) -> bool:
    items = (api.get("/api/v1/nodes") or {"items": []})["items"]
    return len(items) >= count and all(_condition(item, "Ready") for item in items)


def _prove_a_pod(control_plane: ControlPlane, api: Api) -> None:
    """One pod through scheduler and kwok: the last proof that a deployment would come up."""
    name = "lab-probe"
    spec = {"containers": [{"name": "probe", "image": "none"}], "tolerations": [{"operator": "Exists"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    api.delete(f"{_PROBE}/{name}")  # an earlier `up` may have been interrupted
    control_plane.wait_for(lambda: api.create(_PROBE, pod))
    control_plane.wait_for(lambda: _condition(api.get(f"{_PROBE}/{name}") or {}, "PodScheduled"), "kube-scheduler")
    control_plane.wait_for(lambda: _condition(api.get(f"{_PROBE}/{name}") or {}, "Ready"), "kwok")
    api.delete(f"{_PROBE}/{name}")
