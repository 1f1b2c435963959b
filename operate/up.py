"""`make up`: from nothing to a stack that is available, with a summary.

For a stack of the lab it starts the lab first; for any other cluster it checks that the cluster answers and leaves the
rest to the `pulumi` of PATH.
"""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from lab import Lab
from lab.paths import lab_home
from lab.progress import Reporter
from lab.stack import simulated_classes, simulated_pools
from operate.crds import fetch_crds, from_release_url
from operate.engine import Pulumi
from operate.lab_crds import lab_source
from operate.reach import require_cluster
from operate.stack_files import is_lab_stack, load_stack, stack_path
from operate.workspace import ROOT
from releases import RELEASES
from settings import StackSettings

__all__ = ["bring_up", "prepare_cluster", "print_summary"]


def bring_up(stack: str, console: Console) -> dict[str, Any]:
    """Bring a stack up; returns what `--json` prints.

    Raises:
        OperateError: what went wrong and what to do.
    """
    started = time.monotonic()
    settings = load_stack(stack_path(stack))
    lab_seconds, environment = prepare_cluster(settings, console)
    up_started = time.monotonic()
    pulumi = Pulumi(folder=ROOT, stack=stack, environment=environment)
    pulumi.select()
    if is_lab_stack(settings):
        pulumi.up("--yes", "--skip-preview")
    else:
        # Another cluster may be anybody's: the engine shows what it would do and asks.
        pulumi.up()
    outputs = pulumi.outputs()
    seconds = {
        "lab": round(lab_seconds, 1),
        "pulumi": round(time.monotonic() - up_started, 1),
        "total": round(time.monotonic() - started, 1),
    }
    return {"stack": stack, "outputs": outputs, "seconds": seconds}


def prepare_cluster(settings: StackSettings, console: Console) -> tuple[float, Mapping[str, str]]:
    """Make the cluster ready and say how to speak to it: seconds that it took, environment of the CLI."""
    release = RELEASES[settings.release]
    if not is_lab_stack(settings):
        if settings.installs_crds:
            fetch_crds(release, from_release_url, console.print)
        if settings.cluster.there is not None:
            require_cluster(settings.cluster.there)
        return 0.0, {}
    lab = Lab(lab_home())
    reporter = Reporter()
    began = time.monotonic()
    pools, classes = simulated_pools(settings), simulated_classes(settings)
    lab.up(pools, on_progress=reporter.say, reporter=reporter, classes=classes)
    if settings.installs_crds:
        fetch_crds(release, lab_source(release, reporter.say), reporter.say)
    seconds = time.monotonic() - began
    console.print(f"the lab is ready after {seconds:.1f} s, {lab.status().nodes} simulated nodes")
    return seconds, lab.environment()


def print_summary(result: Mapping[str, Any], console: Console) -> None:
    """What is up: a table of the models where the stack serves any, and the cluster where it makes nodes."""
    outputs = result["outputs"]
    console.print()
    if "models" in outputs:
        console.print(_model_table(outputs["models"]))
    if "gateway" in outputs:
        gateway = outputs["gateway"]
        where = gateway["url"] or f"no URL: {gateway['reason']}"
        console.print(f"gateway   {gateway['provider']}, {where}")
    if "cluster" in outputs:
        console.print(f"cluster   {outputs['cluster']['name']}")
    if outputs.get("costEstimate"):
        console.print(f"estimate  {_cost(outputs['costEstimate'])}")
    if "release" in outputs:
        console.print(f"release   llm-d {outputs['release']}, namespace {outputs['namespace']}")
    seconds = result["seconds"]
    console.print(f"took      {seconds['total']} s (lab {seconds['lab']} s, pulumi {seconds['pulumi']} s)")


def _model_table(models: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("MODEL", "ENGINE", "REPLICAS", "GPUS", "PATH", "IMAGE"):
        table.add_column(column, justify="right" if column in ("REPLICAS", "GPUS") else "left")
    for name, model in models.items():
        table.add_row(name, model["engine"], str(model["replicas"]), str(model["gpus"]), model["path"], model["image"])
    return table


def _cost(estimate: Mapping[str, Any]) -> str:
    """The exported estimate in a line."""
    total, unpriced = estimate["total"], estimate["unpriced"]
    without = f", without {', '.join(unpriced)}" if unpriced else ""
    amounts = f"{total['min']} at least, {total['desired']} at first, {total['max']} at most"
    return f"{estimate['currency']} per {estimate['per']} of GPU nodes: {amounts}{without}"
