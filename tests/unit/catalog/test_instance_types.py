"""Instance types: rows, prices and the allocatable estimate.

These tests hold the table against the facts it was typed from, and the estimate against its stated formula. They cannot
prove that AWS still sells a type, that a price is still true, or what a real node will report as allocatable.
"""

import itertools
from decimal import Decimal

import pytest

from catalog import GPUS, INSTANCE_TYPES, PRICES_AS_OF, PRICES_REGION, Allocatable, Architecture, InstanceType


def test_prices_carry_their_day_and_region() -> None:
    """A printed cost can say of which day and region its price is."""
    assert (PRICES_AS_OF, PRICES_REGION) == ("2026-07-20", "us-east-1")


@pytest.mark.parametrize(
    "row",
    [
        InstanceType(
            name="g6.xlarge",
            gpu=GPUS["L4"],
            gpu_count=1,
            vcpus=4,
            memory_gib=16,
            efa_interfaces=0,
            local_nvme_gb=250,
            architecture=Architecture.AMD64,
            usd_per_hour=Decimal("0.8048"),
        ),
        InstanceType(
            name="g7e.48xlarge",
            gpu=GPUS["RTX PRO 6000"],
            gpu_count=8,
            vcpus=192,
            memory_gib=2048,
            efa_interfaces=4,
            local_nvme_gb=15200,
            architecture=Architecture.AMD64,
            usd_per_hour=Decimal("33.14432"),
        ),
        InstanceType(
            name="p5.48xlarge",
            gpu=GPUS["H100"],
            gpu_count=8,
            vcpus=192,
            memory_gib=2048,
            efa_interfaces=32,
            local_nvme_gb=30400,
            architecture=Architecture.AMD64,
            usd_per_hour=Decimal("55.04"),
        ),
        InstanceType(
            name="p6e-gb200.36xlarge",
            gpu=GPUS["GB200"],
            gpu_count=4,
            vcpus=144,
            memory_gib=960,
            efa_interfaces=4,
            local_nvme_gb=22500,
            architecture=Architecture.ARM64,
            usd_per_hour=None,
        ),
    ],
    ids=lambda row: row.name,
)
def test_a_row_is_the_row_of_the_facts(row: InstanceType) -> None:
    """A spot-checked row equals the facts in every field."""
    assert INSTANCE_TYPES[row.name] == row


def test_every_family_has_all_its_sizes() -> None:
    """The table has the families of the facts, hyphenated ones included, all sizes, and nothing fractional."""
    sizes: dict[str, int] = {}
    for row in INSTANCE_TYPES.values():
        sizes[row.family] = sizes.get(row.family, 0) + 1

    assert sizes == {
        "g4dn": 7,
        "g5": 8,
        "g5g": 2,
        "g6": 8,
        "g6e": 8,
        "g7": 6,
        "g7e": 6,
        "gr6": 2,
        "p3dn": 1,
        "p4d": 1,
        "p4de": 1,
        "p5": 2,
        "p5e": 1,
        "p5en": 1,
        "p6-b200": 1,
        "p6-b300": 1,
        "p6e-gb200": 1,
    }
    assert len(INSTANCE_TYPES) == 57


def test_every_row_is_whole() -> None:
    """Each row is keyed by its own name, has a known GPU, and no count that would make a plan divide by zero."""
    for name, row in INSTANCE_TYPES.items():
        assert row.name == name
        assert row.gpu is GPUS[row.gpu.name], name
        assert row.gpu_count in {1, 2, 4, 8}, name
        assert row.vcpus >= 4, name
        assert row.memory_gib >= 8, name
        assert row.efa_interfaces >= 0, name
        assert row.local_nvme_gb >= 0, name
        assert row.usd_per_hour is None or row.usd_per_hour > 0, name


def test_every_known_gpu_can_be_rented() -> None:
    """No GPU of the catalogue is without an instance type."""
    assert {row.gpu.name for row in INSTANCE_TYPES.values()} == set(GPUS)


