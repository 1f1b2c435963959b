"""EC2 instance types with NVIDIA GPUs.

Sources: Karpenter 1.14.1's reference page of instance types (karpenter.sh, `reference/instance-types`; its price table
was generated on 2026-07-20), and for the number of EFA interfaces AWS' EC2 guide, "Elastic Fabric Adapter". Prices are
Linux on-demand in one region on one day, and they move (p5.48xlarge nearly halved within a year): print them as an
estimate together with `PRICES_AS_OF` and `PRICES_REGION`, and let config override them.

Left out on purpose: the fractional g6f and gr6f types. They hold a share of an L4 and report a GPU count of 0, so no
`nvidia.com/gpu` count that this program plans with would be true of them. Middle sizes of g5g are not in the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from catalog.gpus import (
    A10G,
    A100_40,
    A100_80,
    B200,
    B300,
    GB200,
    H100,
    H200,
    L4,
    L40S,
    RTX_PRO_4500,
    RTX_PRO_6000,
    T4,
    T4G,
    V100,
    Gpu,
)

__all__ = ["INSTANCE_TYPES", "PRICES_AS_OF", "PRICES_REGION", "Allocatable", "Architecture", "InstanceType"]

PRICES_AS_OF = "2026-07-20"
"""The day of every `usd_per_hour`."""

PRICES_REGION = "us-east-1"
"""The region of every `usd_per_hour`."""

_LOST_TO_VIRTUAL_MACHINE_PER_MILLE = 75
_KUBELET_BASE_MIB = 255
_KUBELET_PER_POD_MIB = 11
_PODS_PER_NODE = 110
_EVICTION_MIB = 100
_KUBELET_MILLICORES_OF_FIRST_FOUR = 60 + 10 + 5 + 5


class Architecture(StrEnum):
    """CPU architecture, as the label `kubernetes.io/arch` spells it."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocatable:
    """What a node is expected to offer to pods."""

    cpu_millicores: int
    """CPU in thousandths of a core."""
    memory_mib: int
    """Memory in MiB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceType:
    """One row of the table: what one node of this type has, and what an hour of it cost."""

    name: str
    """EC2's name, such as `p5.48xlarge` or `p6-b200.48xlarge`."""
    gpu: Gpu
    """The model of its GPUs; a node never mixes two."""
    gpu_count: int
    """GPUs per node."""
    vcpus: int
    """Virtual CPUs per node."""
    memory_gib: int
    """Memory in GiB, before the hypervisor and the kernel take their share."""
    efa_interfaces: int
    """Elastic Fabric Adapters that one node can attach; 0 when the type has none."""
    local_nvme_gb: int
    """Local NVMe in decimal GB, all disks together; 0 when the type has none."""
    architecture: Architecture
    """Decides which images can run."""
    usd_per_hour: Decimal | None
    """On-demand price in US dollars, or None where the table has none (not sold on demand)."""

    @property
    def family(self) -> str:
        """What stands before the dot, hyphen included: `p6-b200` for `p6-b200.48xlarge`."""
        return self.name.partition(".")[0]

    @property
    def allocatable(self) -> Allocatable:
        """Return an ESTIMATE of what pods can request; the truth is in the node's status, once there is a node.

        Memory is capacity less 7.5 % (Karpenter's default VM_MEMORY_OVERHEAD_PERCENT, its guess before a node of the
        type has been seen), less nodeadm's kube-reserved of 255 MiB and 11 MiB for each of 110 pods, less the 100 MiB
        hard eviction threshold. 110 is nodeadm's default: the count that EKS derives from the network interfaces is
        often higher, and 7.5 % is more than enough to cover it on types of this size. CPU is capacity less nodeadm's
        kube-reserved: 60m, 10m, 5m, 5m for the first four cores, 2.5m for each further one.
        Source: awslabs/amazon-eks-ami@81fec2e, `nodeadm/internal/kubelet/config.go`.

        Not counted: DaemonSets, and the 5128 huge pages of 2 MiB that the EFA driver takes when EFA is attached.
        """
        seen_by_kernel = self.memory_gib * 1024 * (1000 - _LOST_TO_VIRTUAL_MACHINE_PER_MILLE) // 1000
        kube_reserved = _KUBELET_BASE_MIB + _KUBELET_PER_POD_MIB * _PODS_PER_NODE
        return Allocatable(
            cpu_millicores=self.vcpus * 1000 - _KUBELET_MILLICORES_OF_FIRST_FOUR - (self.vcpus - 4) * 5 // 2,
            memory_mib=seen_by_kernel - kube_reserved - _EVICTION_MIB,
        )


