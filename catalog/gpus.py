"""NVIDIA GPUs: how much memory one has, and how it can be cut with MIG.

Memory is what the EC2 API reports, by way of Karpenter 1.14.1's instance data. It is nominal for some GPUs (an H100 of
"81920 MiB" shows about 81559 in nvidia-smi), so a fit that passes by less than a few hundred MiB is no proof.

MIG profiles name the slices as the device plugin does: the resource is `nvidia.com/mig-<profile>`. The number is how
many slices of that one profile a GPU holds when it is cut into nothing else; the numbers of two profiles do not add up.
Sources: NVIDIA's MIG User Guide, "Supported MIG Profiles" (A100, H100, RTX PRO; a profile that spans the whole GPU or
too much of it for a second counts 1), and for H200, B200 and B300 NVIDIA's own default layouts
(NVIDIA/mig-parted@bd7160f, `deployments/systemd/config-default.yaml`). Media-engine variants (`+me`, `-me`, `+gfx`)
are left out: an LLM server uses none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["GPUS", "Gpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One model of GPU."""

    name: str
    """The short name by which config and messages call it."""
    memory_mib: int
    """Memory of one GPU in MiB, as EC2 reports it."""
    # hash=False: a mapping proxy has no hash in Python 3.11, and the name identifies a GPU anyway.
    mig_profiles: Mapping[str, int] = field(hash=False)
    """MIG profile to the most slices of it on one GPU; empty when the GPU cannot be cut, or must not be."""


def _gpu(name: str, memory_mib: int) -> Gpu:
    return Gpu(name=name, memory_mib=memory_mib, mig_profiles=MappingProxyType({}))


def _mig(name: str, memory_mib: int, profiles: dict[str, int]) -> Gpu:
    return Gpu(name=name, memory_mib=memory_mib, mig_profiles=MappingProxyType(profiles))


_MIG_80 = {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}

T4 = _gpu("T4", 16384)
T4G = _gpu("T4G", 16384)
V100 = _gpu("V100", 32768)
A10G = _gpu("A10G", 22888)
L4 = _gpu("L4", 22888)
L40S = _gpu("L40S", 45776)
RTX_PRO_4500 = _mig("RTX PRO 4500", 32768, {"1g.16gb": 2, "2g.32gb": 1})
RTX_PRO_6000 = _mig("RTX PRO 6000", 98304, {"1g.24gb": 4, "2g.48gb": 2, "4g.96gb": 1})
A100_40 = _mig("A100-40", 40960, {"1g.5gb": 7, "1g.10gb": 4, "2g.10gb": 3, "3g.20gb": 2, "4g.20gb": 1, "7g.40gb": 1})
A100_80 = _mig("A100-80", 81920, _MIG_80)
H100 = _mig("H100", 81920, _MIG_80)
H200 = _mig("H200", 144384, {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1})
B200 = _mig("B200", 183359, {"1g.23gb": 7, "1g.45gb": 4, "2g.45gb": 3, "3g.90gb": 2, "4g.90gb": 1, "7g.180gb": 1})
B300 = _mig("B300", 275040, {"1g.34gb": 7, "1g.67gb": 4, "2g.67gb": 3, "3g.135gb": 2, "4g.135gb": 1, "7g.269gb": 1})
# AWS prints 740 GB for the four GPUs of a p6e-gb200.36xlarge, and its "GB" is GiB (eight B200 are "1432 GB" and
# 8 x 183359 MiB): 185 GiB each, an approximation. The silicon can do MIG; driver 580 in coherent memory mode cannot.
GB200 = _gpu("GB200", 189440)

GPUS: Mapping[str, Gpu] = MappingProxyType(
    {
        gpu.name: gpu
        for gpu in (
            T4,
            T4G,
            V100,
            A10G,
            L4,
            L40S,
            RTX_PRO_4500,
            RTX_PRO_6000,
            A100_40,
            A100_80,
            H100,
            H200,
            B200,
            B300,
            GB200,
        )
    }
)
"""Every GPU of `INSTANCE_TYPES`, by name."""
