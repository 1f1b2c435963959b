"""What a pod asks of its node's disk.

What these tests cannot prove: how much an engine really writes.
"""

import pytest

from settings.disk import pod_disk_bytes, weights_volume_bytes

GIB = 2**30


@pytest.mark.parametrize(("weights", "size"), [(None, 20 * GIB), (0, 20 * GIB), (10 * GIB, 32 * GIB)])
def test_a_pod_asks_for_caches_and_its_download(weights: int | None, size: int) -> None:
    """Caches are always there; weights count, with a fifth to spare, where the pod downloads them."""
    assert pod_disk_bytes(weights) == size


def test_the_volume_of_weights_has_a_fifth_to_spare() -> None:
    """Files that are resumed and linked while they download need more room than the weights."""
    assert weights_volume_bytes(10 * GIB) == 12 * GIB
