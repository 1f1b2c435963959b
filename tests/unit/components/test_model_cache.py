"""The objects of a ModelCache, and the script that its Job runs.

What these tests cannot prove: that Hugging Face answers as the stand-in here does, or that an engine reads the cache.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.model_cache import ModelCacheArgs, build
from components.model_cache import prefetch as script
from tests.support.configs import SECRET, plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

CACHED = {"storageClasses": {"efs": {"accessModes": ["ReadWriteMany"]}}, "models.qwen.cache": {"storageClass": "efs"}}
GIB = 2**30


def _args(changes: dict[str, Any] | None = None) -> ModelCacheArgs:
    cache = plan(CACHED | (changes or {})).models["qwen"].cache

    assert cache is not None
    return cache


def _job(args: ModelCacheArgs) -> dict[str, Any]:
    return dict(build(args)[""])


def _container(args: ModelCacheArgs) -> dict[str, Any]:
    (container,) = _job(args)["spec"]["template"]["spec"]["containers"]
    return dict(container)


def _env(args: ModelCacheArgs) -> dict[str, object]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in _container(args)["env"]}


def test_the_objects_are_exactly_these() -> None:
    """A claim, what fills it, and nobody who may reach that; claim and Job are named by what they hold."""
    objects = build(_args())

    assert kinds_and_names(objects) == {
        "claim": ("PersistentVolumeClaim", "qwen-weights-85594baa"),
        "script": ("ConfigMap", "qwen-prefetch"),
        "account": ("ServiceAccount", "qwen-prefetch"),
        "network": ("NetworkPolicy", "qwen-prefetch"),
        "": ("Job", objects[""]["metadata"]["name"]),
    }
    assert objects[""]["metadata"]["name"].startswith("qwen-prefetch-")
    assert objects["network"]["spec"] == {
        "podSelector": {"matchLabels": objects["network"]["metadata"]["labels"]},
        "policyTypes": ["Ingress"],
    }


@pytest.mark.parametrize(
    ("changes", "size", "seconds"),
    [
        ({}, "2Gi", 900 + 1200 + 52),
        ({"models.qwen.weights": "10Gi"}, "12Gi", 900 + 1200 + 308),
        ({"models.qwen.cache.size": "10Gi"}, "10Gi", 900 + 1200 + 256),
        ({"storageClasses.efs.minSize": "1200Gi"}, "1200Gi", 900 + 1200 + 52),
    ],
)
def test_size_and_time_follow_from_the_weights(changes: dict[str, Any], size: str, seconds: int) -> None:
    """The claim has a fifth to spare; the Job may take as long as a slow connection takes to fill it."""
    objects = build(_args(changes))

    assert objects["claim"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "efs",
        "resources": {"requests": {"storage": size}},
    }
    assert objects[""]["spec"]["activeDeadlineSeconds"] == seconds


def test_a_claim_is_of_one_revision_and_one_class() -> None:
    """Another revision or class is another claim beside the old one; another size is the same claim."""
    args = _args()
    others = [replace(args, revision="v2"), replace(args, storage_class="fsx"), replace(args, repository="a/b")]

    assert len({args.claim, *(other.claim for other in others)}) == 4
    assert replace(args, size_bytes=1).claim == args.claim


def test_a_job_that_changes_is_another_job() -> None:
    """A Job's pod never changes, so its name does; the same Job keeps its name."""
    args = _args()

    assert _job(args)["metadata"]["name"] == _job(_args())["metadata"]["name"]
    assert _job(args)["metadata"]["name"] != _job(replace(args, image="r.io/other:1"))["metadata"]["name"]


def test_the_job_is_told_what_to_download_and_how_much() -> None:
    """Repository, revision and limit are environment, the token is a Secret's key, and the Hub's cache is the claim."""
    args = _args({"models.qwen.revision": "c1899de289a04d12100db370d81485cdf75e47ca", "huggingFace": {"token": SECRET}})

    assert _env(args) == {
        "HF_HUB_CACHE": "/model-cache",
        "HF_TOKEN": {"secretKeyRef": {"name": "hugging-face-token", "key": "HF_TOKEN"}},
        "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
        "HOME": "/home/llm-d",
        "LIMIT_BYTES": str(2 * GIB),
        "REPOSITORY": "Qwen/Qwen3-0.6B",
        "REVISION": "c1899de289a04d12100db370d81485cdf75e47ca",
        "TMPDIR": "/home/llm-d",
        "USER": "llm-d",
    }
    assert "REVISION" not in _env(_args())
    assert _container(args)["command"] == ["python3", "/prefetch/prefetch.py"]


