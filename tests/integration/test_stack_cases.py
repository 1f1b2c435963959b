"""What the program does on a cluster beside the life of one stack: several engines, renders, refusals.

The lab has the CRDs of line v0.4 already, as a cluster of several teams has; each stack has a namespace of its own.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from lab import Lab, SimulatedPool, Toolchain
from operate.render import render
from operate.workspace import ROOT
from releases import RELEASES
from releases.crd_store import read_crd
from tests.support.clusters import Kubectl
from tests.support.stacks import CaseStack, case_config

pytestmark = pytest.mark.xdist_group("cases")

POOL = SimulatedPool(
    name="h100",
    count=3,
    instance_type="p5.48xlarge",
    capacity={"cpu": "190", "ephemeral-storage": "1Ti", "memory": "1800Gi", "nvidia.com/gpu": "8", "pods": "110"},
    taints=({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},),
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with CRDs."""
    lab = Lab(tmp_path_factory.mktemp("cases") / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    lab.up([POOL])
    files = (file for bundle in RELEASES["v0.4"].crd_bundles for file in bundle.files)
    Kubectl(lab).apply(*(read_crd(file) for file in files))
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def kubectl(cluster: Lab) -> Kubectl:
    """Kubectl on this lab."""
    return Kubectl(cluster)


def _matches(selector: dict[str, str], pod: dict[str, Any]) -> bool:
    labels: dict[str, str] = pod["metadata"]["labels"]
    return selector.items() <= labels.items()


def test_two_engines_live_in_one_namespace_and_no_pool_selects_the_others_pods(
    cluster: Lab, kubectl: Kubectl, tmp_path: Path
) -> None:
    """Of two models on two engines each InferencePool selects exactly the live pods of its own model."""
    models = {
        "first": {"source": "hf://Qwen/Qwen3-0.6B", "replicas": 2},
        "second": {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang", "replicas": 3},
    }
    stack = CaseStack(cluster, tmp_path, "two", case_config(cluster, "two-engines", models=models))
    stack.up()

    pods = kubectl.objects("pods", "--namespace", "two-engines")
    pools = kubectl.objects("inferencepools", "--namespace", "two-engines")
    selected = {
        pool["metadata"]["name"]: sorted(
            pod["spec"]["containers"][0]["image"]
            for pod in pods
            if _matches(pool["spec"]["selector"]["matchLabels"], pod)
        )
        for pool in pools
    }
    assert selected == {
        "first": ["ghcr.io/llm-d/llm-d-cuda:v0.4.0"] * 2,
        "second": ["docker.io/lmsysorg/sglang:v0.5.6.post2-runtime"] * 3,
    }
    stack.expect(0, "destroy", "--yes", "--skip-preview")


def test_prefill_comes_and_goes_on_a_live_model(cluster: Lab, kubectl: Kubectl, tmp_path: Path) -> None:
    """Prefill is added and taken away by a rollout: no object is replaced, and no selector changes."""
    model = {"source": "hf://Qwen/Qwen3-8B", "parallelism": {"tensor": 2}}
    stack = CaseStack(cluster, tmp_path, "roles", case_config(cluster, "roles", models={"small": model}))
    stack.up()
    selector = _selector(kubectl)
    disaggregated = {**model, "prefill": {"replicas": 2}}
    stack.configure(case_config(cluster, "roles", models={"small": disaggregated}))

    steps = {urn.rpartition("::")[2]: operation for urn, operation in stack.steps().items()}
    stack.up()
    pods = kubectl.objects("pods", "--namespace", "roles", "--selector", "llm-d.ai/model=small")
    pool = kubectl.objects("inferencepools", "--namespace", "roles")[0]["spec"]["selector"]["matchLabels"]

    assert set(steps.values()) == {"create", "update"}
    assert sorted(name for name, operation in steps.items() if operation == "create") == [
        *("serving-small-prefill", "serving-small-prefill-budget", "serving-small-prefill-network"),
    ]
    assert _selector(kubectl) == selector
    assert sorted(pod["metadata"]["labels"]["llm-d.ai/role"] for pod in pods) == ["decode", "prefill", "prefill"]
    assert all(_matches(pool, pod) for pod in pods)
    assert stack.steps() == {}

    stack.configure(case_config(cluster, "roles", models={"small": model}))
    stack.up()

    assert [item["metadata"]["name"] for item in kubectl.objects("deployments", "--namespace", "roles")] == [
        *("inference-gateway", "small-decode", "small-epp")
    ]
    stack.expect(0, "destroy", "--yes", "--skip-preview")


def _selector(kubectl: Kubectl) -> object:
    (deployment,) = kubectl.objects(
        "deployments", "--namespace", "roles", "--field-selector", "metadata.name=small-decode"
    )
    return deployment["spec"]["selector"]


def _stated(live: dict[str, Any], rendered: dict[str, Any]) -> object:
    """What the live object says about everything that the render states."""

    def project(have: object, want: object) -> object:
        if isinstance(want, dict) and isinstance(have, dict):
            return {key: project(have.get(key), value) for key, value in want.items()}
        if isinstance(want, list) and isinstance(have, list) and len(have) == len(want):
            return [project(left, right) for left, right in zip(have, want, strict=True)]
        return have

    return project(live, rendered)


def test_a_render_applied_by_kubectl_is_what_up_makes(cluster: Lab, kubectl: Kubectl, tmp_path: Path) -> None:
    """The rendered manifests pass the API server, and each of their fields has the same value after `pulumi up`."""
    config = case_config(cluster, "rendered")
    path = tmp_path / "Pulumi.case.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    files = render(path, tmp_path / "out", Console(stderr=True))
    manifests = [yaml.safe_load((tmp_path / "out" / file).read_text()) for file in files]

    kubectl("apply", "--server-side", "--filename", str(tmp_path / "out" / "cluster"))
    kubectl("apply", "--server-side", "--filename", str(tmp_path / "out" / "rendered"))
    by_kubectl = [_live(kubectl, manifest) for manifest in manifests]
    kubectl("delete", "namespace", "rendered")
    stack = CaseStack(cluster, tmp_path / "project", "rendered", config)
    stack.up()
    by_pulumi = [_live(kubectl, manifest) for manifest in manifests]

    assert [_stated(live, manifest) for live, manifest in zip(by_kubectl, manifests, strict=True)] == manifests
    assert [_stated(live, manifest) for live, manifest in zip(by_pulumi, manifests, strict=True)] == manifests
    assert len([item for item in stack.state() if item["type"].startswith("kubernetes:")]) == len(manifests)
    stack.expect(0, "destroy", "--yes", "--skip-preview")


def _live(kubectl: Kubectl, manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = f"{manifest['kind']}.{version}.{group}" if group else manifest["kind"]
    namespace = ("--namespace", metadata["namespace"]) if "namespace" in metadata else ()
    found: dict[str, Any] = json.loads(kubectl("get", kind, metadata["name"], *namespace, "--output", "json"))
    return found


def test_bad_config_is_refused_whole_before_anything_is_applied(cluster: Lab, kubectl: Kubectl, tmp_path: Path) -> None:
    """`up` with many faults ends non-zero with all of them in one message, applies nothing and shows no traceback."""
    config = case_config(
        cluster,
        "refused",
        engine="vlm",
        gpuPools={"h100": {"instanceType": "p5.48xlarge", "maxSize": 1, "advertiser": "external"}},
        models={
            "wide": {"source": "hf://Qwen/Qwen3-8B", "engine": "vllm", "parallelism": {"tensor": 16}},
            "unknown": {"source": "hf://nobody/nothing", "engine": "vllm", "replica": 2},
        },
    )
    stack = CaseStack(cluster, tmp_path, "refused", config)

    result = stack.run("up", "--yes", "--skip-preview")

    assert result.code != 0
    assert "Traceback" not in result.output
    assert "4 faults in the stack's config; nothing was applied." in result.output
    for fault in (
        "llm-d:engine: unknown engine",
        "llm-d:models.unknown.replica: unknown key",
        "llm-d:models.unknown.weights: is required",
        "llm-d:models.wide: one replica needs 16 GPUs of one node, the widest node has 8",
    ):
        assert result.output.count(fault) >= 1
    assert kubectl.objects("namespaces", "--field-selector", "metadata.name=refused") == []
    assert [item["type"] for item in stack.state()] in ([], ["pulumi:pulumi:Stack"])


def test_a_secret_token_is_secret_in_the_state_and_whole_on_the_cluster(
    cluster: Lab, kubectl: Kubectl, tmp_path: Path
) -> None:
    """The token of the config reaches the cluster's Secret, and neither the state nor the output shows it."""
    token = "hf_" + "x" * 20
    config = case_config(cluster, "gated", models={"llama": {"source": "hf://meta-llama/Llama-3.1-8B-Instruct"}})
    stack = CaseStack(cluster, tmp_path, "gated", config)
    stack.expect(0, "config", "set", "--secret", "--path", "llm-d:huggingFace.token", token)
    output = stack.up()

    live = kubectl("get", "secret", "hugging-face-token", "--namespace", "gated", "--output", "json")
    assert base64.b64decode(json.loads(live)["data"]["HF_TOKEN"]).decode() == token
    exported = stack.expect(0, "stack", "export")
    assert token not in output + exported
    stack.expect(0, "destroy", "--yes", "--skip-preview")


def test_a_cluster_out_of_reach_is_said_at_once(tmp_path: Path) -> None:
    """`operate up` on a cluster that does not answer ends within seconds, names the cluster and does not hang."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "gone",
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "gone"}}],
        "clusters": [{"name": "gone", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "gone", "user": {"token": "none"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    config = {
        "llm-d:release": "v0.4",
        "llm-d:cluster": {"existing": {"kubeconfig": str(tmp_path / "kubeconfig")}},
        "llm-d:gpuPools": {"l4": {"instanceType": "g6.xlarge"}},
        "llm-d:models": {"small": {"source": "hf://Qwen/Qwen3-0.6B"}},
    }
    stack = tmp_path / "Pulumi.gone.yaml"
    stack.write_text(yaml.safe_dump({"config": config}))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "operate", "up", "--stack", str(stack)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert f"the cluster of context 'gone' is out of reach: https://127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 15
