"""A stack on a lab of its own, inside the namespace: control plane, then `pulumi up` by the real CLI.

    with stage(path, folder, reporter) as found:
        found.cluster.items("/api/v1/pods")

What the cluster would do beyond its control plane (run containers, carry traffic) is `site`'s.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import Lab, Toolchain
from lab.build import build_all
from lab.progress import Reporter
from lab.stack import simulated_pools
from lab.tools import KUBERNETES_PROVIDER_VERSION, SMOKE
from operate.crds import fetch_crds
from operate.engine import Pulumi
from operate.errors import OperateError
from operate.lab_crds import lab_source
from operate.smoke.runnable import obstacles
from operate.smoke.sidecars import TOOL as SIDECAR_TOOL
from operate.smoke.stand_ins import install, make_namespaces, stand_ins
from operate.smoke.translation import built_picker, need_of
from operate.stack_files import load_stack
from operate.verify.cluster import Cluster, connect
from operate.workspace import Workspace, read_stack_document
from releases import RELEASES
from settings import StackSettings
from settings.models import TOKEN_PLACEHOLDER
from stacks.plan import StackPlan, plan_stack

__all__ = ["Stage", "prepare", "stage"]

_STACK = "smoke"
_CPU_NODES = 3

# The state goes with the namespace: writing all of it after every step would be most of the time.
_NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true", "NO_COLOR": "1"}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stack that is up."""

    settings: StackSettings
    plan: StackPlan
    config: Path
    """The stack's config file as it was brought up: with the lab's cluster in it."""
    outputs: Mapping[str, Any]
    """The stack's outputs, as the CLI tells them."""
    cluster: Cluster
    """With the administrator's rights."""
    lab: Lab
    folder: Path
    """For files of this run; gone after it."""


def prepare(stack: Path, reporter: Reporter) -> None:
    """Outside, with a network: build the tools and fetch the CRD files that are missing, and read the config.

    Raises:
        OperateError: with every fault of the config, or all that nothing here can run.
    """
    settings = load_stack(stack)
    plan = plan_stack(settings)
    if found := obstacles(settings, plan):
        raise OperateError(f"make smoke cannot run {stack.name}:\n" + "\n".join(f"  {item}" for item in found))
    release = RELEASES[settings.release]
    Lab(stack.parent, toolchain=Toolchain.BUILT, own_kubectl=True).build(reporter)
    build_all(_tools(plan), reporter)
    fetch_crds(release, lab_source(release, reporter.say), reporter.say)
    stand_ins(settings, plan)  # reads files of modules, which are downloaded where they are missing


def _tools(plan: StackPlan) -> list[str]:
    """What the pods of a stack run, as far as the lab builds it."""
    models = plan.models.values()
    pickers = {built_picker(model.picker.image, need_of(model.picker)).tool for model in models}
    sidecars = {SIDECAR_TOOL for model in models if model.service.sidecar is not None}
    return sorted({*SMOKE, *pickers, *sidecars})


@contextmanager
def stage(stack: Path, folder: Path, reporter: Reporter) -> Iterator[Stage]:
    """Bring a stack's config file up on a lab in `folder`; its cluster is replaced by the lab, nothing else."""
    settings = load_stack(stack)
    lab = Lab(folder / "lab", toolchain=Toolchain.BUILT, own_kubectl=True, dials_pods=True)
    with reporter.step("control plane"):
        lab.up(simulated_pools(settings), _CPU_NODES)
    plan = plan_stack(settings)
    with connect(environment=lab.environment()) as cluster:
        install(cluster, stand_ins(settings, plan))
        make_namespaces(cluster, settings)
        with reporter.step("pulumi up"):
            config, outputs = _up(stack, lab, folder / "project")
        yield Stage(
            settings=settings,
            plan=plan,
            config=config,
            outputs=outputs,
            cluster=cluster,
            lab=lab,
            folder=folder,
        )


def _up(stack: Path, lab: Lab, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Config file and outputs."""
    config: dict[str, Any] = dict(read_stack_document(stack)["config"])
    config["llm-d:cluster"] = {
        "existing": {"kubeconfig": str(lab.root / "kubeconfig")},
        "providerVersion": KUBERNETES_PROVIDER_VERSION,
    }
    hugging_face = dict(config.get("llm-d:huggingFace") or {})
    has_token = hugging_face.pop("token", None) is not None
    config |= {"llm-d:huggingFace": hugging_face} if hugging_face else {}
    path = Workspace(folder).write_stack(_STACK, config)
    pulumi = Pulumi(folder=folder, stack=_STACK, environment=lab.environment() | _NO_CHECKPOINTS)
    pulumi.select()
    if has_token:
        pulumi.set_secret("llm-d:huggingFace.token", TOKEN_PLACEHOLDER)
    pulumi.up("--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", quiet=True)
    return path, pulumi.outputs()
