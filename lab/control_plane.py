"""Brings the control plane up, heals it, and takes it down.

Owns the processes and their files below the lab's root; what the components
are told stands in `components`, the nodes are made by the caller once the API
server answers. Never dials anything but the API server on loopback.
"""

import json
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import process
from lab.api import Api
from lab.components import COMPONENTS, Component, Site
from lab.errors import LabError
from lab.kubeconfig import egress_config, kubeconfig, service_account_key, token_file
from lab.ports import free_port

__all__ = ["AddressChanged", "ControlPlane"]

_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.03
_RESTARTS = 3
_USERS = {"kubeconfig": "admin", "controllers.kubeconfig": "controllers", "scheduler.kubeconfig": "scheduler"}
_USERS["kwok.kubeconfig"] = "kwok"
_DAEMON_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
"""Daemons get none of the user's variables: no cloud credentials, no proxies, no other KUBECONFIG."""


class AddressChanged(Exception):  # noqa: N818 - not an error: whoever waits starts over with a new client
    """The API server had to move to another port."""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: connections of its former self that linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class ControlPlane:
    """The daemons of one lab."""

    root: Path
    say: Callable[[str], None] = lambda _: None
    dials_pods: bool = False
    _restarts: dict[str, int] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)

    @property
    def _settings_file(self) -> Path:
        return self.root / "lab.json"

    def _settings(self) -> dict[str, object]:
        try:
            return dict(json.loads(self._settings_file.read_text()))
        except (OSError, ValueError):
            return {}

    @property
    def site(self) -> Site:
        """Where this lab is."""
        return Site(self.root, int(str(self._settings().get("port", 0))))

    def state_file(self, name: str) -> Path:
        """The file that says which process the component is."""
        return self.root / "run" / f"{name}.json"

    def log_file(self, name: str) -> Path:
        """The component's log."""
        return self.root / "logs" / f"{name}.log"

    def pids(self) -> dict[str, int | None]:
        """Each component's pid, or None where it does not run."""
        found = {name: process.read_identity(self.state_file(name)) for name in COMPONENTS}
        return {name: who.pid if who and process.alive(who) else None for name, who in found.items()}

    def ready_seconds(self) -> dict[str, float]:
        """From each component's last start to the first sign that it works."""
        known = self._settings().get("ready", {})
        return dict(known) if isinstance(known, dict) else {}

    def _save(self, **changes: object) -> None:
        process.write_private(self._settings_file, json.dumps({**self._settings(), **changes}, indent=1) + "\n")

    def api(self) -> Api:
        """A client with the administrator's token."""
        certificate = self.root / "certificates" / "apiserver.crt"
        if not certificate.exists():
            raise LabError("the lab is not up; start it with: python -m lab up")
        return Api(f"https://127.0.0.1:{self.site.port}", certificate, self._tokens()["admin"])

    def _tokens(self) -> dict[str, str]:
        rows = (line.split(",") for line in (self.root / "tokens.csv").read_text().splitlines())
        return {row[1]: row[0] for row in rows}

    def _prepare_files(self) -> None:
        for folder in (self.root, self.root / "run", self.root / "logs", self.root / "certificates"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        contents: Mapping[str, Callable[[], str]] = {
            "service-account.key": service_account_key,
            "tokens.csv": lambda: token_file({user: secrets.token_urlsafe(24) for user in _USERS.values()}),
            "egress.json": lambda: egress_config(self.root, dials_pods=self.dials_pods),
        }
        for name, content in contents.items():
            if not (self.root / name).exists():
                process.write_private(self.root / name, content())
        if not self.site.port:
            self._save(port=free_port())
        elif self.pids()["kube-apiserver"] is None and not _is_free(self.site.port):
            self._move()

    def _heal_lost_data(self) -> None:
        """Start from nothing where etcd's data was deleted: the rest would describe a cluster that is gone."""
        had_data = self._settings().get("has_data")
        if had_data and not (self.root / "etcd" / "member").is_dir():
            self.say("the cluster's data is gone: starting from an empty cluster, and an empty Pulumi state with it")
            self.stop()
            for name in ("etcd", "state"):
                shutil.rmtree(self.root / name, ignore_errors=True)
            self._save(has_data=False)

    def _start(self, component: Component) -> None:
        log = self.log_file(component.name)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        self._started[component.name] = time.monotonic()
        process.start(
            component.command(self.site),
            log=log,
            state=self.state_file(component.name),
            folder=self.root,
            environment={**_DAEMON_ENVIRONMENT, **component.environment},
        )

    def _start_missing(self, *names: str) -> None:
        pids = self.pids()
        for name in names:
            if pids[name] is None:
                self._start(COMPONENTS[name])

    def _write_kubeconfigs(self) -> None:
        certificate = (self.root / "certificates" / "apiserver.crt").read_bytes()
        tokens = self._tokens()
        for name, user in _USERS.items():
            server = f"https://127.0.0.1:{self.site.port}"
            text = kubeconfig(server=server, ca_certificate=certificate, token=tokens[user])
            if not (self.root / name).exists() or (self.root / name).read_text() != text:
                process.write_private(self.root / name, text)

    def start(self) -> None:
        """Start whatever does not run, but for kwok; returns before it is ready."""
        self._prepare_files()
        self._heal_lost_data()
        for name in ("etcd:2379", "etcd:2380"):  # an etcd that was killed leaves them, and cannot bind again
            if self.pids()["etcd"] is None:
                (self.root / name).unlink(missing_ok=True)
        self._start_missing("etcd", "kube-apiserver")
        self._save(has_data=True)
        self._wait_for_certificate()
        self._write_kubeconfigs()
        self._start_missing(*(name for name in COMPONENTS if name != "kwok"))

    def start_kwok(self, api: Api) -> None:
        """Start kwok unless it runs; the API server must answer.

        The lease of a kwok that was killed would keep a new one from its nodes
        for 40 s, and a new one that meets it tries again only after 10 s.
        """
        if self.pids()["kwok"] is None:
            api.delete("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
            self._start(COMPONENTS["kwok"])

    def _wait_for_certificate(self) -> None:
        certificate = self.root / "certificates" / "apiserver.crt"
        self.wait_for(
            lambda: certificate.exists() and certificate.read_bytes().endswith(b"-----END CERTIFICATE-----\n")
        )

    def wait_for(self, condition: Callable[[], bool], marks: str | None = None) -> None:
        """Wait for a condition while keeping the components alive; it marks that component as ready."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not condition():
            self._revive()
            if time.monotonic() > deadline:
                raise LabError(f"the lab was not ready within {_TIMEOUT_SECONDS:.0f} s{self._complaints()}")
            time.sleep(_POLL_SECONDS)
        if marks in self._started:
            self._save(ready={**self.ready_seconds(), marks: round(time.monotonic() - self._started[marks], 2)})

    def _revive(self) -> None:
        """Restart what ended while starting: on a slow machine the others give up on the API server."""
        for name in [name for name in self._started if self.pids()[name] is None]:
            self._restarts[name] = self._restarts.get(name, 0) + 1
            if self._restarts[name] > _RESTARTS:
                raise LabError(f"{name} ends again and again{self._complaints(name)}")
            if name == "kube-apiserver" and "address already in use" in self._log_tail(name, 50):
                self._move()
                raise AddressChanged
            self._start(COMPONENTS[name])

    def _move(self) -> None:
        """Somebody took the port between our choice and the server's start, or while the lab was down."""
        self.say(f"port {self.site.port} is taken by another program: the API server moves to another one")
        process.stop(self.state_file(name) for name in COMPONENTS if name != "etcd")
        self._save(port=free_port())

    def _log_tail(self, name: str, lines: int) -> str:
        try:
            return "\n".join(self.log_file(name).read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _complaints(self, *names: str) -> str:
        dead = names or tuple(name for name, pid in self.pids().items() if pid is None)
        parts = [f"\n{name} says ({self.log_file(name)}):\n{self._log_tail(name, 5)}" for name in dead]
        return "".join(parts) or "; see: python -m lab logs kube-apiserver"

    def stop(self, grace_seconds: float = 3.0) -> None:
        """Stop all components together."""
        process.stop((self.state_file(name) for name in COMPONENTS), grace_seconds)
