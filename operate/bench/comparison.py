"""Many models by `pulumi up` beside kubectl with the very objects that the program renders.

Both start from a namespace that is not there. The order alternates from pair to pair, because what an earlier round
left on the cluster is there for the later one.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from lab.progress import Reporter
from operate.bench.figures import Comparison, Samples, Side
from operate.bench.projects import models_project
from operate.bench.site import Site
from operate.errors import OperateError
from operate.render import render

__all__ = ["Rendered", "apply_order", "compare", "last_available", "render_rounds", "rounds"]

_PULUMI_INCLUDES = (
    "`up --skip-preview`: engine, program and provider start, every object in the order of its dependencies,"
    " the provider's own waits (Deployments; Services too, whose endpoints it watches for 10 s), state written"
    " after every step; no preview, no `stack init`"
)
_KUBECTL_INCLUDES = (
    "one `apply --server-side` of the same objects, accounts before Deployments, and the wait for all Deployments;"
    " no program, no diff, no state, no wait for anything else"
)
_WAIT_SECONDS = 300
_LATE, _EARLY = 2, 0
_ORDER = {"Namespace": _EARLY, "ServiceAccount": _EARLY + 1, "Deployment": _LATE + 1}


@dataclass(frozen=True)
class Rendered:
    """The objects of one round, in one file."""

    namespace: str
    file: Path
    objects: int
    deployments: int


@dataclass(frozen=True)
class _Round:
    seconds: float
    available_seconds: float


def rounds(pairs: int) -> list[tuple[str, ...]]:
    """Which side goes first in each pair: in turn."""
    return [("pulumi", "kubectl") if pair % 2 == 0 else ("kubectl", "pulumi") for pair in range(pairs)]


def apply_order(manifest: Mapping[str, Any]) -> tuple[int, str, str]:
    """Where an object stands in the file: a Deployment before its account would make kubectl wait for a retry."""
    return _ORDER.get(manifest["kind"], _LATE), manifest["kind"], manifest["metadata"]["name"]


def render_rounds(site: Site, pairs: int, models: int) -> list[Rendered]:
    """What kubectl applies in each of its rounds: rendered by the real engine, not timed. Warms every cache, too."""
    return [_render(site, f"bench-kubectl-{number}", models) for number in range(pairs)]


def _render(site: Site, namespace: str, models: int) -> Rendered:
    project = models_project(site, namespace, models)
    out = site.root / "manifests" / namespace
    files = render(project.folder / f"Pulumi.{namespace}.yaml", out, Console(quiet=True))
    manifests = sorted((yaml.safe_load((out / file).read_text()) for file in files), key=apply_order)
    file = out.with_suffix(".yaml")
    file.write_text(yaml.safe_dump_all(manifests, sort_keys=True))
    deployments = sum(manifest["kind"] == "Deployment" for manifest in manifests)
    return Rendered(namespace, file, len(manifests), deployments)


def compare(site: Site, rendered: Sequence[Rendered], models: int, reporter: Reporter) -> Comparison:
    """Run every pair."""
    found: dict[str, list[_Round]] = {"pulumi": [], "kubectl": []}
    for number, sides in enumerate(rounds(len(rendered))):
        run: dict[str, Callable[[], _Round]] = {
            "pulumi": lambda number=number: _pulumi_round(site, f"bench-pulumi-{number}", models),  # type: ignore[misc]
            "kubectl": lambda number=number: _kubectl_round(site, rendered[number]),  # type: ignore[misc]
        }
        for side in sides:
            with reporter.step(f"{models} models by {side}, pair {number + 1} of {len(rendered)}"):
                found[side].append(run[side]())
    return Comparison(
        models=models,
        objects=rendered[0].objects,
        deployments=rendered[0].deployments,
        pulumi=_side("pulumi", "pulumi up", _PULUMI_INCLUDES, found["pulumi"]),
        kubectl=_side("kubectl", "kubectl apply + wait", _KUBECTL_INCLUDES, found["kubectl"]),
    )


def _side(key: str, title: str, includes: str, found: Sequence[_Round]) -> Side:
    return Side(
        key=key,
        title=title,
        includes=includes,
        samples=Samples(tuple(item.seconds for item in found)),
        available=Samples(tuple(item.available_seconds for item in found)),
    )


def _pulumi_round(site: Site, namespace: str, models: int) -> _Round:
    project = models_project(site, namespace, models)
    project.init()
    began = time.time()
    seconds = project.up().seconds
    return _Round(seconds, _available_after(site, namespace, began))


def _kubectl_round(site: Site, rendered: Rendered) -> _Round:
    began = time.time()
    seconds = site.kubectl("apply", "--server-side", "--filename", str(rendered.file)).seconds
    wait = ("wait", "--for=condition=Available", "deployment", "--all", "--namespace", rendered.namespace)
    seconds += site.kubectl(*wait, f"--timeout={_WAIT_SECONDS}s").seconds
    return _Round(seconds, _available_after(site, rendered.namespace, began))


def _available_after(site: Site, namespace: str, began: float) -> float:
    found = site.kubectl("get", "deployments", "--namespace", namespace, "--output", "json").output
    return last_available(json.loads(found)["items"]) - int(began)


def last_available(deployments: Sequence[Mapping[str, Any]]) -> float:
    """When the last of them became Available, as a time stamp; Kubernetes notes whole seconds.

    Raises:
        OperateError: if one is not: that both sides wait for the same is checked, not assumed.
    """
    since = {
        deployment["metadata"]["name"]: datetime.fromisoformat(condition["lastTransitionTime"]).timestamp()
        for deployment in deployments
        for condition in deployment["status"].get("conditions", [])
        if condition["type"] == "Available" and condition["status"] == "True"
    }
    late = [name for item in deployments if (name := item["metadata"]["name"]) not in since]
    if late or not since:
        raise OperateError(f"not Available when the command had returned: {', '.join(late) or 'no Deployment there'}")
    return max(since.values())
