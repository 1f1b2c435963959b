"""Everything that a stack consists of, for rules that look from one object to another; pure.

All look-ups go through an index: a rule that walked over all objects for each of them would grow with their square.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from policy.checks.pods import Pod, pods_of
from policy.checks.subject import Subject, UnknownValueError, at, mapping

__all__ = ["EMPTY", "SERVERS", "World", "selects"]

SERVERS = ("Deployment", "StatefulSet", "LeaderWorkerSet")
"""Kinds whose pods answer requests."""

_Pair = tuple[str, Any]


class World:
    """The subjects by kind, namespace, name and labels."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        """Index the subjects."""
        self._by_kind: dict[str, list[Subject]] = defaultdict(list)
        self._by_name: dict[tuple[str, str, object], Subject] = {}
        for subject in subjects:
            self._by_kind[subject.kind].append(subject)
            metadata = subject.properties.get("metadata")
            if isinstance(metadata, Mapping) and isinstance(metadata.get("name"), str):
                self._by_name[subject.kind, subject.namespace, metadata["name"]] = subject
        self._by_selector: dict[tuple[str, tuple[str, ...]], dict[tuple[str, _Pair | None], list[Subject]]] = {}

    def of_kind(self, *kinds: str, namespace: str | None = None) -> list[Subject]:
        """Objects of these kinds, in one namespace or in all. For kinds of which a stack has few."""
        found = [subject for kind in kinds for subject in self._by_kind.get(kind, ())]
        return found if namespace is None else [subject for subject in found if subject.namespace == namespace]

    def named(self, kind: str, namespace: str, name: object) -> Subject | None:
        """The object of that name."""
        return self._by_name.get((kind, namespace, name))

    def selecting(
        self, kind: str, namespace: str, labels: Mapping[str, Any], selector: tuple[str, ...] = ("spec", "selector")
    ) -> list[Subject]:
        """Objects of a kind whose selector, at that path, selects these labels."""
        index = self._by_selector.setdefault((kind, selector), {})
        if not index:
            for subject in self._by_kind.get(kind, ()):
                index.setdefault((subject.namespace, _first_pair(at(subject.properties, *selector))), []).append(
                    subject
                )
        pairs: list[_Pair | None] = [None, *labels.items()]
        candidates = [subject for pair in pairs for subject in index.get((namespace, pair), ())]
        return [subject for subject in candidates if selects(at(subject.properties, *selector), labels)]

    def selected(self, namespace: str, selector: object) -> list[tuple[Subject, Pod]]:
        """Servers' pods that a selector selects, with what creates them."""
        candidates = self._pods.get((namespace, _first_pair(selector)), ())
        return [(subject, pod) for subject, pod in candidates if selects(selector, pod.labels)]

    @cached_property
    def _pods(self) -> dict[tuple[str, _Pair | None], list[tuple[Subject, Pod]]]:
        index: dict[tuple[str, _Pair | None], list[tuple[Subject, Pod]]] = defaultdict(list)
        for subject, pod in self._server_pods():
            for pair in (None, *pod.labels.items()):
                index[subject.namespace, pair].append((subject, pod))
        return index

    def _server_pods(self) -> Iterator[tuple[Subject, Pod]]:
        for subject in self.of_kind(*SERVERS):
            try:
                yield from [(subject, pod) for pod in pods_of(subject)]
            except UnknownValueError:
                continue

    @cached_property
    def pools(self) -> dict[str, Mapping[str, Any]]:
        """The GPU pools of the plan, as the platform layer states them, by name."""
        return {
            name: pool
            for layer in self.of_kind("PlatformLayer")
            for name, pool in mapping(layer.properties, "gpuPools").items()
        }

    @cached_property
    def scalers(self) -> dict[tuple[str, object], Subject]:
        """The autoscalers, by namespace and name of what they scale."""
        found = self.of_kind("HorizontalPodAutoscaler", "ScaledObject")
        return {(item.namespace, at(item.properties, "spec", "scaleTargetRef", "name")): item for item in found}

    @cached_property
    def models(self) -> dict[tuple[object, object], Subject]:
        """The model services of the plan, by namespace and name of their Deployment."""
        return {
            (at(model.properties, "namespace"), at(model.properties, "deployment")): model
            for model in self.of_kind("ModelService")
        }


def _first_pair(selector: object) -> _Pair | None:
    labels = mapping(_normal(selector), "matchLabels")
    return min(labels.items(), key=lambda pair: pair[0]) if labels else None


def _normal(selector: object) -> object:
    """A selector as most kinds write it; Services and old pools have the labels alone."""
    if isinstance(selector, Mapping) and selector and not {"matchLabels", "matchExpressions"} & selector.keys():
        return {"matchLabels": selector}
    return selector


def selects(selector: object, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector selects these labels; an empty one selects all."""
    selector = _normal(selector)
    for key, value in mapping(selector, "matchLabels").items():
        if at(labels, key) != value:
            return False
    for expression in at(selector, "matchExpressions") or ():
        key, operator, values = (at(expression, part) for part in ("key", "operator", "values"))
        holds = {
            "In": at(labels, key) in (values or ()),
            "NotIn": at(labels, key) not in (values or ()),
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds.get(str(operator), False):
            return False
    return True


EMPTY = World(())
"""What a rule gets that looks at nothing else."""
