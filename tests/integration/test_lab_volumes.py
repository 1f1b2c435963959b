"""Claims on the lab: what a class offers decides whether they bind, and pods wait for them.

What these tests cannot prove: what a real driver makes of a claim. Nothing is mounted, for no kubelet runs.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., str]

_WAIT_SECONDS = 20


def _claim(name: str, namespace: str, storage_class: str, mode: str, size: str) -> str:
    spec = {
        "accessModes": [mode],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    metadata = {"name": name, "namespace": namespace}
    return json.dumps({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def _pod(namespace: str, claim: str) -> str:
    spec = {
        "containers": [
            {"name": "main", "image": "example.com/none:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    metadata = {"name": "reader", "namespace": namespace}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _object(kubectl: Run, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(kubectl("get", *arguments, "-o", "json")))


def test_a_claim_gets_a_volume_of_its_mode_and_at_least_its_size(kubectl: Run, namespace: str) -> None:
    """The class sells 10 GiB at least; the volume is removed with its claim."""
    kubectl("apply", "-f", "-", text=_claim("weights", namespace, "shared", "ReadWriteMany", "1Gi"))
    kubectl("wait", "-n", namespace, "--for=jsonpath={.status.phase}=Bound", "pvc/weights", "--timeout=20s")
    claim = _object(kubectl, "pvc", "weights", "-n", namespace)

    assert claim["status"]["accessModes"] == ["ReadWriteMany"]
    assert claim["status"]["capacity"] == {"storage": str(10 * 2**30)}
    volume = claim["spec"]["volumeName"]
    kubectl("delete", "-n", namespace, "pvc/weights", "--timeout=20s")
    kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=20s")


@pytest.mark.parametrize(
    ("storage_class", "mode", "size", "why"),
    [
        ("zonal", "ReadWriteMany", "1Gi", "class zonal offers ReadWriteOnce, not ReadWriteMany"),
        (
            "shared",
            "ReadWriteMany",
            "2Ti",
            "class shared has volumes of 1099511627776 bytes at most, 2199023255552 are asked for",
        ),
    ],
)
def test_what_a_class_does_not_offer_stays_pending(
    storage_class: str, mode: str, size: str, why: str, kubectl: Run, namespace: str
) -> None:
    """The claim stays Pending, its pod too, and an event says why, as a real driver's would."""
    kubectl("apply", "-f", "-", text=_claim("weights", namespace, storage_class, mode, size))
    kubectl("apply", "-f", "-", text=_pod(namespace, "weights"))
    deadline = time.monotonic() + _WAIT_SECONDS
    messages: list[str] = []
    while not messages and time.monotonic() < deadline:
        events = _object(kubectl, "events", "-n", namespace)["items"]
        messages = [item["message"] for item in events if item["reason"] == "ProvisioningFailed"]
        time.sleep(0.2)

    assert messages == [why]
    assert _object(kubectl, "pvc", "weights", "-n", namespace)["status"]["phase"] == "Pending"
    assert _object(kubectl, "pod", "reader", "-n", namespace)["status"]["phase"] == "Pending"


def test_a_zonal_volume_is_made_where_its_first_pod_goes(kubectl: Run, namespace: str) -> None:
    """The claim waits for a pod; the volume is in the zone of the node that the scheduler chose for it."""
    kubectl("apply", "-f", "-", text=_claim("weights", namespace, "zonal", "ReadWriteOnce", "1Gi"))
    assert _object(kubectl, "pvc", "weights", "-n", namespace)["status"]["phase"] == "Pending"
    kubectl("apply", "-f", "-", text=_pod(namespace, "weights"))
    kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/reader", "--timeout=20s")

    node = _object(kubectl, "pod", "reader", "-n", namespace)["spec"]["nodeName"]
    zone = _object(kubectl, "node", node)["metadata"]["labels"]["topology.kubernetes.io/zone"]
    volume = _object(kubectl, "pvc", "weights", "-n", namespace)["spec"]["volumeName"]
    (term,) = _object(kubectl, "pv", volume)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term == {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}
