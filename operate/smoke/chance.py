"""How likely a scheduler that does not look would have done the same; pure."""

from math import ceil, comb, log

__all__ = ["LEVEL", "at_least", "at_most", "trials_for_none"]

LEVEL = 1e-6
"""What is less likely than this under chance is no chance."""


def at_least(count: int, trials: int, share: float) -> float:
    """Probability of `count` or more successes in `trials`, each with probability `share`."""
    return sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(count, trials + 1))


def at_most(count: int, trials: int, share: float) -> float:
    """Probability of `count` or fewer successes in `trials`, each with probability `share`."""
    return sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(count + 1))


def trials_for_none(share: float) -> int:
    """The fewest trials, each a success with probability `share`, in which not one success is no chance."""
    return ceil(log(LEVEL) / log(1 - share))
