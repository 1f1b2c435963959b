"""Stands for a cluster's API server in tests of what verify asks: objects by path, pods and Services by a status."""

from collections.abc import Mapping
from typing import Any

import httpx

__all__ = ["Answers", "ready_pod"]


class Answers:
    """Stands for a `Cluster` that has these objects, by path."""

    def __init__(self, objects: Mapping[str, Any], status: int = 200, text: str = "") -> None:
        """What lists and objects there are, and what every pod and Service answers."""
        self.objects = dict(objects)
        self.answer = (status, text)
        self.asked: list[str] = []
        """Services that were asked, as the API server's proxy takes their names."""

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        """The object at `path`."""
        return self.objects.get(path)

    def items(self, path: str, selector: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The objects of a list that have these labels."""
        wanted = (selector or {}).items()
        return [item for item in self.objects.get(path, []) if wanted <= item["metadata"]["labels"].items()]

    def pod(self, *_: object) -> httpx.Response:
        """What a pod answers."""
        status, text = self.answer
        return httpx.Response(status, text=text)

    def service(self, _namespace: str, service: str, *_: object) -> httpx.Response:
        """What a Service answers."""
        self.asked.append(service)
        status, text = self.answer
        return httpx.Response(status, text=text)


def ready_pod(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A pod that is Ready."""
    status = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "192.0.2.7"}
    return {"metadata": {"name": name, "labels": dict(labels)}, "status": status}
