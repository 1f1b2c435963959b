"""What the plan knows about hardware and models without asking anyone: GPUs, GPU instance types, model weights.

Pure data. It owns no defaults, no versions (those are `releases/`) and no look-up: a plan never dials, so every row is
dated or sourced instead, and config may override what has aged.

    INSTANCE_TYPES["p5.48xlarge"].gpu.memory_mib
    MODELS["Qwen/Qwen3-32B"].weights_bytes
    nearest("g6.xlrage", INSTANCE_TYPES)
"""

from catalog.eks import (
    AMI_TYPES,
    EKS_VERSIONS,
    VERSIONS_AS_OF,
    AmiFamily,
    AmiType,
    driver_branch,
    is_in_support,
    version_number,
)
from catalog.gpus import GPUS, Gpu
from catalog.instance_types import (
    INSTANCE_TYPES,
    PRICES_AS_OF,
    PRICES_REGION,
    Allocatable,
    Architecture,
    InstanceType,
)
from catalog.models import MODELS, Dtype, Model
from catalog.nearest import nearest

__all__ = [
    "AMI_TYPES",
    "EKS_VERSIONS",
    "GPUS",
    "INSTANCE_TYPES",
    "MODELS",
    "PRICES_AS_OF",
    "PRICES_REGION",
    "VERSIONS_AS_OF",
    "Allocatable",
    "AmiFamily",
    "AmiType",
    "Architecture",
    "Dtype",
    "Gpu",
    "InstanceType",
    "Model",
    "driver_branch",
    "is_in_support",
    "nearest",
    "version_number",
]
