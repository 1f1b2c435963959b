"""Speaks to a cluster's API server as kubectl would, and through its proxy to pods and Services.

`kubectl proxy` carries the requests, so that every way to log in that kubectl knows works; it listens on a socket file
that only its owner may open. Nothing here changes an object; `send` is for the lab alone.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from operate.errors import OperateError

__all__ = ["Cluster", "connect"]

_START_SECONDS = 10.0
_TIMEOUT_SECONDS = 60.0


class Cluster:
    """A client of one API server."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """The object or list at `path`; None where there is none.

        Raises:
            OperateError: if the server refuses, or does not answer.
        """
        response = self._request("GET", path, params=query)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if not response.is_success:
            raise OperateError(f"the API server answers {response.status_code} to GET {path}: {_message(response)}")
        return dict(response.json())

    def items(self, path: str, selector: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The objects of a list, those with these labels; none where the kind is not known."""
        labels = ",".join(f"{key}={value}" for key, value in (selector or {}).items())
        found = self.get(path, **({"labelSelector": labels} if labels else {}))
        return list(found["items"]) if found else []

    def send(self, method: str, path: str, body: object, content_type: str = "application/json") -> dict[str, Any]:
        """Change something; the server's answer."""
        response = self._request(method, path, content=json.dumps(body), headers={"content-type": content_type})
        if not response.is_success:
            raise OperateError(f"the API server answers {response.status_code} to {method} {path}: {response.text}")
        return dict(response.json())

    def pod(self, namespace: str, pod: str, port: int | str, path: str) -> httpx.Response:
        """What a port of a pod answers to a GET, through the API server's proxy."""
        return self._request("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}")

    def service(self, namespace: str, service: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """What a Service (`[https:]name:port`) answers to a GET or, with `body`, a POST, by the API server's proxy."""
        url = f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}"
        return self._request("GET", url) if body is None else self._request("POST", url, json=body)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx' own keywords
        try:
            return self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise OperateError(f"the API server does not answer {method} {path}: {error}") from error


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]


@contextmanager
def connect(arguments: tuple[str, ...] = (), environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A client of the cluster that kubectl speaks to with these arguments (`--context`, `--kubeconfig`).

    Raises:
        OperateError: if there is no kubectl, or it cannot log in.
    """
    variables = {**os.environ, **(environment or {})}
    kubectl = shutil.which("kubectl", path=variables.get("PATH"))
    if kubectl is None:
        raise OperateError("there is no `kubectl` on PATH; for the lab, `make shell` has one")
    with tempfile.TemporaryDirectory(prefix="llm-d-api-") as temporary:
        socket, log = Path(temporary) / "api", Path(temporary) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [kubectl, *arguments, "proxy", f"--unix-socket={socket}"], env=variables, stdout=output, stderr=output
            )
        try:
            _wait(process, socket, log)
            transport = httpx.HTTPTransport(uds=str(socket))
            with httpx.Client(transport=transport, base_url="http://localhost", timeout=_TIMEOUT_SECONDS) as client:
                yield Cluster(client)
        finally:
            process.terminate()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise OperateError(f"kubectl cannot speak to the cluster: {log.read_text().strip()}")
        time.sleep(0.02)
