"""The arithmetic of the benchmark: runs, their median, targets, floors and ratios; pure."""

import statistics
from dataclasses import dataclass

__all__ = ["Comparison", "Figure", "Samples", "Side", "ratio"]


@dataclass(frozen=True)
class Samples:
    """Wall seconds of one thing that was run once or more."""

    runs: tuple[float, ...]
    """In the order in which they ran; at least one."""

    def __post_init__(self) -> None:
        """Refuse a figure that nothing was measured for."""
        if not self.runs:
            raise ValueError("a figure needs at least one run")

    @property
    def minimum(self) -> float:
        """The fastest run."""
        return min(self.runs)

    @property
    def median(self) -> float:
        """What is quoted and held against the target."""
        return statistics.median(self.runs)

    @property
    def maximum(self) -> float:
        """The slowest run."""
        return max(self.runs)


def ratio(ours: Samples, other: Samples) -> float:
    """How many times the other's median ours is."""
    return ours.median / other.median


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One promise and what was measured."""

    key: str
    """For programs."""
    title: str
    """For readers, a few words."""
    includes: str
    """What the seconds hold and what they do not."""
    target_seconds: float
    """At most this, on a warm machine that does nothing else."""
    samples: Samples
    """What was measured."""
    floor: Samples | None = None
    """The same command on an empty program in the same run: what the engine itself takes."""

    @property
    def over(self) -> bool:
        """Whether the median is over the target."""
        return self.samples.median > self.target_seconds

    @property
    def floor_ratio(self) -> float | None:
        """How many times the floor it takes."""
        return None if self.floor is None else ratio(self.samples, self.floor)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two ways to bring the same objects up."""

    key: str
    """For programs."""
    title: str
    """The commands, short."""
    includes: str
    """What the seconds hold and what they do not."""
    samples: Samples
    """Until the commands returned."""
    available: Samples
    """Until the last Deployment was Available, by its own condition: whole seconds, too coarse for a ratio."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The same models brought up in two ways, in pairs of alternating order."""

    models: int
    objects: int
    """Objects of one side, as many as of the other."""
    deployments: int
    """Those of them that are waited for."""
    pulumi: Side
    kubectl: Side

    @property
    def ratio(self) -> float:
        """How many times kubectl's median `pulumi up` takes, until the commands returned."""
        return ratio(self.pulumi.samples, self.kubectl.samples)
