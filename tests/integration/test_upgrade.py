"""A live stack from one release line to the next and back, on a lab of its own, through the real CLI and engine.

The lab is its own because the stack brings its CRDs. What a picker or an engine of the other line makes of its new
arguments cannot be seen here: no pod runs.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lab import Lab, Toolchain
from lab.stack import simulated_pools
from operate.workspace import ROOT, read_stack_document
from releases import RELEASES
from settings import load_stack_file
from tests.support.clusters import Kubectl
from tests.support.stacks import CaseStack, on_lab

# One stack through its life: the tests of this file go on where the one before ended.
pytestmark = pytest.mark.xdist_group("upgrade")

DEV = ROOT / "Pulumi.dev.yaml"
CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::platform-crds-"
GATEWAY_API = ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants")
ONLY_IN_V0_4 = [
    "inferencemodelrewrites.inference.networking.x-k8s.io",
    "inferenceobjectives.inference.networking.x-k8s.io",
]
ONLY_IN_V0_9 = [
    "backendtlspolicies.gateway.networking.k8s.io",
    "inferencemodelrewrites.llm-d.ai",
    "inferenceobjectives.llm-d.ai",
    "listenersets.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
]
IN_BOTH = ["inferencepools.inference.networking.k8s.io", *(f"{name}.gateway.networking.k8s.io" for name in GATEWAY_API)]
UPDATED = {f"{CRD}{name}" for name in IN_BOTH} | {
    f"{kind}::serving-{model}{suffix}"
    for model in ("qwen3-0-6b", "qwen3-4b")
    for kind, suffix in (
        ("kubernetes:apps/v1:Deployment", ""),
        ("kubernetes:apps/v1:Deployment", "-picker"),
        ("kubernetes:core/v1:ConfigMap", "-picker-config"),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", "-picker-role"),
    )
}


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with the nodes of stack dev."""
    lab = Lab(tmp_path_factory.mktemp("upgrade") / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    lab.up(simulated_pools(load_stack_file(DEV)))
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def config(own_lab: Lab) -> dict[str, Any]:
    """Stack dev's own config on this lab, on line v0.4, with a second model on SGLang."""
    config = on_lab(own_lab, read_stack_document(DEV)["config"])
    config["llm-d:release"] = "v0.4"
    config["llm-d:models"]["qwen3-4b"] = {"source": "hf://Qwen/Qwen3-4B", "engine": "sglang"}
    return config


@pytest.fixture(scope="module")
def stack(own_lab: Lab, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> CaseStack:
    """The stack, up on line v0.4."""
    stack = CaseStack(own_lab, tmp_path_factory.mktemp("dev"), "dev", config)
    stack.up()
    return stack


@pytest.fixture(scope="module")
def kubectl(own_lab: Lab) -> Kubectl:
    """Kubectl on this lab."""
    return Kubectl(own_lab)


@pytest.fixture(scope="module")
def born(stack: CaseStack, kubectl: Kubectl) -> dict[str, str]:
    """The identity of every object of the stack, as `up` on line v0.4 made it."""
    assert stack.outputs()["release"] == "v0.4"
    return _identities(kubectl)


def _identities(kubectl: Kubectl) -> dict[str, str]:
    kinds = "deployments,services,inferencepools,configmaps,serviceaccounts,roles,rolebindings,networkpolicies"
    found = kubectl.objects(f"{kinds},poddisruptionbudgets", "--namespace", "llm-d", "--selector", OURS)
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["uid"] for item in found}


OURS = "app.kubernetes.io/part-of=llm-d"


def _crds(kubectl: Kubectl) -> list[str]:
    return sorted(item["metadata"]["name"] for item in kubectl.objects("customresourcedefinitions"))


def _steps(stack: CaseStack) -> dict[str, set[str]]:
    """Operation -> the resources of providers, without the program's own components."""
    found: dict[str, set[str]] = {}
    for urn, operation in stack.steps().items():
        name = urn.rpartition("$")[2]
        if name.startswith("kubernetes:"):
            found.setdefault(operation, set()).add(name)
    return found


def _pods(kubectl: Kubectl) -> list[tuple[str, str, str | None]]:
    """Model, image and engine label of every model server's pod."""
    pods = kubectl.objects("pods", "--namespace", "llm-d", "--selector", "llm-d.ai/model")
    return sorted(
        (
            pod["metadata"]["labels"]["llm-d.ai/model"],
            pod["spec"]["containers"][0]["image"],
            pod["metadata"]["labels"].get("llm-d.ai/engine-type"),
        )
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    )


def test_the_preview_from_v0_4_to_v0_9_replaces_nothing(
    stack: CaseStack, config: dict[str, Any], born: dict[str, str]
) -> None:
    """Servers, pickers and CRDs change in place; created and deleted are the CRDs of one line alone."""
    assert len(born) > 0
    stack.configure({**config, "llm-d:release": "v0.9"})

    assert _steps(stack) == {
        "create": {f"{CRD}{name}" for name in ONLY_IN_V0_9},
        "delete": {f"{CRD}{name}" for name in ONLY_IN_V0_4},
        "update": UPDATED,
    }


def test_the_stack_is_taken_to_v0_9_and_nothing_is_orphaned(
    stack: CaseStack, kubectl: Kubectl, born: dict[str, str]
) -> None:
    """After `up` every object is the one of before, the cluster has the new line's CRDs, and no step is left."""
    stack.up()

    assert _identities(kubectl) == born
    assert _crds(kubectl) == sorted([*IN_BOTH, *ONLY_IN_V0_9])
    assert stack.outputs()["release"] == "v0.9"
    assert _steps(stack) == {}
    assert [item for item in stack.state() if item.get("delete") or item.get("pendingReplacement")] == []
    vllm, sglang = (RELEASES["v0.9"].engines[name] for name in ("vllm", "sglang"))
    assert _pods(kubectl) == [
        ("qwen3-0-6b", vllm.images[vllm.default].reference, "vllm"),
        ("qwen3-0-6b", vllm.images[vllm.default].reference, "vllm"),
        ("qwen3-4b", sglang.images[sglang.default].reference, "sglang"),
    ]


def test_the_way_back_is_refused_where_the_older_line_cannot_run_what_is_there(
    stack: CaseStack, config: dict[str, Any], kubectl: Kubectl, born: dict[str, str]
) -> None:
    """A stack with an engine that line v0.4 has not is refused with the reason, and nothing of it is touched."""
    models = {**config["llm-d:models"], "qwen3-4b": {"source": "hf://Qwen/Qwen3-4B", "engine": "tensorrt-llm"}}
    stack.configure({**config, "llm-d:models": models})

    output = stack.expect(255, "up", "--yes", "--skip-preview")

    assert "llm-d:models.qwen3-4b.engine: release line v0.4 cannot run tensorrt-llm" in output
    assert "nothing was applied" in output
    assert _identities(kubectl) == born
    assert _crds(kubectl) == sorted([*IN_BOTH, *ONLY_IN_V0_9])


def test_the_way_back_is_a_rollout_like_the_way_there(
    stack: CaseStack, config: dict[str, Any], kubectl: Kubectl, born: dict[str, str]
) -> None:
    """What the older line can run goes back to it whole: same objects, its CRDs alone, no step left."""
    stack.configure(config)
    assert _steps(stack) == {
        "create": {f"{CRD}{name}" for name in ONLY_IN_V0_4},
        "delete": {f"{CRD}{name}" for name in ONLY_IN_V0_9},
        "update": UPDATED,
    }
    stack.up()

    assert _identities(kubectl) == born
    assert _crds(kubectl) == sorted([*IN_BOTH, *ONLY_IN_V0_4])
    assert _steps(stack) == {}
    cuda, sglang = (RELEASES["v0.4"].engines[name] for name in ("vllm", "sglang"))
    assert _pods(kubectl) == [
        ("qwen3-0-6b", cuda.images[cuda.default].reference, None),
        ("qwen3-0-6b", cuda.images[cuda.default].reference, None),
        ("qwen3-4b", sglang.images[sglang.default].reference, None),
    ]
    stack.expect(0, "destroy", "--yes", "--skip-preview")
    assert _crds(kubectl) == []
