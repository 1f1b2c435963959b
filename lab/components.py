"""The command lines of the control plane's components.

Pure: from a lab's root and port to lists of arguments. File names are relative
to the root, which is every component's working directory: a Unix socket's path
may have about 100 characters, and a checkout's may be longer.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.build import tool_dir
from lab.paths import CHECKOUT

__all__ = ["COMPONENTS", "Component", "Site"]

# etcd has no authentication, so it listens on a socket file, which has an
# owner, and not on a port, which every user of the machine may open. The form
# host:port is etcd's wish; the file is called just that.
_ETCD_CLIENTS = "unix://etcd:2379"
_ETCD_PEERS = "unix://etcd:2380"

# Ranges set aside for benchmarks (RFC 2544) and documentation (RFC 5737): a
# simulated address must not be somebody's.
_POD_RANGE = "198.18.0.0/16"
_SERVICE_RANGE = "198.19.0.0/16"
_ADVERTISED_ADDRESS = "192.0.2.1"


@dataclass(frozen=True)
class Site:
    """What the command lines depend on."""

    root: Path
    port: int


@dataclass(frozen=True)
class Component:
    """One daemon."""

    name: str
    tool: str | None
    """What its binary, of the same name, is built with; None: a module of the lab's own, which the arguments name."""
    arguments: Callable[[Site], list[str]]
    address: Callable[[Site], str]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside the one that every daemon has."""

    def command(self, site: Site) -> list[str]:
        """The whole command line."""
        binary = sys.executable if self.tool is None else str(tool_dir(self.tool) / "bin" / self.name)
        return [binary, *self.arguments(site)]


def _etcd(_: Site) -> list[str]:
    return [
        "--name=lab",
        "--data-dir=etcd",
        # A lab's data is worth nothing after a power cut, and a sync per write is slow.
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD_CLIENTS}",
        f"--advertise-client-urls={_ETCD_CLIENTS}",
        f"--listen-peer-urls={_ETCD_PEERS}",
        f"--initial-advertise-peer-urls={_ETCD_PEERS}",
        f"--initial-cluster=lab={_ETCD_PEERS}",
        "--log-level=warn",
    ]


def _apiserver(site: Site) -> list[str]:
    return [
        f"--etcd-servers={_ETCD_CLIENTS}",
        "--bind-address=127.0.0.1",
        f"--secure-port={site.port}",
        "--cert-dir=certificates",
        "--token-auth-file=tokens.csv",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-signing-key-file=service-account.key",
        "--service-account-key-file=service-account.key",
        "--allow-privileged=true",
        # Without one, the server looks for a default route, which a machine without network has not.
        f"--advertise-address={_ADVERTISED_ADDRESS}",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={_SERVICE_RANGE}",
        "--egress-selector-config-file=egress.json",
        # The default from 1.35 on: weights may come as an image (`oci://` sources).
        "--feature-gates=ImageVolume=true",
        "--profiling=false",
    ]


def _controller_manager(site: Site) -> list[str]:
    return [
        "--kubeconfig=controllers.kubeconfig",
        "--service-account-private-key-file=service-account.key",
        "--root-ca-file=certificates/apiserver.crt",
        "--secure-port=0",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        # Its default is a system folder, which root would create on the host.
        f"--flex-volume-plugin-dir={site.root / 'flex-volumes'}",
        "--profiling=false",
    ]


def _scheduler(_: Site) -> list[str]:
    return [
        "--kubeconfig=scheduler.kubeconfig",
        "--secure-port=0",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]


def _kwok(_: Site) -> list[str]:
    stages = sorted((tool_dir("kwok") / "share").glob("*.yaml"))
    return [
        "--kubeconfig=kwok.kubeconfig",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--cidr={_POD_RANGE}",
        "--node-ip=127.0.0.1",
        # Leases are the heartbeat: without them nodes turn NotReady after 40 s.
        "--node-lease-duration-seconds=40",
        *(f"--config={stage}" for stage in stages),
    ]


def _provisioner(site: Site) -> list[str]:
    return ["-m", "lab.provisioner", str(site.root)]


def _to_apiserver(_: Site) -> str:
    return "-"


COMPONENTS = {
    component.name: component
    for component in (
        Component("etcd", "etcd", _etcd, lambda site: f"unix:{site.root / 'etcd:2379'}"),
        Component("kube-apiserver", "kubernetes", _apiserver, lambda site: f"https://127.0.0.1:{site.port}"),
        Component("kube-controller-manager", "kubernetes", _controller_manager, _to_apiserver),
        Component("kube-scheduler", "kubernetes", _scheduler, _to_apiserver),
        Component("kwok", "kwok", _kwok, _to_apiserver),
        Component("provisioner", None, _provisioner, _to_apiserver, {"PYTHONPATH": str(CHECKOUT)}),
    )
}
