"""Stacks of raw resources on the real engine, with the real Kubernetes provider and a stand-in for AWS' own."""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.engine import Toolchain, environment, prepare
from lab.tools import KUBERNETES_PROVIDER_VERSION
from operate.engine import Pulumi
from tests.support.any_provider import install
from tests.support.policy_cases import Resource

__all__ = ["AWS_VERSION", "RawStack"]

AWS_VERSION = "7.51.1"

_PROGRAM = f"""
import json, pathlib
import pulumi
import pulumi_kubernetes as kubernetes

here = pathlib.Path(__file__).parent
providers = {{
    "kubernetes": kubernetes.Provider(
        "manifests",
        render_yaml_to_directory=str(here / "out"),
        kubeconfig="",
        opts=pulumi.ResourceOptions(version="{KUBERNETES_PROVIDER_VERSION}"),
    ),
    "aws": pulumi.ProviderResource("aws", "stand-in", {{}}, pulumi.ResourceOptions(version="{AWS_VERSION}")),
}}
for item in json.loads((here / "resources.json").read_text()):
    provider = providers[item["type"].partition(":")[0]]
    opts = pulumi.ResourceOptions(provider=provider, protect=item["protect"])
    pulumi.CustomResource(item["type"], item["name"], item["properties"], opts)
"""


class RawStack:
    """A project of raw resources, and the CLI on it."""

    def __init__(self, folder: Path) -> None:
        """Write the project, its home and its backend below `folder`."""
        self.folder = folder / "project"
        self.folder.mkdir(parents=True)
        (self.folder / "Pulumi.yaml").write_text("name: raw\nruntime: python\n")
        (self.folder / "__main__.py").write_text(_PROGRAM)
        home = folder / "engine"
        prepare(home, Toolchain.BUILT)
        install(home / "pulumi" / "plugins", "aws", AWS_VERSION, shlex.quote(sys.executable))
        self.pulumi = Pulumi(
            folder=self.folder, stack="raw", environment=environment(home, Toolchain.BUILT, own_kubectl=False)
        )
        self.pulumi.select()

    def write(self, resources: Sequence[Resource]) -> None:
        """Set what the program registers."""
        data = [asdict(resource) for resource in resources]
        (self.folder / "resources.json").write_text(json.dumps(data))

    def preview(self, pack: Path, config: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
        """Preview under a pack: whether it passed, and the engine's events."""
        file = self.folder / "config.json"
        file.write_text(json.dumps(config))
        return self.pulumi.preview_events("--policy-pack", str(pack), "--policy-pack-config", str(file))
