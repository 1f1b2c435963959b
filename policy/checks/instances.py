"""What the rules know of EC2 instance types with NVIDIA GPUs; pure.

The data are the program's catalogue, written here by `make docs`: the pack stands alone and cannot import it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INSTANCES", "PATH", "Instance"]

PATH = Path(__file__).resolve().parent.parent / "instance_types.json"
"""The data file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One instance type."""

    gpus: int
    """GPUs per node."""
    efa: int
    """EFA interfaces that one node can attach."""
    arch: str
    """`amd64` or `arm64`."""
    usd_per_hour: float | None
    """On-demand price in US dollars; `None` where it is not sold on demand. An estimate of one day and region."""


INSTANCES: Mapping[str, Instance] = {name: Instance(**row) for name, row in json.loads(PATH.read_text()).items()}
"""By EC2's name."""
