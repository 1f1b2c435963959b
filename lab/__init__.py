"""The embedded lab: a real Kubernetes control plane with simulated GPU nodes, and the real Pulumi engine.

Needs no root, no Docker and no cloud. The program knows nothing of it: a stack
that runs on the lab runs on an existing cluster.

    from lab import Lab
    Lab(Path(".lab")).up(pools=())
"""

from lab.embedded import ComponentStatus, Lab, LabStatus
from lab.engine import Toolchain
from lab.errors import LabError
from lab.nodes import SimulatedPool
from lab.volumes import SimulatedClass

__all__ = ["ComponentStatus", "Lab", "LabError", "LabStatus", "SimulatedClass", "SimulatedPool", "Toolchain"]
