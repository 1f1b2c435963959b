"""A model's cache on the lab: filled before its pods start, moved to another revision, removed with the stack.

What these tests cannot prove: a download. kwok says that the Job is complete; nothing runs in it.
"""

from pathlib import Path
from typing import Any

from lab import Lab
from tests.support.clusters import Kubectl, crds_of
from tests.support.stacks import CaseStack, case_config

FIRST, SECOND = "0000000000000000000000000000000000000001", "0000000000000000000000000000000000000002"


def _config(lab: Lab, namespace: str, revision: str) -> dict[str, Any]:
    return case_config(
        lab,
        namespace,
        storageClasses={"shared": {"accessModes": ["ReadWriteMany"], "minSize": "10Gi", "maxSize": "1Ti"}},
        models={
            "small": {
                "source": "hf://Qwen/Qwen3-0.6B",
                "revision": revision,
                "cache": {"storageClass": "shared"},
                "replicas": 2,
            }
        },
    )


def _claims(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    """Phase of each claim, by name."""
    items = kubectl.objects("persistentvolumeclaims", "--namespace", namespace)
    return {item["metadata"]["name"]: item["status"]["phase"] for item in items}


def _mounted(kubectl: Kubectl, namespace: str) -> set[str]:
    """The claims that the servers' pods mount."""
    pods = kubectl.objects("pods", "--namespace", namespace, "--selector", "llm-d.ai/role=decode")
    volumes = [volume for pod in pods for volume in pod["spec"]["volumes"]]
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}


def test_pods_move_from_one_filled_cache_to_the_next(lab: Lab, tmp_path: Path) -> None:
    """Another revision is another claim, whose Job ends before the pods roll to it; the first is removed after them."""
    namespace, kubectl = "cache-revisions", Kubectl(lab)
    kubectl.apply(*crds_of("v0.4"))
    stack = CaseStack(lab, tmp_path / "project", "cache", _config(lab, namespace, FIRST))
    stack.up()
    (first,) = _claims(kubectl, namespace)
    assert _claims(kubectl, namespace) == {first: "Bound"}
    assert _mounted(kubectl, namespace) == {first}
    (job,) = kubectl.objects("jobs", "--namespace", namespace)
    started = kubectl.objects(
        "deployments", "--namespace", namespace, "--selector", "app.kubernetes.io/name=modelserver"
    )
    assert job["status"]["completionTime"] <= started[0]["metadata"]["creationTimestamp"]
    assert stack.steps() == {}

    stack.configure(_config(lab, namespace, SECOND))
    stack.up()

    (second,) = _claims(kubectl, namespace)
    assert second != first
    assert _claims(kubectl, namespace) == {second: "Bound"}
    assert _mounted(kubectl, namespace) == {second}
    assert stack.steps() == {}

    stack.expect(0, "destroy", "--yes", "--skip-preview")
    claimed = [item["spec"]["claimRef"]["name"] for item in kubectl.objects("persistentvolumes")]
    assert {first, second} & set(claimed) == set()
