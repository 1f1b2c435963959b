"""What the nodes of a stack cost per hour, as an estimate; pure.

GPU nodes, at the catalogue's dated on-demand prices or at the pool's own `usdPerHour`. Left out: the system pool, the
control plane's fee, disks, traffic, NAT gateways, load balancers, taxes and discounts. A spot node is cheaper than the
estimate and a capacity block is paid in advance: their on-demand price stands in, and the pool's `basis` says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from catalog import INSTANCE_TYPES, PRICES_AS_OF, PRICES_REGION
from settings import StackSettings
from settings.cluster import LayerName
from settings.eks_pools import Capacity
from settings.gpu_pools import GpuPoolSettings

__all__ = ["CostEstimate", "PoolCost", "estimate", "render"]

_CENT = Decimal("0.01")
_BASIS = {
    Capacity.ON_DEMAND: "on-demand",
    Capacity.SPOT: "on-demand, as an upper bound for spot",
    Capacity.CAPACITY_BLOCK: "on-demand, in place of the block's price, which is paid in advance",
    Capacity.RESERVATION: "on-demand, due whether a node runs or not",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolCost:
    """One pool."""

    instance_type: str
    usd_per_hour: Decimal | None
    """Of one node; `None` where neither catalogue nor config has a price."""
    basis: str
    """What the price is."""
    nodes: tuple[int, int, int]
    """At least, wanted, at most."""

    @property
    def usd(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """Of the pool per hour: at least, wanted, at most."""
        if self.usd_per_hour is None:
            return None
        at_least, wanted, at_most = (self.usd_per_hour * count for count in self.nodes)
        return at_least, wanted, at_most


@dataclass(frozen=True, kw_only=True, slots=True)
class CostEstimate:
    """All pools of a stack."""

    pools: Mapping[str, PoolCost]

    @property
    def total(self) -> tuple[Decimal, Decimal, Decimal]:
        """Per hour: at least, wanted, at most; without the pools that have no price."""
        known = [pool.usd for pool in self.pools.values() if pool.usd is not None]
        at_least, wanted, at_most = (sum((usd[index] for usd in known), Decimal()) for index in range(3))
        return at_least, wanted, at_most

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Pools without a price."""
        return tuple(name for name, pool in sorted(self.pools.items()) if pool.usd is None)

    def as_data(self) -> dict[str, object]:
        """The estimate as the stack exports it; amounts are text, so that no digit is lost."""
        return {
            "currency": "USD",
            "per": "hour",
            "isEstimate": True,
            "pricesAsOf": PRICES_AS_OF,
            "pricesRegion": PRICES_REGION,
            "pools": {
                name: {
                    "instanceType": pool.instance_type,
                    "basis": pool.basis,
                    **_amounts(pool.usd),
                }
                for name, pool in sorted(self.pools.items())
            },
            "total": _amounts(self.total),
            "unpriced": list(self.unpriced),
        }


def estimate(settings: StackSettings) -> CostEstimate | None:
    """The estimate of a stack that makes nodes; `None` for one that makes none."""
    if LayerName.CLUSTER not in settings.owned_layers:
        return None
    return CostEstimate(pools={name: _pool(pool) for name, pool in sorted(settings.gpu_pools.items())})


def _pool(pool: GpuPoolSettings) -> PoolCost:
    own = pool.usd_per_hour
    price = INSTANCE_TYPES[pool.instance_type].usd_per_hour if own is None else Decimal(str(own))
    basis = _BASIS[pool.capacity] if own is None else "usdPerHour"
    desired = pool.min_size if pool.desired_size is None else pool.desired_size
    return PoolCost(
        instance_type=pool.instance_type,
        usd_per_hour=price,
        basis="no price known: set usdPerHour" if price is None else basis,
        nodes=(pool.min_size, desired, pool.max_size),
    )


def _amounts(usd: tuple[Decimal, Decimal, Decimal] | None) -> dict[str, str | None]:
    keys = ("min", "desired", "max")
    return dict(zip(keys, (None,) * 3 if usd is None else map(_text, usd), strict=True))


def _text(usd: Decimal) -> str:
    return str(usd.quantize(_CENT))


def render(cost: CostEstimate) -> str:
    """The estimate as lines of a log."""
    rows: list[tuple[str, ...]] = [("pool", "nodes", "min", "desired", "max", "price")]
    for name, pool in sorted(cost.pools.items()):
        amounts = ("?", "?", "?") if pool.usd is None else tuple(map(_text, pool.usd))
        each = pool.basis if pool.usd_per_hour is None else f"{pool.usd_per_hour} each, {pool.basis}"
        rows.append((name, f"{pool.nodes[0]}-{pool.nodes[2]} x {pool.instance_type}", *amounts, each))
    rows.append(("total", "", *map(_text, cost.total), f"without {', '.join(cost.unpriced)}" if cost.unpriced else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    where = f"{PRICES_REGION} prices of {PRICES_AS_OF}"
    lines = [f"ESTIMATE of GPU nodes in USD per hour ({where}; disks, traffic, control plane, discounts not counted):"]
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)  # noqa: PLR2004 - the first two are words
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append(f"  {'  '.join(cells)}  {row[5]}".rstrip())
    return "\n".join(lines)