def test_efa_counts() -> None:
    """The types with more than one EFA interface are exactly these; getting one wrong breaks the launch template."""
    assert {name: row.efa_interfaces for name, row in INSTANCE_TYPES.items() if row.efa_interfaces > 1} == {
        "g6e.24xlarge": 2,
        "g6e.48xlarge": 4,
        "g7.48xlarge": 2,
        "g7e.24xlarge": 2,
        "g7e.48xlarge": 4,
        "p4d.24xlarge": 4,
        "p4de.24xlarge": 4,
        "p5.48xlarge": 32,
        "p5e.48xlarge": 32,
        "p5en.48xlarge": 16,
        "p6-b200.48xlarge": 8,
        "p6-b300.48xlarge": 16,
        "p6e-gb200.36xlarge": 4,
    }


def test_small_types_have_no_efa() -> None:
    """The types without EFA are the arm64 g5g and everything below 8xlarge, but for p5.4xlarge, which has one."""
    without = {name for name, row in INSTANCE_TYPES.items() if row.efa_interfaces == 0}
    small = {name for name in INSTANCE_TYPES if name.partition(".")[2] in {"xlarge", "2xlarge", "4xlarge"}}

    assert without == (small - {"p5.4xlarge"}) | {"g5g.16xlarge"}


def test_arm64_is_exactly_g5g_and_p6e() -> None:
    """An image for amd64 would not start on these three types, and on these only."""
    arm64 = {name for name, row in INSTANCE_TYPES.items() if row.architecture is Architecture.ARM64}

    assert arm64 == {"g5g.xlarge", "g5g.16xlarge", "p6e-gb200.36xlarge"}


def test_only_g5g_lacks_local_nvme() -> None:
    """Every type but g5g, so every p-family type too, has local disks for a model cache."""
    assert {row.family for row in INSTANCE_TYPES.values() if row.local_nvme_gb == 0} == {"g5g"}


def test_types_without_a_price_are_the_two_not_sold_on_demand() -> None:
    """A missing price is None, never 0, so that no cost is printed as free."""
    assert {name for name, row in INSTANCE_TYPES.items() if row.usd_per_hour is None} == {
        "p5e.48xlarge",
        "p6e-gb200.36xlarge",
    }


def _price(row: InstanceType) -> Decimal:
    assert row.usd_per_hour is not None
    return row.usd_per_hour


def test_more_of_the_same_gpu_never_costs_less() -> None:
    """Within a family, a type with more GPUs and at least as many vCPUs has the higher price: catches swapped cells."""
    priced = [row for row in INSTANCE_TYPES.values() if row.usd_per_hour is not None]
    pairs = [
        (small, large)
        for small, large in itertools.product(priced, priced)
        if small.family == large.family and small.gpu_count <= large.gpu_count and small.vcpus < large.vcpus
    ]

    assert len(pairs) == 134
    assert [(small.name, large.name) for small, large in pairs if not _price(small) < _price(large)] == []


@pytest.mark.parametrize(
    ("name", "allocatable"),
    [
        ("g6.xlarge", Allocatable(cpu_millicores=3920, memory_mib=13590)),
        ("g6e.12xlarge", Allocatable(cpu_millicores=47810, memory_mib=362159)),
        ("p5.48xlarge", Allocatable(cpu_millicores=191450, memory_mib=1938300)),
    ],
)
def test_allocatable_follows_its_formula(name: str, allocatable: Allocatable) -> None:
    """The estimate is capacity less 7.5 %, kube-reserved for 110 pods and the eviction threshold."""
    assert INSTANCE_TYPES[name].allocatable == allocatable


def test_allocatable_is_between_half_and_all_of_the_capacity() -> None:
    """On no type does the estimate promise more than there is, or leave a node useless."""
    for name, row in INSTANCE_TYPES.items():
        assert row.memory_gib * 512 < row.allocatable.memory_mib < row.memory_gib * 1024, name
        assert row.vcpus * 500 < row.allocatable.cpu_millicores < row.vcpus * 1000, name
