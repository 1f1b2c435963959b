"""The daemon that provisions the volumes of the lab's storage classes.

It does what a CSI driver's provisioner does on a cluster: it makes a PersistentVolume for a claim that the controller
manager has handed to it, or says in an event why it cannot. Binding stays the controller manager's and placing the
scheduler's, so a pod waits for its claim as it would anywhere else.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from lab.api import Api
from lab.control_plane import ControlPlane
from lab.volumes import (
    PROVISIONED_BY,
    PROVISIONER,
    WAIT_FOR_FIRST_CONSUMER,
    ZONE_LABEL,
    refusal,
    volume_manifest,
)

__all__ = ["provision"]

_HANDED_OVER = "volume.kubernetes.io/storage-provisioner"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_POLL_SECONDS = 0.25


def provision(api: Api, told: set[str]) -> None:
    """One round: a volume for every claim that waits for one, none for a claim that is gone.

    Args:
        api: The lab's API server.
        told: Claims, by uid, whose refusal has been said; added to here.
    """
    for claim in (api.get("/api/v1/persistentvolumeclaims") or {"items": []})["items"]:
        annotations = claim["metadata"].get("annotations", {})
        if annotations.get(_HANDED_OVER) == PROVISIONER and "volumeName" not in claim["spec"]:
            _provide(api, claim, annotations.get(_SELECTED_NODE), told)
    for volume in (api.get("/api/v1/persistentvolumes") or {"items": []})["items"]:
        is_ours = volume["metadata"].get("annotations", {}).get(PROVISIONED_BY) == PROVISIONER
        # `Failed` is what the controller manager makes of a volume whose driver it does not have.
        if is_ours and volume["status"].get("phase") in {"Released", "Failed"}:
            api.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")


def _provide(api: Api, claim: Mapping[str, Any], node: str | None, told: set[str]) -> None:
    storage_class = api.get(f"/apis/storage.k8s.io/v1/storageclasses/{claim['spec']['storageClassName']}")
    if storage_class is None or (storage_class["volumeBindingMode"] == WAIT_FOR_FIRST_CONSUMER and node is None):
        return
    problem = refusal(claim, storage_class)
    if problem is None:
        api.create("/api/v1/persistentvolumes", volume_manifest(claim, storage_class, _zone_of(api, node)))
    elif claim["metadata"]["uid"] not in told:
        api.create(f"/api/v1/namespaces/{claim['metadata']['namespace']}/events", _event(claim, problem))
        told.add(claim["metadata"]["uid"])


def _zone_of(api: Api, node: str | None) -> str | None:
    found = None if node is None else api.get(f"/api/v1/nodes/{node}")
    return None if found is None else found["metadata"]["labels"].get(ZONE_LABEL)


def _event(claim: Mapping[str, Any], problem: str) -> dict[str, Any]:
    metadata = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}-", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "reason": "ProvisioningFailed",
        "message": problem,
        "type": "Warning",
        "source": {"component": PROVISIONER},
        "count": 1,
    }


def main(root: Path) -> None:
    """Provision until the lab is stopped; a server that does not answer for a moment is waited for."""
    told: set[str] = set()
    with ControlPlane(root).api() as api:
        while True:
            with suppress(httpx.HTTPError):
                provision(api, told)
            time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