def test_the_job_runs_the_engines_image_on_no_gpu() -> None:
    """Who writes the cache is who reads it, and a download holds no GPU."""
    made = plan({**CACHED, "images": {"registry": "mirror.example.com", "pullSecrets": ["pull"]}}).models["qwen"]
    assert made.cache is not None

    assert made.cache.image == made.service.image == "mirror.example.com/llm-d/llm-d-cuda:v0.4.0"
    assert _container(made.cache)["resources"] == {
        "requests": {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "4Gi"},
        "limits": {"memory": "8Gi"},
    }
    assert build(made.cache)[""]["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def test_what_no_retry_changes_fails_the_job_at_once() -> None:
    """A repository that does not fit ends the Job; anything else is tried again within the time budget."""
    spec = _job(_args())["spec"]

    assert spec["backoffLimit"] == 5
    assert spec["podFailurePolicy"] == {
        "rules": [{"action": "FailJob", "onExitCodes": {"containerName": "prefetch", "operator": "In", "values": [3]}}]
    }


def test_the_pod_passes_the_restricted_standard() -> None:
    """A namespace that enforces `restricted` takes the pod, which writes to the claim and its home alone."""
    template = _job(_args())["spec"]["template"]

    assert restricted_violations(template) == []
    assert template["spec"]["automountServiceAccountToken"] is False
    assert template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_servers_read_the_cache_and_have_no_token() -> None:
    """All replicas mount the claim read-only, offline; the engine is told repository and revision, as before."""
    made = plan({**CACHED, "models.qwen.revision": "v1", "huggingFace": {"token": SECRET}}).models["qwen"]

    assert (made.service.weights.claim, made.service.weights.hub) == ("qwen-weights-e88f6745", "")
    assert made.service.weights.token_secret is None
    assert (made.service.weights.model, made.service.weights.revision) == ("Qwen/Qwen3-0.6B", "v1")


# A stand-in for huggingface_hub: a repository of three files, of which it downloads what is asked for.
HUB = """
import json, os
from pathlib import Path
from types import SimpleNamespace

FILES = {"config.json": 10, "model.safetensors": 100, "original/model.pth": 1000}

class HfApi:
    def model_info(self, repository, revision, files_metadata):
        files = [SimpleNamespace(rfilename=name, size=size) for name, size in FILES.items()]
        return SimpleNamespace(sha="abc", siblings=files)

def snapshot_download(repository, revision, ignore_patterns):
    folder = Path(os.environ["HF_HUB_CACHE"]) / "snapshot"
    folder.mkdir(exist_ok=True)
    (folder / "asked.json").write_text(json.dumps([repository, revision, ignore_patterns]))
    for name, size in FILES.items():
        if not name.startswith("original/"):
            (folder / name).write_bytes(b"0" * (size - int(os.environ.get("SHORT", "0"))))
    return str(folder)
"""


def _run_script(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "huggingface_hub.py").write_text(HUB)
    values = {"PYTHONPATH": str(tmp_path), "HF_HUB_CACHE": str(tmp_path), "REPOSITORY": "org/model", **environment}
    return subprocess.run(
        [sys.executable, script.__file__],
        env={**os.environ, **values},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_script_downloads_one_revision_without_copies(tmp_path: Path) -> None:
    """It says what it downloads, leaves out what no engine reads, and ends well once every file is whole."""
    done = _run_script(tmp_path, REVISION="v1", LIMIT_BYTES="110")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"org/model at abc: 2 files, 110 bytes\ncomplete in {tmp_path / 'snapshot'}\n"
    asked = json.loads((tmp_path / "snapshot" / "asked.json").read_text())
    assert asked == ["org/model", "v1", ["original/*", "metal/*"]]


def test_the_script_refuses_what_does_not_fit_before_it_downloads(tmp_path: Path) -> None:
    """The arithmetic, the key to set, and the exit code that the Job does not retry."""
    done = _run_script(tmp_path, LIMIT_BYTES="109")

    assert (done.returncode, done.stdout) == (3, "org/model at abc: 2 files, 110 bytes\n")
    assert done.stderr == "they do not fit into the claim's 109 bytes; set models.<name>.cache.size\n"
    assert not (tmp_path / "snapshot").exists()


def test_the_script_fails_where_a_file_is_not_whole(tmp_path: Path) -> None:
    """A download that ended early is tried again instead of being served."""
    done = _run_script(tmp_path, LIMIT_BYTES="110", SHORT="1")

    assert done.returncode == 1
    assert done.stderr == "not as large as Hugging Face says: config.json, model.safetensors\n"
