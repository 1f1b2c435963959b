"""The stacks that are measured: dev as it is committed, an empty program, and many models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.tools import KUBERNETES_PROVIDER_VERSION
from operate.bench.policy import pack_options
from operate.bench.site import Outcome, Site
from operate.workspace import ROOT, Workspace, read_stack_document

__all__ = ["DEV", "GPUS_PER_NODE", "Project", "dev_project", "empty_project", "models_config", "models_project"]

DEV = ROOT / "Pulumi.dev.yaml"

GPUS_PER_NODE = 8
"""Of the instance type that the many models run on."""

_EMPTY_PROGRAM = '''"""Nothing: what the engine and the SDK take by themselves."""

import pulumi

pulumi.export("nothing", 0)
'''


@dataclass(frozen=True)
class Project:
    """One stack in a folder of its own."""

    site: Site
    folder: Path
    stack: str

    def init(self) -> Outcome:
        """`pulumi stack init`."""
        return self.site.run(["pulumi", "stack", "init", self.stack, "--no-select", "--non-interactive"], self.folder)

    def preview(self) -> Outcome:
        """`pulumi preview` of a stack that is up; fails where it would change anything."""
        return self._pulumi("preview", "--expect-no-changes")

    def judged_preview(self) -> Outcome:
        """The same under the policy pack; fails where a mandatory rule is violated."""
        return self._pulumi("preview", "--expect-no-changes", *pack_options())

    def up(self) -> Outcome:
        """`pulumi up` without a preview before it."""
        return self._pulumi("up", "--yes", "--skip-preview")

    def up_again(self) -> Outcome:
        """The same on a stack that is up; fails where it changes anything."""
        return self._pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")

    def _pulumi(self, *arguments: str) -> Outcome:
        return self.site.run(["pulumi", *arguments, "--stack", self.stack, "--non-interactive"], self.folder)


def dev_project(site: Site) -> Project:
    """Stack dev as it is committed, on the site's lab."""
    config = dict(read_stack_document(DEV)["config"])
    config["llm-d:cluster"] = {**config["llm-d:cluster"], "existing": {"kubeconfig": _kubeconfig(site)}}
    return _project(site, "dev", config)


def empty_project(site: Site) -> Project:
    """A program that only imports the SDK and exports a constant, with the checkout's runtime and interpreter."""
    folder = site.root / "empty"
    folder.mkdir()
    for name in ("Pulumi.yaml", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "__main__.py").write_text(_EMPTY_PROGRAM)
    return Project(site, folder, "empty")


def models_project(site: Site, namespace: str, models: int) -> Project:
    """A stack of many models in a namespace of its own."""
    return _project(site, namespace, models_config(namespace, models, _kubeconfig(site)))


def models_config(namespace: str, models: int, kubeconfig: str) -> dict[str, Any]:
    """Equal models of two replicas with one GPU each.

    CRDs are there and the nodes advertise their GPUs themselves, so that what is left is the models' own.
    """
    replicas = 2
    nodes = -(-models * replicas // GPUS_PER_NODE)
    pool = {"instanceType": "p5.48xlarge", "maxSize": nodes, "advertiser": "external"}
    names = [f"model-{number:02d}" for number in range(models)]
    return {
        "llm-d:release": str(read_stack_document(DEV)["config"]["llm-d:release"]),
        "llm-d:namespace": namespace,
        "llm-d:crds": "existing",
        "llm-d:cluster": {"existing": {"kubeconfig": kubeconfig}, "providerVersion": KUBERNETES_PROVIDER_VERSION},
        "llm-d:gpuPools": {"h100": pool},
        "llm-d:models": {
            name: {"source": "hf://Qwen/Qwen3-0.6B", "servedName": name, "replicas": replicas} for name in names
        },
    }


def _project(site: Site, stack: str, config: dict[str, Any]) -> Project:
    workspace = Workspace(site.root / stack)
    workspace.write_stack(stack, config)
    return Project(site, workspace.folder, stack)


def _kubeconfig(site: Site) -> str:
    return str(site.lab.root / "kubeconfig")
