"""EKS: Kubernetes versions with their end of standard support, and NVIDIA AMIs with what is in them.

Dates are AWS' own calendar as it stood on `VERSIONS_AS_OF` (docs.aws.amazon.com/eks, "kubernetes-versions"). A plan has
no clock: a version is judged by the table's day, not by today's, so the same config is always judged alike.

Sources of the drivers: awslabs/amazon-eks-ami#2470 and its pull requests (#2484 for 1.33, #2509 for the last, merged
2025-11-10: every AL2023 NVIDIA AMI after that has the 580 branch), bottlerocket-os/bottlerocket-kernel-kit#254 (580 in
`aws-k8s-1.34-nvidia` from its first release; in all variants as of 2026-01-29). Instance families are those of the EKS
user guide's page on accelerated AMIs (awsdocs/amazon-eks-user-guide, `ml/ml-eks-optimized-ami.adoc`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from catalog.instance_types import Architecture

__all__ = [
    "AMI_TYPES",
    "EKS_VERSIONS",
    "VERSIONS_AS_OF",
    "AmiFamily",
    "AmiType",
    "driver_branch",
    "is_in_support",
    "version_number",
]

VERSIONS_AS_OF = date(2026, 8, 22)
"""The day on which `EKS_VERSIONS` was read."""

EKS_VERSIONS: Mapping[str, date | None] = MappingProxyType(
    {
        "1.33": date(2026, 7, 29),
        "1.34": date(2026, 12, 2),
        "1.35": date(2027, 3, 27),
        # Its AMIs are there; the calendar that was read does not have its end.
        "1.36": None,
    }
)
"""Kubernetes version to the last day of its standard support; after it EKS charges six times as much an hour."""


class AmiFamily(StrEnum):
    """What an AMI is built from: who advertises its GPUs, how its disks are set up and how its versions read."""

    AL2023 = "AL2023"
    BOTTLEROCKET = "BOTTLEROCKET"


_AMD64_FAMILIES = frozenset(
    {"g4dn", "g5", "g6", "gr6", "g6e", "g7e", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"}
)
_ARM64_FAMILIES = frozenset({"g5g", "p6e-gb200"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AmiType:
    """One of the EKS API's NVIDIA `amiType`s."""

    name: str
    """EKS' word."""
    family: AmiFamily
    """What it is built from."""
    architecture: Architecture
    """CPU of the nodes."""

    @property
    def has_device_plugin(self) -> bool:
        """Whether the AMI itself advertises `nvidia.com/gpu`: a second advertiser would hand GPUs out twice."""
        return self.family is AmiFamily.BOTTLEROCKET

    @property
    def instance_families(self) -> frozenset[str]:
        """Instance families whose GPUs the AMI's driver serves."""
        return _AMD64_FAMILIES if self.architecture is Architecture.AMD64 else _ARM64_FAMILIES

    def is_release_version(self, text: str, version: str) -> bool:
        """Whether it is a release of this AMI for this Kubernetes version, such as `1.34.1-20260810`.

        Bottlerocket's releases carry its own version, such as `1.63.0-a3e8bda1`.
        """
        if self.family is AmiFamily.BOTTLEROCKET:
            return _BOTTLEROCKET_RELEASE.fullmatch(text) is not None
        return _AL2023_RELEASE.fullmatch(text) is not None and text.startswith(f"{version}.")


_AL2023_RELEASE = re.compile(r"1\.\d{2}\.\d{1,2}-(?P<day>20\d{6})", re.ASCII)
# A build's hash, which is no day.
_BOTTLEROCKET_RELEASE = re.compile(r"\d+\.\d+\.\d+-(?!20\d{6})[0-9a-f]{8}", re.ASCII)

AMI_TYPES: Mapping[str, AmiType] = MappingProxyType(
    {
        name: AmiType(name=name, family=family, architecture=architecture)
        for name, family, architecture in (
            ("AL2023_x86_64_NVIDIA", AmiFamily.AL2023, Architecture.AMD64),
            ("AL2023_ARM_64_NVIDIA", AmiFamily.AL2023, Architecture.ARM64),
            ("BOTTLEROCKET_x86_64_NVIDIA", AmiFamily.BOTTLEROCKET, Architecture.AMD64),
            ("BOTTLEROCKET_ARM_64_NVIDIA", AmiFamily.BOTTLEROCKET, Architecture.ARM64),
            ("BOTTLEROCKET_x86_64_NVIDIA_FIPS", AmiFamily.BOTTLEROCKET, Architecture.AMD64),
            ("BOTTLEROCKET_ARM_64_NVIDIA_FIPS", AmiFamily.BOTTLEROCKET, Architecture.ARM64),
        )
    }
)
"""Every NVIDIA `amiType` of a managed node group, by EKS' own word. AL2 is left out: it ended with Kubernetes 1.32."""

# The first AL2023 release day from which every NVIDIA AMI is known to have the 580 branch.
_AL2023_580_FROM = "20251120"
_BOTTLEROCKET_580_FROM = (1, 34)


def driver_branch(ami: AmiType, release: str, version: str) -> int:
    """NVIDIA driver branch of an AMI's release: 580, or the 570 that came before it.

    Args:
        ami: The kind of AMI.
        release: A release that `is_release_version` knows.
        version: Kubernetes version of the nodes.
    """
    if ami.family is AmiFamily.BOTTLEROCKET:
        return 580 if version_number(version) >= _BOTTLEROCKET_580_FROM else 570
    match = _AL2023_RELEASE.fullmatch(release)
    return 580 if match is not None and match["day"] >= _AL2023_580_FROM else 570


def version_number(version: str) -> tuple[int, int]:
    """`1.34` as numbers that compare."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def is_in_support(version: str) -> bool:
    """Whether a version of the table was in standard support on the table's day."""
    end = EKS_VERSIONS[version]
    return end is None or end >= VERSIONS_AS_OF
