"""Pods in whatever creates them, and what they are for; pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from policy.checks.subject import Subject, UnknownValueError, at, children, mapping

__all__ = [
    "EFA",
    "Container",
    "Pod",
    "bytes_of",
    "count_of",
    "flag",
    "has_gpu_pods",
    "has_pods",
    "is_model_server",
    "is_picker",
    "pods_of",
]

EFA = "vpc.amazonaws.com/efa"
"""Extended resource of an Elastic Fabric Adapter."""

_NVIDIA = "nvidia.com/"

_TEMPLATES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Pod": ((),),
    "CronJob": (("spec", "jobTemplate", "spec", "template"),),
    "LeaderWorkerSet": (
        ("spec", "leaderWorkerTemplate", "leaderTemplate"),
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
    ),
} | dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), (("spec", "template"),))

_UNITS: Mapping[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kMGT]i?|Ki|m)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One container."""

    name: str
    spec: Mapping[str, Any]
    is_init: bool

    def amounts(self, which: str) -> dict[str, Any]:
        """`requests` or `limits`."""
        return mapping(self.spec, "resources", which)

    @property
    def gpus(self) -> dict[str, Any]:
        """GPU resources that it asks for, in limits or in requests."""
        asked = {**self.amounts("requests"), **self.amounts("limits")}
        return {name: amount for name, amount in asked.items() if name.startswith(_NVIDIA)}

    @property
    def command_line(self) -> list[str]:
        """Command and arguments, a shell's script split into words."""
        words = [*children(self.spec, "command"), *children(self.spec, "args")]
        return [part for word in words for part in str(word).split()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A pod template."""

    labels: Mapping[str, Any]
    spec: Mapping[str, Any]
    containers: tuple[Container, ...]

    @property
    def gpu_containers(self) -> list[Container]:
        """The containers that ask for GPUs."""
        return [container for container in self.containers if container.gpus]


def pods_of(subject: Subject) -> Iterator[Pod]:
    """The pod templates of a workload."""
    if not subject.is_kubernetes:
        return
    for path in _TEMPLATES.get(subject.kind, ()):
        template = at(subject.properties, *path)
        spec = mapping(template, "spec")
        if spec:
            yield Pod(labels=mapping(template, "metadata", "labels"), spec=spec, containers=tuple(_containers(spec)))


def _containers(spec: Mapping[str, Any]) -> Iterator[Container]:
    for key in ("containers", "initContainers"):
        for container in children(spec, key):
            yield Container(name=str(at(container, "name")), spec=container, is_init=key == "initContainers")


def has_pods(subject: Subject) -> bool:
    """Whether it creates pods."""
    return subject.is_kubernetes and subject.kind in _TEMPLATES


def has_gpu_pods(subject: Subject) -> bool:
    """Whether it creates pods that ask for GPUs; what cannot be known yet is taken for one, to be counted."""
    try:
        return any(pod.gpu_containers for pod in pods_of(subject))
    except UnknownValueError:
        return True


def is_model_server(pod: Pod) -> bool:
    """Whether the pod serves a model."""
    marked = any(pod.labels.get(f"llm-d.ai/{key}") == "true" for key in ("inferenceServing", "inference-serving"))
    return marked or bool(pod.gpu_containers)


def is_picker(pod: Pod) -> bool:
    """Whether the pod is an endpoint picker: whatever its image is called, it is told its pool."""
    return any(flag(container, "--pool-name") is not None for container in pod.containers)


def flag(container: Container, *names: str) -> str | None:
    """Value of a command line flag, written `--flag value` or `--flag=value`; the last one wins, as in the engines."""
    words = container.command_line
    found = None
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found = value if equals else (words[index + 1] if index + 1 < len(words) else "")
    return found


def bytes_of(quantity: object) -> Decimal | None:
    """A quantity as a number; `None` for what is none."""
    match = _QUANTITY.fullmatch(str(quantity))
    return Decimal(match[1]) * _UNITS[match[2] or ""] if match else None


def count_of(quantity: object) -> int | None:
    """A whole number of devices; `None` for what is none."""
    text = str(int(quantity)) if isinstance(quantity, float) and quantity.is_integer() else str(quantity)
    return int(text) if text.isdecimal() else None
