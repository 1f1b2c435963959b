"""The launch template of a GPU pool, as data; pure.

What a managed node group allows in it (EKS user guide, "Customize managed nodes with launch templates"): the disk is
here and not in the node group, and there is no subnet, instance profile, shutdown behaviour or spot option. The
instance type is here and nowhere else, for a capacity block needs it here. With EFA the security groups stand at the
interfaces, so they must not stand at the template too.
"""

import base64
import json
from typing import Any

from catalog import AmiFamily, InstanceType
from components.aws_nodes import encrypted_disk, tagged_template
from components.aws_plan import Ref
from components.gpu_node_pool.args import GpuNodePoolSpec, PoolPlace
from components.yaml_text import yaml_text
from settings.eks_pools import Capacity, LocalStorage, PlacementGroup

__all__ = ["EFA_GROUP", "PLACEMENT_GROUP", "launch_template", "network_interfaces", "user_data"]

EFA_GROUP = "efa"
"""Suffix of the security group for EFA traffic."""

PLACEMENT_GROUP = "placement"
"""Suffix of the placement group."""

# A gp3 disk comes with 125 MiB/s: an engine's image of 25 GB unpacks for minutes at that. 4000 IOPS carry 1000 MiB/s.
_DISK_THROUGHPUT_MIB = 600
_DISK_IOPS = 4000

# EFA pins the memory that it sends from, and a container may pin 8 MiB. IPC_LOCK, by which llm-d's guides lift that,
# has no effect for a user that is not root, so the node lifts it for every container (docs/adr/0019). The list takes
# the place of nodeadm's own, so the limit of open files is in it as there (amazon-eks-ami#1794). Bottlerocket does it
# of itself where EFA is attached (bottlerocket-core-kit#141).
_OPEN_FILES = {"type": "RLIMIT_NOFILE", "soft": 65536, "hard": 1048576}
# More than any node has, in a number that passes through JSON's floats as it is; RLIM_INFINITY would not.
_PINNED_BYTES = 2**50
_LIMITS_FOR_EFA = [_OPEN_FILES, {"type": "RLIMIT_MEMLOCK", "soft": _PINNED_BYTES, "hard": _PINNED_BYTES}]

# Of the types with more than one network card these have no EFA on the first one (AWS' EC2 guide, "Maximize network
# bandwidth on instances with multiple network cards").
_FIRST_CARD_WITHOUT_EFA = frozenset({"p6-b300", "p6e-gb200"})


def launch_template(spec: GpuNodePoolSpec, place: PoolPlace) -> dict[str, Any]:
    """Inputs of the template."""
    inputs: dict[str, Any] = {
        "instanceType": spec.instance.name,
        "blockDeviceMappings": _disks(spec),
        **tagged_template(spec.pool, spec.tags),
        "userData": base64.b64encode(user_data(spec).encode()).decode(),
    }
    if spec.efa:
        groups = [place.security_group_id, Ref(suffix=EFA_GROUP)]
        inputs["networkInterfaces"] = [
            {**interface, "deleteOnTermination": "true", "securityGroups": groups}
            for interface in network_interfaces(spec.instance)
        ]
    if spec.placement_group is PlacementGroup.CLUSTER:
        inputs["placement"] = {"groupName": Ref(suffix=PLACEMENT_GROUP, output="name")}
    if spec.reservation_id is not None:
        inputs["capacityReservationSpecification"] = {
            # Never an instance outside the reservation: it would be on demand, at a price nobody agreed to.
            "capacityReservationPreference": "capacity-reservations-only",
            "capacityReservationTarget": {"capacityReservationId": spec.reservation_id},
        }
    if spec.capacity is Capacity.CAPACITY_BLOCK:
        inputs["instanceMarketOptions"] = {"marketType": "capacity-block"}
    return inputs


def network_interfaces(instance: InstanceType) -> list[dict[str, Any]]:
    """An ENA interface for IP traffic, and an EFA-only one on every card that has EFA.

    EFA-only takes no address: 32 plain EFA interfaces would take 32, and nodeadm would try to bring them up as links.
    """
    first = [] if instance.family in _FIRST_CARD_WITHOUT_EFA else [(0, 1)]
    start = 1
    others = [(card, 0) for card in range(start, start + instance.efa_interfaces - len(first))]
    primary = {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}
    return [
        primary,
        *(
            {"networkCardIndex": card, "deviceIndex": device, "interfaceType": "efa-only"}
            for card, device in [*first, *others]
        ),
    ]


def _disks(spec: GpuNodePoolSpec) -> list[dict[str, Any]]:
    data = {"volumeSize": spec.disk_size_gib, "iops": _DISK_IOPS, "throughput": _DISK_THROUGHPUT_MIB}
    if spec.ami.family is AmiFamily.AL2023:
        return [encrypted_disk("/dev/xvda", **data)]
    # Bottlerocket: the system is on a disk of its own, whose size is the image's.
    return [encrypted_disk("/dev/xvda"), encrypted_disk("/dev/xvdb", **data)]


def user_data(spec: GpuNodePoolSpec) -> str:
    """What a node is told at its start; EKS adds how to join the cluster."""
    if spec.ami.family is AmiFamily.BOTTLEROCKET:
        return _bottlerocket_settings(spec)
    node: dict[str, Any] = {"featureGates": {"FastImagePull": True}}
    if spec.local_storage is LocalStorage.RAID0:
        node["instance"] = {"localStorage": {"strategy": "RAID0"}}
    if spec.efa:
        node["containerd"] = {"baseRuntimeSpec": {"process": {"rlimits": _LIMITS_FOR_EFA}}}
    config = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": node}
    boundary = "BOUNDARY"
    return (
        f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n\n--{boundary}\n'
        f"Content-Type: application/node.eks.aws\n\n---\n{yaml_text(config)}\n--{boundary}--\n"
    )


def _bottlerocket_settings(spec: GpuNodePoolSpec) -> str:
    """TOML; the disks are joined and bound by Bottlerocket's own bootstrap commands, at every start."""
    if spec.local_storage is LocalStorage.NONE:
        return ""
    folders = ["/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods"]
    commands = [
        ["apiclient", "ephemeral-storage", "init"],
        ["apiclient", "ephemeral-storage", "bind", "--dirs", *folders],
    ]
    return (
        "[settings.bootstrap-commands.ephemeral-storage]\n"
        f"commands = {json.dumps(commands)}\n"
        'essential = true\nmode = "always"\n'
    )
