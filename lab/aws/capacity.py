"""The nodes of an emulated node group, as simulated nodes of the lab: what EC2 and a kubelet would bring.

They have the labels and taints that the node group says, and nothing that it does not say: so pods find them only if
the group is right. How many GPUs a type has is the catalogue's knowledge.
"""

import base64
import re
from typing import Any

from catalog import INSTANCE_TYPES
from lab.aws.session import Refused, Session
from lab.control_plane import ControlPlane
from lab.nodes import SimulatedPool, apply_pool
from settings.placement import EFA_RESOURCE, GPU_RESOURCE

__all__ = ["show_nodes"]

_GENERAL_PURPOSE = re.compile(r"m\d\w*\.(?P<times>\d*)xlarge")
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


def show_nodes(session: Session, inputs: dict[str, Any], instance_type: str) -> None:
    """Make the simulated nodes of a group as many as it asks for."""
    name = inputs["nodeGroupName"]
    taints = [
        {"key": item["key"], "value": item.get("value", ""), "effect": _EFFECTS[item["effect"]]}
        for item in inputs.get("taints") or []
    ]
    pool = SimulatedPool(
        name=name,
        count=inputs["scalingConfig"]["desiredSize"],
        instance_type=instance_type,
        capacity=_capacity(session, inputs, instance_type),
        labels={**(inputs.get("labels") or {}), "eks.amazonaws.com/nodegroup": name},
        taints=taints,
    )
    with ControlPlane(session.root).api() as api:
        apply_pool(api, pool)


def _capacity(session: Session, inputs: dict[str, Any], instance_type: str) -> dict[str, str]:
    gpu = INSTANCE_TYPES.get(instance_type)
    if gpu is None:
        match = _GENERAL_PURPOSE.fullmatch(instance_type)
        if match is None:
            raise Refused(f"the lab does not know what an instance of type {instance_type} holds")
        cores = 4 * int(match["times"] or 1)
        return {"cpu": str(cores), "memory": f"{4 * cores}Gi", "ephemeral-storage": "50Gi", "pods": "58"}
    allocatable, template = gpu.allocatable, _template(session, inputs)
    interfaces = [item.get("InterfaceType", "") for item in template.get("NetworkInterfaces", [])]
    efa = sum(kind.startswith("efa") for kind in interfaces)
    return {
        "cpu": f"{allocatable.cpu_millicores}m",
        "memory": f"{allocatable.memory_mib}Mi",
        "ephemeral-storage": f"{_disk_gib(template, gpu.local_nvme_gb)}Gi",
        "pods": "110",
        GPU_RESOURCE: str(gpu.gpu_count),
        # As many as the template attaches, for nobody else would.
        **({EFA_RESOURCE: str(efa)} if efa else {}),
    }


def _template(session: Session, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the group's version of its template launches, in EC2's words."""
    template = inputs["launchTemplate"]
    versions = session.ec2.describe_launch_template_versions(
        LaunchTemplateId=template["id"], Versions=[str(template["version"])]
    )
    data: dict[str, Any] = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return data


def _disk_gib(template: dict[str, Any], nvme_gb: int) -> int:
    """The NVMe disks where the user data joins them, else the last disk of the template."""
    if _joins_disks(template.get("UserData", "")):
        return nvme_gb * 10**9 // 2**30
    return int(template["BlockDeviceMappings"][-1]["Ebs"]["VolumeSize"])


def _joins_disks(user_data: str) -> bool:
    text = base64.b64decode(user_data).decode()
    return "strategy: RAID0" in text or "ephemeral-storage" in text
