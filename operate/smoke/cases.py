"""One round of questions to a site, as it was rendered or with some objects changed.

A case names the objects it changes and the checks it asks; it puts everything back. So one namespace serves many
cases, and a test sees that each fault that upstream once shipped is found.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from naming import GATEWAY, ModelNames
from operate.errors import OperateError
from operate.smoke.canary import check_canaries
from operate.smoke.disaggregation import check_disaggregation
from operate.smoke.failure_checks import check_lost_picker, check_lost_pod
from operate.smoke.latency import latency_row
from operate.smoke.objectives import check_objectives
from operate.smoke.request_checks import check_adapters, check_answers, check_losses, check_unknown_model
from operate.smoke.scheduling_checks import check_load, check_load_figures, check_prefixes
from operate.smoke.site import Site
from operate.smoke.verify_command import check_verify_command
from operate.verify.rows import Row, failed
from operate.verify.verify import ask_at_rest, ask_by_request

_WATCH_SECONDS = 0.5
"""A picker that watches an object has seen its change by then, and renewed its figures."""

__all__ = ["BY_NAME", "CHECKS", "Case", "Patch", "run_case"]


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A change of one object."""

    path: str
    """Of the object on the API server."""
    merge: Mapping[str, Any]
    """JSON merge patch: null removes a key, a list replaces a list."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Some changes, and what is asked then."""

    name: str
    checks: Sequence[str] = ()
    """Names from CHECKS or BY_NAME; all of CHECKS if there is none."""
    patches: Sequence[Patch] = field(default_factory=tuple)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Case":
        """From JSON."""
        patches = tuple(Patch(path=item["path"], merge=item["merge"]) for item in data.get("patches", ()))
        return cls(name=data["name"], checks=tuple(data.get("checks", ())), patches=patches)


def _nothing(_: str) -> None:
    """Nobody to tell."""


CHECKS: dict[str, Callable[[Site], Iterable[Row]]] = {
    "at rest": lambda site: ask_at_rest(site.objects, site.stage.settings),
    "by request": lambda site: ask_by_request(site.objects, _nothing),
    "answers": check_answers,
    "adapters": check_adapters,
    "canary": check_canaries,
    "unknown model": check_unknown_model,
    "prefill/decode": check_disaggregation,
    "objectives": check_objectives,
    "added latency": lambda site: [latency_row(site, model) for model in sorted(site.stage.plan.models)[:1]],
    "under load": check_losses,
    "load figures": check_load_figures,
    "prefix affinity": check_prefixes,
    "load awareness": check_load,
    "pod lost": check_lost_pod,
    "picker lost": check_lost_picker,
}
"""In the order in which they are asked: what breaks something comes last."""

BY_NAME: dict[str, Callable[[Site], Iterable[Row]]] = {"verify": check_verify_command}
"""Asked only where a case names them: they ask anew what others have asked."""


def run_case(site: Site, case: Case, say: Callable[[str], None]) -> list[Row]:
    """The answers."""
    rows: list[Row] = []
    with _changed(site, case.patches):
        for name, check in (CHECKS | BY_NAME if case.checks else CHECKS).items():
            if case.checks and name not in case.checks:
                continue
            say(name)
            try:
                rows += check(site)
            except OperateError as error:
                rows.append(failed(name, "the stack", str(error), "`--keep` leaves the logs"))
    return rows


@contextmanager
def _changed(site: Site, patches: Sequence[Patch]) -> Iterator[None]:
    """The site with these objects changed, and what reads them started anew."""
    paths = [patch.path for patch in patches]
    originals = {path: site.stage.cluster.get(path) for path in paths}
    for patch in patches:
        site.stage.cluster.send("PATCH", patch.path, patch.merge, "application/merge-patch+json")
    _start_anew(site, paths)
    try:
        yield
    finally:
        for path, original in originals.items():
            _put_back(site, path, original or {})
        _start_anew(site, paths)


def _put_back(site: Site, path: str, original: Mapping[str, Any]) -> None:
    now = site.stage.cluster.get(path) or {}
    version = now.get("metadata", {}).get("resourceVersion")
    site.stage.cluster.send("PUT", path, {**original, "metadata": {**original["metadata"], "resourceVersion": version}})


def _start_anew(site: Site, paths: Sequence[str]) -> None:
    """What reads the changed objects when it starts: a Deployment's own pods, or whoever mounts a ConfigMap."""
    changed = {path.rpartition("/")[2] for path in paths}
    for model in site.stage.plan.models:
        names = ModelNames(model=model)
        servers = {names.server_of(role.label) for role in site.stage.plan.models[model].service.roles}
        for server in sorted(servers & changed):
            site.wait_for_rollout(server)
            site.run_model_servers()
        if names.picker in changed:
            site.wait_for_rollout(names.picker)
            site.start_picker(model)
    if GATEWAY in changed:
        site.wait_for_rollout(GATEWAY)
        site.start_gateway()
    if paths:
        time.sleep(_WATCH_SECONDS)
