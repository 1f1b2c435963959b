"""What simulated storage looks like, and what it refuses.

Cannot prove that the controller manager binds it; the integration tests do.
"""

from typing import Any

import pytest

from lab.volumes import SimulatedClass, class_manifest, refusal, volume_manifest

_SHARED = SimulatedClass(name="shared", access_modes=("ReadWriteMany", "ReadOnlyMany"), min_bytes=2**30)
_SMALL = SimulatedClass(name="small", access_modes=("ReadWriteOnce",), max_bytes=2**30, waits_for_consumer=True)


def _claim(size: str, *modes: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "weights", "namespace": "llm-d", "uid": "1-2-3"},
        "spec": {"accessModes": list(modes), "resources": {"requests": {"storage": size}}},
    }


def test_a_class_carries_what_its_driver_offers() -> None:
    """The daemon has no config: access modes and sizes stand in the class's parameters."""
    assert class_manifest(_SMALL) == {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "small"},
        "provisioner": "lab.llm-d.ai/volumes",
        "parameters": {"accessModes": "ReadWriteOnce", "minBytes": "0", "maxBytes": "1073741824"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    assert class_manifest(_SHARED)["parameters"] == {
        "accessModes": "ReadWriteMany,ReadOnlyMany",
        "minBytes": "1073741824",
    }
    assert class_manifest(_SHARED)["volumeBindingMode"] == "Immediate"


@pytest.mark.parametrize(
    ("simulated", "size", "modes", "problem"),
    [
        (_SHARED, "1Ti", ("ReadWriteMany",), None),
        (_SMALL, "1Gi", ("ReadWriteOnce",), None),
        (
            _SHARED,
            "1Gi",
            ("ReadWriteMany", "ReadWriteOnce"),
            "class shared offers ReadWriteMany, ReadOnlyMany, not ReadWriteOnce",
        ),
        (
            _SMALL,
            "1025Mi",
            ("ReadWriteOnce",),
            "class small has volumes of 1073741824 bytes at most, 1074790400 are asked for",
        ),
    ],
)
def test_a_claim_beyond_the_class_is_refused(
    simulated: SimulatedClass, size: str, modes: tuple[str, ...], problem: str | None
) -> None:
    """Every mode has to be offered, and the size must not be above the largest."""
    assert refusal(_claim(size, *modes), class_manifest(simulated)) == problem


@pytest.mark.parametrize(("size", "capacity"), [("1Mi", 2**30), ("3Gi", 3 * 2**30)])
def test_a_volume_is_of_the_claims_size_or_the_smallest(size: str, capacity: int) -> None:
    """A volume is bound to its claim by uid, is removed with it, and dials nobody."""
    assert volume_manifest(_claim(size, "ReadWriteMany"), class_manifest(_SHARED), None) == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "pvc-1-2-3",
            "annotations": {"pv.kubernetes.io/provisioned-by": "lab.llm-d.ai/volumes"},
        },
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "capacity": {"storage": str(capacity)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": "weights",
                "namespace": "llm-d",
                "uid": "1-2-3",
            },
            "nfs": {"server": "192.0.2.10", "path": "/1-2-3"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "shared",
        },
    }


def test_a_volume_made_for_a_pod_stays_in_its_zone() -> None:
    """The scheduler keeps later pods of the claim in the zone."""
    volume = volume_manifest(_claim("1Gi", "ReadWriteOnce"), class_manifest(_SMALL), "lab-1b")

    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["lab-1b"]}]