def _row(
    name: str, gpu: Gpu, gpu_count: int, vcpus: int, memory_gib: int, efa: int, nvme_gb: int, usd: str | None
) -> InstanceType:
    return InstanceType(
        name=name,
        gpu=gpu,
        gpu_count=gpu_count,
        vcpus=vcpus,
        memory_gib=memory_gib,
        efa_interfaces=efa,
        local_nvme_gb=nvme_gb,
        architecture=Architecture.ARM64 if name.startswith(("g5g.", "p6e-")) else Architecture.AMD64,
        usd_per_hour=None if usd is None else Decimal(usd),
    )


_ROWS = (
    # name, GPU, GPUs, vCPUs, GiB, EFA, NVMe GB, USD per hour
    _row("g4dn.xlarge", T4, 1, 4, 16, 0, 125, "0.526"),
    _row("g4dn.2xlarge", T4, 1, 8, 32, 0, 225, "0.752"),
    _row("g4dn.4xlarge", T4, 1, 16, 64, 0, 225, "1.204"),
    _row("g4dn.8xlarge", T4, 1, 32, 128, 1, 900, "2.176"),
    _row("g4dn.12xlarge", T4, 4, 48, 192, 1, 900, "3.912"),
    _row("g4dn.16xlarge", T4, 1, 64, 256, 1, 900, "4.352"),
    _row("g4dn.metal", T4, 8, 96, 384, 1, 1800, "7.824"),
    _row("g5.xlarge", A10G, 1, 4, 16, 0, 250, "1.006"),
    _row("g5.2xlarge", A10G, 1, 8, 32, 0, 450, "1.212"),
    _row("g5.4xlarge", A10G, 1, 16, 64, 0, 600, "1.624"),
    _row("g5.8xlarge", A10G, 1, 32, 128, 1, 900, "2.448"),
    _row("g5.12xlarge", A10G, 4, 48, 192, 1, 3800, "5.672"),
    _row("g5.16xlarge", A10G, 1, 64, 256, 1, 1900, "4.096"),
    _row("g5.24xlarge", A10G, 4, 96, 384, 1, 3800, "8.144"),
    _row("g5.48xlarge", A10G, 8, 192, 768, 1, 7600, "16.288"),
    _row("g5g.xlarge", T4G, 1, 4, 8, 0, 0, "0.42"),
    _row("g5g.16xlarge", T4G, 2, 64, 128, 0, 0, "2.744"),
    _row("g6.xlarge", L4, 1, 4, 16, 0, 250, "0.8048"),
    _row("g6.2xlarge", L4, 1, 8, 32, 0, 450, "0.9776"),
    _row("g6.4xlarge", L4, 1, 16, 64, 0, 600, "1.3232"),
    _row("g6.8xlarge", L4, 1, 32, 128, 1, 900, "2.0144"),
    _row("g6.12xlarge", L4, 4, 48, 192, 1, 3760, "4.6016"),
    _row("g6.16xlarge", L4, 1, 64, 256, 1, 1880, "3.3968"),
    _row("g6.24xlarge", L4, 4, 96, 384, 1, 3760, "6.6752"),
    _row("g6.48xlarge", L4, 8, 192, 768, 1, 7520, "13.3504"),
    _row("gr6.4xlarge", L4, 1, 16, 128, 0, 600, "1.5392"),
    _row("gr6.8xlarge", L4, 1, 32, 256, 1, 900, "2.4464"),
    _row("g6e.xlarge", L40S, 1, 4, 32, 0, 250, "1.861"),
    _row("g6e.2xlarge", L40S, 1, 8, 64, 0, 450, "2.24208"),
    _row("g6e.4xlarge", L40S, 1, 16, 128, 0, 600, "3.00424"),
    _row("g6e.8xlarge", L40S, 1, 32, 256, 1, 900, "4.52856"),
    _row("g6e.12xlarge", L40S, 4, 48, 384, 1, 3800, "10.49264"),
    _row("g6e.16xlarge", L40S, 1, 64, 512, 1, 1900, "7.57719"),
    _row("g6e.24xlarge", L40S, 4, 96, 768, 2, 3800, "15.06559"),
    _row("g6e.48xlarge", L40S, 8, 192, 1536, 4, 7600, "30.13118"),
    _row("g7.2xlarge", RTX_PRO_4500, 1, 8, 32, 0, 440, "2.52"),
    _row("g7.4xlarge", RTX_PRO_4500, 1, 16, 64, 0, 875, "3.04208"),
    _row("g7.8xlarge", RTX_PRO_4500, 1, 32, 128, 1, 930, "4.08624"),
    _row("g7.12xlarge", RTX_PRO_4500, 2, 48, 192, 1, 1900, "7.12832"),
    _row("g7.24xlarge", RTX_PRO_4500, 4, 96, 384, 1, 3800, "14.25664"),
    _row("g7.48xlarge", RTX_PRO_4500, 8, 192, 768, 2, 7600, "28.51328"),
    _row("g7e.2xlarge", RTX_PRO_6000, 1, 8, 64, 0, 1900, "3.36312"),
    _row("g7e.4xlarge", RTX_PRO_6000, 1, 16, 128, 0, 1900, "3.99816"),
    _row("g7e.8xlarge", RTX_PRO_6000, 1, 32, 256, 1, 1900, "5.26824"),
    _row("g7e.12xlarge", RTX_PRO_6000, 2, 48, 512, 1, 3800, "8.28608"),
    _row("g7e.24xlarge", RTX_PRO_6000, 4, 96, 1024, 2, 7600, "16.57216"),
    _row("g7e.48xlarge", RTX_PRO_6000, 8, 192, 2048, 4, 15200, "33.14432"),
    _row("p3dn.24xlarge", V100, 8, 96, 768, 1, 1800, "31.212"),
    _row("p4d.24xlarge", A100_40, 8, 96, 1152, 4, 8000, "21.957642"),
    _row("p4de.24xlarge", A100_80, 8, 96, 1152, 4, 8000, "27.44705"),
    _row("p5.4xlarge", H100, 1, 16, 256, 1, 3800, "6.88"),
    _row("p5.48xlarge", H100, 8, 192, 2048, 32, 30400, "55.04"),
    _row("p5e.48xlarge", H200, 8, 192, 2048, 32, 30400, None),
    _row("p5en.48xlarge", H200, 8, 192, 2048, 16, 30400, "63.296"),
    _row("p6-b200.48xlarge", B200, 8, 192, 2048, 8, 30400, "113.9328"),
    _row("p6-b300.48xlarge", B300, 8, 192, 4096, 16, 30400, "142.416"),
    # Rented as an UltraServer of 9 or 18 nodes, through Capacity Blocks only. It has 17 network cards; the typical
    # layout has 4 EFA interfaces, one per group of cards.
    _row("p6e-gb200.36xlarge", GB200, 4, 144, 960, 4, 22500, None),
)

INSTANCE_TYPES: Mapping[str, InstanceType] = MappingProxyType({row.name: row for row in _ROWS})
"""Every instance type by its EC2 name, in the order of families and sizes."""
