"""The real Envoy on loopback, with the config that a stack renders and stand-ins for its pickers and servers.

Of the config nothing but addresses is changed: the listeners' and the pickers' are in a cluster, here they are ports
of loopback.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import yaml

from components.gateway_providers import GatewaySpec
from components.gateway_providers.envoy_config import envoy_config
from lab.ports import free_port
from tests.support.ext_proc import StubPicker

__all__ = ["ENVOY", "Gateway", "gateway"]

ENVOY = Path(sys.executable).parent / "envoy"
_READY_SECONDS = 20.0


class _Server(ThreadingHTTPServer):
    """A model server that says which one it is and what it was asked."""

    daemon_threads = True

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"server": self.server.model, "path": self.path}).encode())

    def do_POST(self) -> None:
        content = self._content()
        asked: dict[str, Any] = {}
        with suppress(ValueError):
            asked = json.loads(content)
        content_type, chunk = "application/json", self._chat(asked, len(content))
        if asked.get("stream"):
            content_type = "text/event-stream"
            body = b"".join(b"data: " + json.dumps(self._delta(word)).encode() + b"\n\n" for word in ("to", "be"))
            self._send(content_type, body + b"data: [DONE]\n\n")
            return
        self._send(content_type, json.dumps(chunk).encode())

    def _content(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", "0")))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _chat(self, asked: dict[str, Any], size: int) -> dict[str, Any]:
        message = {"role": "assistant", "content": f"{self.server.model} {self.path} {size}"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        made = {"id": "1", "object": "chat.completion", "created": 0, "model": asked.get("model", "")}
        return {**made, "choices": [choice]}

    def _delta(self, word: str) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": None, "delta": {"content": f"{self.server.model}:{word} "}}
        return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what is of interest."""


class Gateway:
    """A running gateway."""

    def __init__(self, url: str, pickers: dict[str, StubPicker]) -> None:
        """A gateway at `url`, with the pickers by model."""
        self.url = url
        self.pickers = pickers

    def asked(self) -> dict[str, int]:
        """How many requests each model's picker was asked about so far."""
        return {model: picker.requests for model, picker in sorted(self.pickers.items())}


@contextmanager
def gateway(spec: GatewaySpec, folder: Path) -> Iterator[Gateway]:
    """The gateway of a spec, up and running, with one server and one picker per model."""
    servers = {route.model: _Server(route.model) for route in spec.routes}
    for server in servers.values():
        Thread(target=server.serve_forever, daemon=True).start()
    pickers = {model: StubPicker(f"127.0.0.1:{server.server_port}") for model, server in servers.items()}
    ports = {name: free_port() for name in ("inference", "ready", "admin")}
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(_on_loopback(yaml.safe_load(envoy_config(spec)), ports, pickers)))
    command = [str(ENVOY), "--config-path", str(file), "--log-level", "warn", "--concurrency", "2"]
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen([*command, "--disable-hot-restart"], stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{ports['ready']}/ready", process, folder / "envoy.log")
        yield Gateway(f"http://127.0.0.1:{ports['inference']}", pickers)
    finally:
        process.kill()
        process.wait()
        for picker in pickers.values():
            picker.stop()
        for server in servers.values():
            server.shutdown()
            server.server_close()


def _on_loopback(config: dict[str, Any], ports: dict[str, int], pickers: dict[str, StubPicker]) -> dict[str, Any]:
    config["admin"]["address"]["socket_address"]["port_value"] = ports["admin"]
    for listener in config["static_resources"]["listeners"]:
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": ports[listener["name"]]}
    by_cluster = {"admin": ports["admin"], **{f"{model}-epp": picker.port for model, picker in pickers.items()}}
    for cluster in config["static_resources"]["clusters"]:
        if "load_assignment" in cluster:
            (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
            address = {"address": "127.0.0.1", "port_value": by_cluster[cluster["name"]]}
            endpoint["endpoint"]["address"]["socket_address"] = address
    return config


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            httpx.get(url, timeout=1).raise_for_status()
            return
        time.sleep(0.05)
    raise AssertionError(f"Envoy is not ready:\n{log.read_text()}")
