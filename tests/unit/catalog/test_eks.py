"""EKS' versions and AMIs: the table is judged by its own day, and an AMI's words are the API's.

What these tests cannot prove: that AWS' calendar is still what it was, or which driver an AMI really has.
"""

import pytest
from botocore.session import Session

from catalog import AMI_TYPES, EKS_VERSIONS, INSTANCE_TYPES, driver_branch, is_in_support, version_number

X86 = AMI_TYPES["AL2023_x86_64_NVIDIA"]
BOTTLEROCKET = AMI_TYPES["BOTTLEROCKET_x86_64_NVIDIA"]


def _enum(shape: str) -> set[str]:
    return set(Session().get_service_model("eks").shape_for(shape).enum)


def test_every_nvidia_ami_type_of_the_api_is_known() -> None:
    """The catalogue has exactly the NVIDIA members of the EKS API's own enum."""
    assert set(AMI_TYPES) == {name for name in _enum("AMITypes") if "NVIDIA" in name}


def test_support_is_judged_by_the_tables_day() -> None:
    """A version whose standard support had ended on the table's day is out, one without a known end is in."""
    assert {version: is_in_support(version) for version in EKS_VERSIONS} == {
        "1.33": False,
        "1.34": True,
        "1.35": True,
        "1.36": True,
    }


@pytest.mark.parametrize(
    ("ami", "release", "version", "branch"),
    [
        (X86, "1.34.1-20260810", "1.34", 580),
        (X86, "1.33.5-20251120", "1.33", 580),
        (X86, "1.33.5-20251119", "1.33", 570),
        (BOTTLEROCKET, "1.63.0-a3e8bda1", "1.34", 580),
        (BOTTLEROCKET, "1.63.0-a3e8bda1", "1.33", 570),
    ],
)
def test_the_driver_follows_from_the_release(ami: object, release: str, version: str, branch: int) -> None:
    """AL2023 tells its driver by the day of its release, Bottlerocket by its Kubernetes version."""
    assert driver_branch(ami, release, version) == branch  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("1.34.1-20260810", True),
        ("1.35.0-20260810", False),
        ("1.34.1", False),
        ("latest", False),
        ("1.63.0-a3e8bda1", False),
    ],
)
def test_a_release_is_one_of_its_ami_and_version(release: str, *, expected: bool) -> None:
    """A pin names a release of just this Kubernetes version, day included."""
    assert X86.is_release_version(release, "1.34") is expected


def test_bottlerocket_has_its_own_release_numbers() -> None:
    """Bottlerocket's releases are its own versions with a build's hash, for every Kubernetes version alike."""
    assert BOTTLEROCKET.is_release_version("1.63.0-a3e8bda1", "1.34")
    assert not BOTTLEROCKET.is_release_version("1.34.1-20260810", "1.34")


def test_versions_compare_as_numbers() -> None:
    """1.9 is before 1.34."""
    assert version_number("1.9") < version_number("1.34")


def test_no_ami_serves_a_type_of_another_architecture() -> None:
    """Of the instance types that an AMI has a driver for each has the AMI's CPU; V100 and RTX PRO 4500 have no AMI."""
    served = {
        name: {row.architecture for row in INSTANCE_TYPES.values() if row.family in ami.instance_families}
        for name, ami in AMI_TYPES.items()
    }
    assert served == {name: {ami.architecture} for name, ami in AMI_TYPES.items()}
    without = {row.family for row in INSTANCE_TYPES.values()} - set().union(
        *(ami.instance_families for ami in AMI_TYPES.values())
    )
    assert without == {"g7", "p3dn"}
