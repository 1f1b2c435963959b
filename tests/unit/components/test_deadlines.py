"""How long a model may take to start, from the bytes of its weights.

What these tests cannot prove: that a network or a volume gives the throughput that is reckoned with.
"""

import pytest

from components.deadlines import GRACE_PERIOD, PRE_STOP, PROBE_PERIOD, Deadlines, deadlines

MIB = 2**20


@pytest.mark.parametrize(
    ("weights", "downloads", "replicas", "startup_failures", "progress", "rollout"),
    [
        (0, True, 1, 90, 3000, 3130),
        (1, True, 1, 91, 3001, 3131),
        (40 * MIB, True, 1, 91, 3001, 3131),
        (40 * MIB + 1, True, 1, 91, 3002, 3132),
        (40 * MIB * 3600, True, 1, 450, 6600, 6730),
        (125 * MIB * 3600, False, 1, 450, 6600, 6730),
        (40 * MIB * 3600, True, 4, 450, 6600, 26920),
    ],
)
def test_deadlines_grow_with_the_weights(
    weights: int, replicas: int, startup_failures: int, progress: int, rollout: int, *, downloads: bool
) -> None:
    """A start has 900 s and the transfer, a rollout 2,100 s more for node and image, and all replicas in a row."""
    expected = Deadlines(startup_failures=startup_failures, progress=progress, rollout=rollout)

    assert deadlines(weights, downloads=downloads, replicas=replicas) == expected


def test_a_pod_keeps_serving_before_it_goes() -> None:
    """The signal, at which engines abort what runs, comes shortly before the end of the grace period."""
    assert (PRE_STOP, GRACE_PERIOD, PROBE_PERIOD) == (115, 130, 10)
