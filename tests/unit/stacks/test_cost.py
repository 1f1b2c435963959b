"""The estimate: per pool and in total, from prices that are dated, and never without saying that it is an estimate."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from stacks import cost
from tests.support.configs import EKS, settings

TWO = {
    **EKS,
    "gpuPools.l4.maxSize": 3,
    "gpuPools.h100": {
        "instanceType": "p5.48xlarge",
        "maxSize": 4,
        "releaseVersion": "1.34.1-20260810",
        "capacity": "spot",
        "autoscaler": "cluster-autoscaler",
    },
}


def _estimate(changes: Mapping[str, Any]) -> cost.CostEstimate:
    found = cost.estimate(settings(changes))
    assert found is not None
    return found


def test_a_pool_costs_its_nodes() -> None:
    """Least, wanted and most nodes, times the catalogue's price; the total is the sum."""
    found = _estimate(TWO)

    assert {name: pool.usd for name, pool in found.pools.items()} == {
        "h100": (Decimal(0), Decimal(0), Decimal("220.16")),
        "l4": (Decimal("0.8048"), Decimal("0.8048"), Decimal("2.4144")),
    }
    assert found.total == (Decimal("0.8048"), Decimal("0.8048"), Decimal("222.5744"))


def test_the_log_says_that_it_is_an_estimate() -> None:
    """What a reviewer reads: every pool, the total, the day and region of the prices, and what a price stands for."""
    head, *rows = cost.render(_estimate(TWO)).splitlines()

    assert head.startswith("ESTIMATE of GPU nodes in USD per hour (us-east-1 prices of 2026-07-20;")
    assert rows == [
        "  pool   nodes               min  desired     max  price",
        "  h100   0-4 x p5.48xlarge  0.00     0.00  220.16  55.04 each, on-demand, as an upper bound for spot",
        "  l4     1-3 x g6.xlarge    0.80     0.80    2.41  0.8048 each, on-demand",
        "  total                     0.80     0.80  222.57",
    ]


def test_the_export_is_plain_data() -> None:
    """A script reads amounts as text, with the day of the prices beside them."""
    assert _estimate(EKS).as_data() == {
        "currency": "USD",
        "per": "hour",
        "isEstimate": True,
        "pricesAsOf": "2026-07-20",
        "pricesRegion": "us-east-1",
        "pools": {
            "l4": {"instanceType": "g6.xlarge", "basis": "on-demand", "min": "0.80", "desired": "0.80", "max": "2.41"}
        },
        "total": {"min": "0.80", "desired": "0.80", "max": "2.41"},
        "unpriced": [],
    }


def test_a_price_of_ones_own_wins() -> None:
    """`usdPerHour` replaces the catalogue's price, and the estimate says so."""
    pool = _estimate({**EKS, "gpuPools.l4.usdPerHour": 0.5}).pools["l4"]

    assert (pool.usd_per_hour, pool.basis) == (Decimal("0.5"), "usdPerHour")


def test_a_pool_without_a_price_is_named() -> None:
    """A type that is not sold on demand counts nothing, and the total says without whom it is."""
    found = _estimate({**EKS, "gpuPools.l4.instanceType": "p5e.48xlarge"})

    assert found.unpriced == ("l4",)
    assert cost.render(found).splitlines()[-1].endswith("0.00  without l4")


@pytest.mark.parametrize("capacity", ["on-demand", "spot", "capacity-block", "reservation"])
def test_every_way_to_buy_says_what_its_price_is(capacity: str) -> None:
    """No capacity is printed with a price that is not explained."""
    changes = {"gpuPools.l4.capacity": capacity}
    if capacity in ("capacity-block", "reservation"):
        changes |= {"gpuPools.l4.reservationId": "cr-0123456789abcdef0", "gpuPools.l4.zones": ["us-west-2a"]}  # type: ignore[dict-item]

    assert _estimate({**EKS, **changes}).pools["l4"].basis.startswith("on-demand")


def test_a_stack_that_makes_no_nodes_has_no_estimate() -> None:
    """On a cluster that is there the pools only describe."""
    assert cost.estimate(settings()) is None
