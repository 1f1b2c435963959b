"""A stack without its cluster: the real engine runs the program with `cluster.manifests` in the place of a cluster.

Layers, components and builders are the same as in `pulumi up`, and no mock stands in for anything. Secrets become
named placeholders, so neither the stack's passphrase nor its state is needed.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.aws.emulator import AwsEmulator
from lab.build import build_all
from lab.engine import Toolchain, environment, prepare
from lab.progress import Reporter
from lab.tools import ENGINE, KUBERNETES_PROVIDER_VERSION
from operate.crds import fetch_crds, from_release_url
from operate.engine import Pulumi
from operate.lab_crds import lab_source
from operate.stack_files import load_stack
from operate.workspace import Workspace, read_stack_document
from releases import RELEASES
from settings.models import TOKEN_PLACEHOLDER

__all__ = ["MANIFESTS", "offline"]

MANIFESTS = "manifests"
"""Folder of the project that the provider writes into."""

_STACK = "render"

# Port 9 discards; a preview does not dial, and if it did, it would reach this machine alone.
_NOWHERE = """apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
"""

# The state is thrown away with the folder: writing all of it after every step would be most of the time.
_NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


@contextmanager
def offline(path: Path, console: Console, *, keeps_eks: bool = False) -> Iterator[Pulumi]:
    """The CLI on a stack of its own with the config of a stack's file; gone when the block ends.

    Args:
        path: The stack's file.
        console: Where progress goes.
        keeps_eks: Whether a stack on EKS keeps its cluster, for a first preview, which reaches none. The lab's engine
            plans AWS with the lab's stand-in; the official one asks AWS for nothing but who is logged in.

    Raises:
        OperateError: if the config has faults.
    """
    settings = load_stack(path)
    release = RELEASES[settings.release]
    toolchain = Toolchain.from_environment()
    reporter = Reporter()
    build_all(ENGINE if toolchain is Toolchain.BUILT else (), reporter)
    source = lab_source(release, reporter.say) if toolchain is Toolchain.BUILT else from_release_url
    if settings.installs_crds:
        fetch_crds(release, source, console.print)
    with tempfile.TemporaryDirectory(prefix="llm-d-render-") as temporary:
        folder = Path(temporary)
        prepare(folder / "engine", toolchain)
        pulumi = Pulumi(
            folder=folder / "project",
            stack=_STACK,
            environment=environment(folder / "engine", toolchain, own_kubectl=False) | _NO_CHECKPOINTS,
        )
        # The lab has one version of the provider; the official CLI fetches the one that the SDK asks for.
        version = KUBERNETES_PROVIDER_VERSION if toolchain is Toolchain.BUILT else None
        config, has_token = _config_for(path, pulumi.folder / MANIFESTS, version)
        if keeps_eks and settings.cluster.eks is not None:
            config |= _with_eks(path, folder, version)
            if toolchain is Toolchain.BUILT:
                AwsEmulator(folder / "engine").install()
        Workspace(pulumi.folder).write_stack(_STACK, config)
        pulumi.select()
        if has_token:
            pulumi.set_secret("llm-d:huggingFace.token", TOKEN_PLACEHOLDER)
        yield pulumi


def _with_eks(path: Path, folder: Path, provider_version: str | None) -> dict[str, Any]:
    """The keys of a stack on EKS as its file has them; a kubeconfig is one that reaches nothing."""
    config = read_stack_document(path)["config"]
    kept = {key: config[key] for key in ("llm-d:cluster", "llm-d:layers") if key in config}
    cluster = kept["llm-d:cluster"] = deepcopy(kept["llm-d:cluster"])
    if provider_version:
        cluster["providerVersion"] = provider_version
    if "existing" in cluster["eks"]:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(_NOWHERE)
        cluster["eks"]["existing"] = {**cluster["eks"]["existing"], "kubeconfig": str(kubeconfig), "context": "nowhere"}
    return kept


def _config_for(path: Path, manifests: Path, provider_version: str | None) -> tuple[dict[str, Any], bool]:
    """The stack's config with a directory for its cluster and without the token; whether there was one."""
    config: dict[str, Any] = dict(read_stack_document(path)["config"])
    config["llm-d:cluster"] = {"manifests": str(manifests)} | (
        {"providerVersion": provider_version} if provider_version else {}
    )
    if "llm-d:layers" in config:
        # What the cluster layer makes are no manifests.
        config["llm-d:layers"] = [layer for layer in config["llm-d:layers"] if layer != "cluster"]
    hugging_face = dict(config.get("llm-d:huggingFace") or {})
    has_token = hugging_face.pop("token", None) is not None
    if hugging_face or has_token:
        config["llm-d:huggingFace"] = hugging_face
    return config, has_token
