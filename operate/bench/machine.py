"""Where the figures were measured: without it none of them means anything."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version

import psutil

from lab.tools import TOOLS

__all__ = ["Machine", "this_machine"]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine and what runs on it."""

    cores: int
    memory_gib: float
    load: float
    """Load average of the last minute before the first measurement: what others were doing."""
    system: str
    python: str
    pulumi: str
    """Version of the CLI."""
    kubernetes_sdk: str
    kubernetes_provider: str
    kubernetes: str
    """Version of the lab's control plane."""

    @property
    def line(self) -> str:
        """All of it for a reader."""
        return (
            f"{self.cores} cores, {self.memory_gib:.0f} GiB, load {self.load:.1f}, {self.system};"
            f" Python {self.python}, pulumi {self.pulumi}, Kubernetes {self.kubernetes},"
            f" provider {self.kubernetes_provider}, its SDK {self.kubernetes_sdk}"
        )


def this_machine(pulumi: str, provider: str) -> Machine:
    """This machine now.

    Args:
        pulumi: Version of the CLI that is measured.
        provider: Version of the Kubernetes provider that the stacks ask for.
    """
    return Machine(
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        load=round(os.getloadavg()[0], 2),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        pulumi=pulumi.removeprefix("v"),
        kubernetes_sdk=version("pulumi-kubernetes"),
        kubernetes_provider=provider,
        kubernetes=TOOLS["kubernetes"].version.removeprefix("v"),
    )
