"""Sources, caches and what engines can read: what would fail on the cluster is refused with what to change.

What these tests cannot prove: that the cluster's storage classes are as they are described.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults

EFS = {"accessModes": ["ReadWriteMany", "ReadWriteOnce"], "maxSize": "1Ti"}
CACHED = {"storageClasses": {"efs": EFS}, "models.qwen.cache": {"storageClass": "efs"}}
S3 = {"source": "s3://models/qwen", "weights": "1Gi"}
CUSTOM = {
    "engine": "custom",
    "custom": {
        "image": "r.io/own:1",
        "command": ["serve"],
        "metrics": {"queuedRequests": "q", "kvCacheUsage": "k"},
    },
}
NO_S3 = "a source of scheme hf, pvc, pvc+hf or oci"


@pytest.mark.parametrize(
    "changes",
    [
        CACHED,
        {**CACHED, "engine": "sglang", "models.qwen.revision": "main"},
        {**CACHED, "models.qwen.cache.size": "2Gi"},
        {"models.qwen": {**S3, "image": "vllm-openai"}},
        {"models.qwen": {**S3, "image": "registry.example.com/sglang:own", "engine": "sglang"}},
        {"models.qwen": {"source": "pvc+hf://w/hub/Qwen/Qwen3-0.6B", "revision": "refs/pr/1"}},
        {"models.qwen": {"source": "oci://r.io/qwen:v1", "weights": "1Gi", **CUSTOM}},
    ],
)
def test_what_can_be_read_is_sound(changes: dict[str, Any]) -> None:
    """Every scheme with an engine and an image that read it, and a cache that holds the weights."""
    assert faults(changes) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"models.qwen": S3},
            Fault(
                path="models.qwen.source",
                problem="image ghcr.io/llm-d/llm-d-cuda:v0.4.0 cannot stream weights from object storage: llm-d's"
                " docker/scripts/cuda/runtime/install-vllm.sh installs vLLM without its extra `runai`",
                given="s3://models/qwen",
                allowed=f"another image, by models.qwen.image; {NO_S3}",
            ),
        ),
        (
            {"models.qwen": {**S3, "engine": "sglang"}},
            Fault(
                path="models.qwen.source",
                problem="image docker.io/lmsysorg/sglang:v0.5.6.post2-runtime cannot stream weights from object"
                " storage: SGLang 0.5.6.post2 has no runai_streamer, and what its loader `remote` needs for S3, boto3,"
                " is none of its requirements",
                given="s3://models/qwen",
                allowed=f"another image, by models.qwen.image; {NO_S3}",
            ),
        ),
        (
            {"models.qwen": {**S3, **CUSTOM}},
            Fault(
                path="models.qwen.source",
                problem="engine custom cannot stream weights from object storage",
                given="s3://models/qwen",
                allowed=f"engine sglang, vllm; {NO_S3}",
            ),
        ),
        (
            {**CACHED, "models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "cache": {"storageClass": "efs"}, **CUSTOM}},
            Fault(
                path="models.qwen.cache",
                problem="engine custom cannot fill a cache: its image is not known to hold Python with huggingface_hub",
                allowed="engine sglang, vllm; a claim that you fill yourself, as a source of scheme pvc or pvc+hf",
            ),
        ),
        (
            {"models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "revision": "v1", **CUSTOM}},
            Fault(
                path="models.qwen.revision",
                problem="engine custom cannot be told a revision of the repository",
                given="v1",
                allowed="engine sglang, vllm; the engine's own argument, in its args",
            ),
        ),
        (
            {"models.qwen": {"source": "pvc://w/a", "weights": "1Gi", "revision": "v1"}},
            Fault(
                path="models.qwen.revision",
                problem="has no meaning with a source of scheme pvc: only a repository on Hugging Face has revisions",
                given="v1",
                allowed="remove the key; say the version in the source's own path or tag",
            ),
        ),
        (
            {**CACHED, "models.qwen": {"source": "pvc://w/a", "weights": "1Gi", "cache": {"storageClass": "efs"}}},
            Fault(
                path="models.qwen.cache",
                problem="has no meaning with a source of scheme pvc: nothing is downloaded",
                allowed="remove the key, or a source hf://<org>/<model>",
            ),
        ),
        (
            {**CACHED, "models.qwen.cache.storageClass": "esf"},
            Fault(
                path="models.qwen.cache.storageClass",
                problem="unknown storage class: storageClasses describes the cluster's",
                given="esf",
                allowed="efs",
                nearest="efs",
            ),
        ),
        (
            {
                "storageClasses": {"gp3": {"accessModes": ["ReadWriteOnce"]}, "efs": EFS},
                "models.qwen.cache": {"storageClass": "gp3"},
            },
            Fault(
                path="models.qwen.cache.storageClass",
                problem="offers ReadWriteOnce, but pods on several nodes read the cache that a Job fills: it takes"
                " ReadWriteMany",
                given="gp3",
                allowed="efs",
            ),
        ),
        (
            {**CACHED, "models.qwen.weights": "10Gi", "models.qwen.cache.size": "11Gi"},
            Fault(
                path="models.qwen.cache.size",
                problem="1.2 x 10.0 GiB of weights do not fit",
                given="11.0 GiB",
                allowed="12Gi or more, or no key",
            ),
        ),
        (
            {**CACHED, "storageClasses.efs.maxSize": "1Gi"},
            Fault(
                path="models.qwen.cache.size",
                problem="2.0 GiB are more than class efs has: 1.0 GiB at most",
                allowed="a class with larger volumes",
            ),
        ),
        (
            {**CACHED, "storageClasses.efs.minSize": "100Gi", "models.qwen.cache.size": "10Gi"},
            Fault(
                path="models.qwen.cache.size",
                problem="is less than the smallest volume of class efs",
                given="10.0 GiB",
                allowed="100.0 GiB or more, or no key",
            ),
        ),
        (
            {"storageClasses": {"efs": {**EFS, "minSize": "2Ti"}}},
            Fault(path="storageClasses.efs", problem="minSize is above maxSize"),
        ),
        (
            {"objectStorage": {"endpoint": "minio:9000"}},
            Fault(
                path="objectStorage.endpoint",
                problem="must be the URL of a server, such as https://minio.example.com:9000, without a user",
                given="minio:9000",
            ),
        ),
        (
            {"models.qwen.revision": "../x"},
            Fault(
                path="models.qwen.revision",
                problem="must be a commit, a tag or a branch: letters, digits, '.', '_', '/' and '-'",
                given="../x",
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_refused(changes: dict[str, Any], expected: Fault) -> None:
    """The fault says what cannot, why, and what could."""
    assert faults(changes) == [expected]


def test_an_image_of_weights_takes_the_nodes_disk_once() -> None:
    """Pods of one node share the image: 30 GiB of weights are counted once, not for each of four pods."""
    changes = {
        "gpuPools": {"l40s": {"instanceType": "g6e.12xlarge", "diskSizeGib": 170}},
        "models.qwen": {"source": "oci://r.io/qwen:v1", "weights": "30Gi", "replicas": 4},
    }

    (fault,) = faults({**changes, "gpuPools.l40s.diskSizeGib": 140})
    assert faults(changes) == []
    assert fault.path == "gpuPools.l40s.diskSizeGib"
    assert fault.problem == (
        "4 x 20 GiB for pods of model qwen on one node (20 GiB of caches each) do not fit into the 70 GiB that 40 GiB"
        " of images and 30 GiB of weights in one leave"
    )
