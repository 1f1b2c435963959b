"""The order of the measurements: what is not timed first, then from nothing to many models."""

import os
import time
from dataclasses import dataclass, replace

from rich.console import Console

from lab import Toolchain
from lab.progress import Reporter
from lab.stack import pools_of_stack
from operate.bench.comparison import Rendered, compare, render_rounds
from operate.bench.figures import Figure, Samples
from operate.bench.machine import Machine, this_machine
from operate.bench.policy import FEW, MANY, added_figure, growth_figure, judging_seconds, resources
from operate.bench.projects import DEV, Project, dev_project, empty_project
from operate.bench.report import Report, print_machine
from operate.bench.site import Site, temporary_site
from operate.crds import fetch_crds, from_release_url
from operate.lab_crds import lab_source
from operate.stack_files import load_stack
from releases import RELEASES

__all__ = ["Plan", "bench"]

_LAB_TARGET, _UP_TARGET, _PREVIEW_TARGET, _AGAIN_TARGET = 5.0, 25.0, 3.0, 3.0

_CPU_NODES = 2
"""As `make up` has them; each round of the comparison gets as many more."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often things are run."""

    runs: int = 3
    """Of preview and no-change up."""
    pairs: int = 2
    """Of the comparison with kubectl."""
    models: int = 10
    """In the comparison."""


def bench(plan: Plan, console: Console) -> Report:
    """Measure everything; prints the machine before it starts and what it is at while it runs.

    Raises:
        OperateError: if a command fails; there are no figures then.
        LabError: if the lab does not come up.
    """
    reporter = Reporter()
    with temporary_site() as site:
        machine = _prepare(site, reporter)
        print_machine(machine, console)
        with reporter.step(f"rendering {plan.models} models, which warms the caches"):
            rendered = render_rounds(site, plan.pairs, plan.models)
        dev = dev_project(site)
        lab_seconds, up_seconds = _from_nothing(site, dev, reporter)
        preview, again, added = _repeats(plan, dev, empty_project(site), reporter)
        growth = _growth(plan, rendered[0], reporter)
        _add_nodes(site, plan, rendered, reporter)
        comparison = compare(site, rendered, plan.models, reporter)
    figures = (_lab_figure(lab_seconds), _up_figure(lab_seconds, up_seconds), preview, again, added, growth)
    return Report(machine=machine, figures=figures, comparison=comparison, load_after=round(os.getloadavg()[0], 2))


def _prepare(site: Site, reporter: Reporter) -> Machine:
    """Build the tools and fetch the CRDs where they are missing; none of it is in any figure."""
    site.lab.build(reporter)
    settings = load_stack(DEV)
    release = RELEASES[settings.release]
    built = site.lab.toolchain is Toolchain.BUILT
    fetch_crds(release, lab_source(release, reporter.say) if built else from_release_url, reporter.say)
    version = site.run(["pulumi", "version"]).output.strip()
    return this_machine(version, settings.cluster.provider_version or "the SDK's")


def _from_nothing(site: Site, dev: Project, reporter: Reporter) -> tuple[float, float]:
    """Seconds of the lab, and of stack dev on it."""
    with reporter.step("the lab, from nothing"):
        started = time.monotonic()
        site.lab.up(pools_of_stack(DEV), _CPU_NODES)
        lab_seconds = time.monotonic() - started
    with reporter.step("stack dev, from nothing"):
        return lab_seconds, dev.init().seconds + dev.up().seconds


def _repeats(plan: Plan, dev: Project, empty: Project, reporter: Reporter) -> tuple[Figure, Figure, Figure]:
    """Preview and no-change up of dev, each run beside one of the empty program; and what the policy pack adds."""
    with reporter.step("the empty program"):
        empty.init()
        empty.up()
    preview, preview_floor, judged, again, again_floor = [], [], [], [], []
    for run in range(plan.runs):
        with reporter.step(f"preview and no-change up, run {run + 1} of {plan.runs}"):
            preview.append(dev.preview().seconds)
            judged.append(dev.judged_preview().seconds)
            preview_floor.append(empty.preview().seconds)
            again.append(dev.up_again().seconds)
            again_floor.append(empty.up_again().seconds)
    figures = _preview_figure(preview, preview_floor), _again_figure(again, again_floor)
    return *figures, added_figure(judged, preview)


def _growth(plan: Plan, rendered: Rendered, reporter: Reporter) -> Figure:
    """The rules of the policy pack on few and on many resources, in turn."""
    stacks = {count: resources(rendered.file, count) for count in (FEW, MANY)}
    seconds: dict[int, list[float]] = {count: [] for count in stacks}
    for run in range(plan.runs):
        with reporter.step(f"rules on {MANY} resources, run {run + 1} of {plan.runs}"):
            for count, objects in stacks.items():
                seconds[count].append(judging_seconds(objects))
    return growth_figure(seconds[MANY], seconds[FEW])


def _add_nodes(site: Site, plan: Plan, rendered: list[Rendered], reporter: Reporter) -> None:
    """Nodes for every round at once: what a round brought up stays, so that no deletion runs beside the next."""
    rounds = 2 * plan.pairs
    folder = site.root / rendered[0].namespace
    pools = pools_of_stack(folder / f"Pulumi.{rendered[0].namespace}.yaml")
    more = [replace(pool, count=pool.count * rounds) for pool in pools]
    with reporter.step("nodes for the models"):
        site.lab.up([*pools_of_stack(DEV), *more], _CPU_NODES * (1 + rounds))


def _lab_figure(seconds: float) -> Figure:
    return Figure(
        key="lab",
        title="lab, from nothing",
        includes="until a pod has gone through scheduler and kwok, with the nodes of stack dev; tools are built",
        target_seconds=_LAB_TARGET,
        samples=Samples((seconds,)),
    )


def _up_figure(lab_seconds: float, up_seconds: float) -> Figure:
    return Figure(
        key="dev",
        title="dev, from no lab",
        includes=(
            f"until all of stack dev is Available: the lab ({lab_seconds:.1f} s), `stack init` and `up`"
            f" ({up_seconds:.1f} s); CRD files are there"
        ),
        target_seconds=_UP_TARGET,
        samples=Samples((lab_seconds + up_seconds,)),
    )


def _preview_figure(runs: list[float], floor: list[float]) -> Figure:
    return Figure(
        key="preview",
        title="preview of dev",
        includes="`pulumi preview` of the stack that is up, which finds nothing to do; floor: an empty program's",
        target_seconds=_PREVIEW_TARGET,
        samples=Samples(tuple(runs)),
        floor=Samples(tuple(floor)),
    )


def _again_figure(runs: list[float], floor: list[float]) -> Figure:
    return Figure(
        key="noChangeUp",
        title="no-change up of dev",
        includes="`pulumi up --skip-preview` of the same; floor: an empty program's",
        target_seconds=_AGAIN_TARGET,
        samples=Samples(tuple(runs)),
        floor=Samples(tuple(floor)),
    )
