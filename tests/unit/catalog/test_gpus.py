"""GPUs: memory and MIG slices.

These tests hold the table against the facts it was typed from. They cannot prove what a GPU really reports, nor which
MIG layouts its driver accepts: only `nvidia-smi` on the hardware can.
"""

import dataclasses

import pytest

from catalog import GPUS, Gpu


def test_the_table_has_exactly_the_gpus_of_the_facts() -> None:
    """Every GPU that an instance type can carry is known by its short name, and no other is."""
    assert set(GPUS) == {
        "A10G",
        "A100-40",
        "A100-80",
        "B200",
        "B300",
        "GB200",
        "H100",
        "H200",
        "L4",
        "L40S",
        "RTX PRO 4500",
        "RTX PRO 6000",
        "T4",
        "T4G",
        "V100",
    }


@pytest.mark.parametrize(
    ("name", "memory_mib"),
    [("T4", 16384), ("L4", 22888), ("L40S", 45776), ("A100-40", 40960), ("H100", 81920), ("H200", 144384)],
)
def test_memory_is_what_ec2_reports(name: str, memory_mib: int) -> None:
    """A GPU's memory is the MiB of the facts, not the round number of its data sheet."""
    assert GPUS[name].memory_mib == memory_mib


def test_mig_profiles_of_a_small_and_a_large_a100_differ() -> None:
    """The two A100 have different profile names for the same cut, with the counts of NVIDIA's guide."""
    assert dict(GPUS["A100-40"].mig_profiles) == {
        "1g.5gb": 7,
        "1g.10gb": 4,
        "2g.10gb": 3,
        "3g.20gb": 2,
        "4g.20gb": 1,
        "7g.40gb": 1,
    }
    assert dict(GPUS["A100-80"].mig_profiles) == {
        "1g.10gb": 7,
        "1g.20gb": 4,
        "2g.20gb": 3,
        "3g.40gb": 2,
        "4g.40gb": 1,
        "7g.80gb": 1,
    }


def test_only_the_gpus_that_can_be_cut_have_profiles() -> None:
    """MIG is offered for exactly the GPUs that support it on AWS; GB200 is out, its driver mode forbids it."""
    cut = {name for name, gpu in GPUS.items() if gpu.mig_profiles}

    assert cut == {"A100-40", "A100-80", "B200", "B300", "H100", "H200", "RTX PRO 4500", "RTX PRO 6000"}


def test_slices_fit_the_gpu() -> None:
    """No layout of one profile takes more than the GPU's seven compute slices or (rounded names) its memory."""
    for gpu in GPUS.values():
        for profile, count in gpu.mig_profiles.items():
            compute, _, memory = profile.partition("g.")

            assert int(compute) * count <= 7, (gpu.name, profile)
            assert int(memory.removesuffix("gb")) * count * 1000**3 <= gpu.memory_mib * 1024**2 * 1.02, profile


def test_rows_cannot_be_changed() -> None:
    """The table is shared by the whole program, so neither it, nor a row, nor a row's profiles can be written to."""
    gpu = GPUS["H100"]

    with pytest.raises(dataclasses.FrozenInstanceError):
        gpu.memory_mib = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        gpu.mig_profiles["1g.10gb"] = 8  # type: ignore[index]
    with pytest.raises(TypeError):
        GPUS["H100"] = gpu  # type: ignore[index]


def test_a_gpu_can_be_a_key() -> None:
    """GPUs can be grouped by in sets and dicts although their profiles are a mapping."""
    assert len({*GPUS.values(), Gpu(name="T4", memory_mib=16384, mig_profiles={})}) == 15
