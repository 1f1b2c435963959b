"""Speaks to the lab's API server.

Needed because the nodes are made before any kubectl exists. Owns the
connection and server-side apply, and knows no kind of object.
"""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

__all__ = ["FIELD_MANAGER", "Api"]

FIELD_MANAGER = "llm-d-lab"
_TIMEOUT_SECONDS = 10.0
_APPLY = {"content-type": "application/apply-patch+yaml"}  # JSON is YAML


class Api:
    """A client of one API server; never goes through a proxy, since the server is on loopback."""

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        self._client = httpx.Client(
            base_url=server,
            headers={"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            verify=ssl.create_default_context(cafile=str(ca_file)),
        )

    def __enter__(self) -> Self:
        """Use as a context manager: the connections are closed at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """The object or list at `path`; None where there is none, or where the server does not answer (yet)."""
        try:
            response = self._client.get(path, params=query)
        except httpx.TransportError:
            return None
        return dict(response.json()) if response.is_success else None

    def answers(self, path: str) -> bool:
        """Whether the server answers `path` with success."""
        try:
            return self._client.get(path).is_success
        except httpx.TransportError:
            return False

    def create(self, path: str, body: Mapping[str, Any]) -> bool:
        """Create an object; False where the server cannot take it (yet)."""
        try:
            return self._client.post(path, json=body).is_success
        except httpx.TransportError:
            return False

    def apply(self, path: str, body: Mapping[str, Any]) -> None:
        """Server-side apply, taking fields over: the lab's nodes have one owner."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        self._client.patch(path, params=query, headers=_APPLY, content=json.dumps(body)).raise_for_status()

    def delete(self, path: str) -> None:
        """Delete at once; an object that is already gone is no fault."""
        response = self._client.delete(path, params={"gracePeriodSeconds": "0"})
        if response.status_code != httpx.codes.NOT_FOUND:
            response.raise_for_status()
