"""Simulated storage: the StorageClasses of the lab and the volumes behind them, as plain data, and keeping the classes.

What a class offers is handed in. The volumes are made by the daemon in `provisioner`, for kwok simulates none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.api import Api
from settings.base import parse_quantity

__all__ = [
    "PROVISIONED_BY",
    "PROVISIONER",
    "WAIT_FOR_FIRST_CONSUMER",
    "ZONE_LABEL",
    "SimulatedClass",
    "apply_classes",
    "class_manifest",
    "refusal",
    "volume_manifest",
]

PROVISIONER = "lab.llm-d.ai/volumes"
"""On every class and volume of the lab: one without it is none of ours and never touched."""

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
ZONE_LABEL = "topology.kubernetes.io/zone"
WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer"

# A server of a range that is set aside for documentation (RFC 5737): no kubelet runs, so nothing dials it.
_SERVER = "192.0.2.10"


@dataclass(frozen=True, kw_only=True)
class SimulatedClass:
    """A StorageClass, and what the driver behind it can."""

    name: str
    access_modes: Sequence[str]
    """As a claim writes them: ReadWriteOnce, ReadWriteMany, ..."""
    min_bytes: int = 0
    """The smallest volume; a smaller claim gets one of this size, as with a file system that is sold by the TiB."""
    max_bytes: int | None = None
    """The largest volume."""
    waits_for_consumer: bool = False
    """Whether a volume is made in the zone of the first pod, and not before there is one."""


def class_manifest(simulated: SimulatedClass) -> dict[str, Any]:
    """The StorageClass. What the driver can stands in its parameters, so that the daemon needs no config."""
    parameters = {"accessModes": ",".join(simulated.access_modes), "minBytes": str(simulated.min_bytes)}
    if simulated.max_bytes is not None:
        parameters["maxBytes"] = str(simulated.max_bytes)
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": simulated.name},
        "provisioner": PROVISIONER,
        "parameters": parameters,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": WAIT_FOR_FIRST_CONSUMER if simulated.waits_for_consumer else "Immediate",
    }


def apply_classes(api: Api, classes: Iterable[SimulatedClass]) -> None:
    """Make the lab's StorageClasses exactly these."""
    path = "/apis/storage.k8s.io/v1/storageclasses"
    wanted = {simulated.name: class_manifest(simulated) for simulated in classes}
    existing = {
        item["metadata"]["name"]: item
        for item in (api.get(path) or {"items": []})["items"]
        if item["provisioner"] == PROVISIONER
    }
    for name, item in existing.items():
        # Every field of a class is immutable.
        if name not in wanted or any(item.get(key) != wanted[name][key] for key in ("parameters", "volumeBindingMode")):
            api.delete(f"{path}/{name}")
    for name, manifest in wanted.items():
        api.apply(f"{path}/{name}", manifest)


def refusal(claim: Mapping[str, Any], storage_class: Mapping[str, Any]) -> str | None:
    """Why the driver cannot make the claim's volume; `None` where it can."""
    parameters = storage_class["parameters"]
    offered = parameters["accessModes"].split(",")
    unmet = [mode for mode in claim["spec"]["accessModes"] if mode not in offered]
    if unmet:
        return f"class {storage_class['metadata']['name']} offers {', '.join(offered)}, not {', '.join(unmet)}"
    largest, wanted = parameters.get("maxBytes"), _requested(claim)
    if largest is not None and wanted > int(largest):
        return (
            f"class {storage_class['metadata']['name']} has volumes of {largest} bytes at most, {wanted} are asked for"
        )
    return None


def volume_manifest(claim: Mapping[str, Any], storage_class: Mapping[str, Any], zone: str | None) -> dict[str, Any]:
    """The volume of a claim: of its access modes and at least its size, in the zone of the node that waits for it."""
    metadata, size = claim["metadata"], max(_requested(claim), int(storage_class["parameters"]["minBytes"]))
    spec: dict[str, Any] = {
        "accessModes": list(claim["spec"]["accessModes"]),
        "capacity": {"storage": str(size)},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "nfs": {"server": _SERVER, "path": f"/{metadata['uid']}"},
        "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
        "storageClassName": storage_class["metadata"]["name"],
    }
    if zone is not None:
        terms = [{"matchExpressions": [{"key": ZONE_LABEL, "operator": "In", "values": [zone]}]}]
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{metadata['uid']}", "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": spec,
    }


def _requested(claim: Mapping[str, Any]) -> int:
    return parse_quantity(claim["spec"]["resources"]["requests"]["storage"])
