"""How a pod gets its weights from each kind of source.

What these tests cannot prove: that the claim, the image or the bucket holds a model, or that the engine reads it.
"""

from typing import Any

import pytest

from components.model_service import ModelServiceArgs, build
from tests.support.configs import plan
from tests.support.pod_security import restricted_violations

STREAMED = {
    "models.qwen": {"source": "s3://models/qwen", "weights": "1Gi", "image": "vllm-openai"},
    "objectStorage": {"region": "eu-central-1"},
}


def _args(changes: dict[str, Any]) -> ModelServiceArgs:
    return plan(changes).models["qwen"].service


def _pod(changes: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = build(_args(changes))[""]["spec"]["template"]["spec"]
    return pod


def _container(changes: dict[str, Any]) -> dict[str, Any]:
    return dict(_pod(changes)["containers"][0])


def _env(changes: dict[str, Any]) -> dict[str, object]:
    """What the source adds to the environment."""
    own = {"HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"}
    found = {item["name"]: item.get("value", item.get("valueFrom")) for item in _container(changes)["env"]}
    return {name: found[name] for name in found if name in own or name.startswith(("AWS_", "RUNAI_"))}


@pytest.mark.parametrize(
    ("source", "volume", "argument", "env"),
    [
        (
            "pvc+hf://shared/hub/Qwen/Qwen3-0.6B",
            {"persistentVolumeClaim": {"claimName": "shared", "readOnly": True}},
            "Qwen/Qwen3-0.6B",
            {"HF_HUB_CACHE": "/model-cache/hub", "HF_HUB_OFFLINE": "1"},
        ),
        (
            "pvc+hf://shared/Qwen/Qwen3-0.6B",
            {"persistentVolumeClaim": {"claimName": "shared", "readOnly": True}},
            "Qwen/Qwen3-0.6B",
            {"HF_HUB_CACHE": "/model-cache", "HF_HUB_OFFLINE": "1"},
        ),
        (
            "oci://registry.example.com/models/qwen:v1",
            {"image": {"reference": "registry.example.com/models/qwen:v1", "pullPolicy": "IfNotPresent"}},
            "/model-cache",
            {},
        ),
        (
            "oci://registry.example.com/models/qwen:v1#models/0.6b",
            {"image": {"reference": "registry.example.com/models/qwen:v1", "pullPolicy": "IfNotPresent"}},
            "/model-cache/models/0.6b",
            {},
        ),
    ],
)
def test_weights_that_are_there_are_mounted_read_only(
    source: str, volume: dict[str, Any], argument: str, env: dict[str, str]
) -> None:
    """No pod downloads, has a token or asks for disk for weights; a Hugging Face cache is read offline."""
    changes = {"models.qwen": {"source": source, "weights": "1Gi"}, "huggingFace": {"tokenSecret": "hf"}}
    container = _container(changes)

    assert _pod(changes)["volumes"][0] == {"name": "weights", **volume}
    assert container["volumeMounts"][0] == {"name": "weights", "mountPath": "/model-cache", "readOnly": True}
    assert container["args"][0] == argument
    assert container["resources"]["requests"]["ephemeral-storage"] == "20Gi"
    assert _env(changes) == env
    assert restricted_violations(build(_args(changes))[""]["spec"]["template"]) == []


def test_an_image_of_weights_comes_from_the_mirror() -> None:
    """The mirror is for every image, one of weights too."""
    changes = {
        "models.qwen": {"source": "oci://registry.example.com/models/qwen:v1", "weights": "1Gi"},
        "images": {"registry": "mirror.example.com"},
    }

    assert _pod(changes)["volumes"][0]["image"]["reference"] == "mirror.example.com/models/qwen:v1"


def test_streamed_weights_have_no_volume() -> None:
    """The engine is given the bucket's URL and told to stream; neither a volume nor disk is for weights."""
    container = _container(STREAMED)

    assert container["args"] == [
        *("s3://models/qwen", "--port", "8000", "--served-model-name", "qwen", "--load-format", "runai_streamer"),
        "--disable-uvicorn-access-log",
    ]
    assert [volume["name"] for volume in _pod(STREAMED)["volumes"]] == ["home", "shm"]
    assert [mount["name"] for mount in container["volumeMounts"]] == ["home", "shm"]
    assert container["resources"]["requests"]["ephemeral-storage"] == "20Gi"
    assert _env(STREAMED) == {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_REGION": "eu-central-1"}


def test_storage_that_is_not_aws_is_told_by_its_endpoint() -> None:
    """Endpoint and addressing follow vLLM's own advice; keys come from a Secret."""
    storage = {"endpoint": "https://minio.example.com:9000", "credentialsSecret": "bucket"}

    assert _env({**STREAMED, "objectStorage": storage}) == {
        "AWS_ACCESS_KEY_ID": {"secretKeyRef": {"name": "bucket", "key": "AWS_ACCESS_KEY_ID"}},
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "https://minio.example.com:9000",
        "AWS_SECRET_ACCESS_KEY": {"secretKeyRef": {"name": "bucket", "key": "AWS_SECRET_ACCESS_KEY"}},
        "RUNAI_STREAMER_S3_ENDPOINT": "https://minio.example.com:9000",
        "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0",
    }


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_a_revision_is_told_to_the_engine(engine: str) -> None:
    """The engine downloads, or reads from a cache, exactly this version of the repository."""
    args = _container({"engine": engine, "models.qwen.revision": "v1"})["args"]

    assert args[args.index("--revision") + 1] == "v1"


@pytest.mark.parametrize(("cached", "failures"), [(False, 162), (True, 113)])
def test_a_start_from_a_cache_is_given_less_time(cached: bool, failures: int) -> None:  # noqa: FBT001 - the two cases
    """28 GiB take 717 s from Hugging Face and 230 s from a volume; what an engine needs beside that is the same."""
    classes = {"storageClasses": {"efs": {"accessModes": ["ReadWriteMany"]}}}
    changes = {
        "gpuPools": {"l40s": {"instanceType": "g6e.2xlarge"}},
        "models.qwen.weights": "28Gi",
        **(classes | {"models.qwen.cache": {"storageClass": "efs"}} if cached else {}),
    }

    assert _container(changes)["startupProbe"]["failureThreshold"] == failures
