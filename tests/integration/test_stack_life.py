"""The whole life of a stack that owns everything, on a lab of its own, through the real CLI, engine and provider.

The lab is its own because the end asserts an empty cluster. What a kubelet, an image or a GPU would refuse cannot be
seen here: no pod runs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, SimulatedPool, Toolchain
from lab.stack import simulated_pools
from operate.workspace import ROOT, read_stack_document
from settings import load_stack_file
from tests.support.clusters import Kubectl
from tests.support.stacks import CaseStack, on_lab

# One stack through its life: the tests of this file go on where the one before ended.
pytestmark = pytest.mark.xdist_group("life")

DEV = ROOT / "Pulumi.dev.yaml"
NAMESPACES_OF_A_CLUSTER = {"default", "kube-node-lease", "kube-public", "kube-system"}


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with the nodes of stack dev."""
    lab = Lab(tmp_path_factory.mktemp("life") / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    pools: tuple[SimulatedPool, ...] = simulated_pools(load_stack_file(DEV))
    lab.up(pools)
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def config(own_lab: Lab) -> dict[str, object]:
    """Stack dev's own config, on this lab."""
    return on_lab(own_lab, read_stack_document(DEV)["config"])


@pytest.fixture(scope="module")
def stack(own_lab: Lab, config: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> CaseStack:
    """Stack dev, up."""
    stack = CaseStack(own_lab, tmp_path_factory.mktemp("dev"), "dev", config)
    stack.up()
    return stack


@pytest.fixture(scope="module")
def kubectl(own_lab: Lab) -> Kubectl:
    """Kubectl on this lab."""
    return Kubectl(own_lab)


def test_everything_is_available(stack: CaseStack, kubectl: Kubectl) -> None:
    """After `up` every Deployment has all its replicas available and the DaemonSet runs on every GPU node."""
    deployments = kubectl.objects("deployments", "--namespace", "llm-d")
    daemon_sets = kubectl.objects("daemonsets", "--all-namespaces")

    available = {item["metadata"]["name"]: item["status"].get("availableReplicas") for item in deployments}
    assert available == {"inference-gateway": 2, "qwen3-0-6b-decode": 2, "qwen3-0-6b-epp": 1}
    ready = {item["metadata"]["name"]: item["status"]["numberReady"] for item in daemon_sets}
    assert ready == {"nvidia-device-plugin": 3}
    assert stack.outputs()["models"] == {
        "qwen3-0-6b": {
            "engine": "vllm",
            "gpus": 2,
            "image": "docker.io/vllm/vllm-openai:v0.26.0",
            "path": "/qwen3-0-6b",
            "replicas": 2,
            "servedName": "Qwen/Qwen3-0.6B",
        }
    }


def test_the_gateway_has_no_url_on_a_simulated_cluster(stack: CaseStack) -> None:
    """The gateway's URL is null, with the reason that the lab's kubeconfig states."""
    assert stack.outputs()["gateway"] == {
        "provider": "standalone",
        "reason": "nodes are simulated by kwok: no pod runs, so nothing answers",
        "url": None,
        "baseUrl": None,
    }


def test_model_pods_run_on_gpu_nodes_and_nothing_else_does(stack: CaseStack, kubectl: Kubectl) -> None:
    """The scheduler puts model servers on the pool's nodes; pickers and gateway stay on the others."""
    pods = kubectl.objects("pods", "--namespace", "llm-d")
    places = {(item["metadata"]["labels"]["app.kubernetes.io/name"], item["spec"]["nodeName"][:3]) for item in pods}

    assert stack.name == "dev"
    assert places == {("modelserver", "l4-"), ("endpoint-picker", "cpu"), ("inference-gateway", "cpu")}


def test_a_second_preview_is_empty(stack: CaseStack) -> None:
    """What is up is what the program says: a second preview has no step."""
    assert stack.steps() == {}


def test_drift_made_by_hand_is_found_and_repaired(stack: CaseStack, kubectl: Kubectl) -> None:
    """A field changed by hand shows up in a refreshing preview, and `up --refresh` sets it back."""
    # A field of ours and not one that an autoscaler may own.
    patch = '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}'
    kubectl("patch", "deployment", "qwen3-0-6b-epp", "--namespace", "llm-d", "--patch", patch)

    steps = stack.steps("--refresh")
    assert [urn.rpartition("::")[2] for urn, op in steps.items() if op == "update"] == ["serving-qwen3-0-6b-picker"]
    stack.expect(0, "up", "--yes", "--skip-preview", "--refresh")
    path = "jsonpath={.spec.template.spec.terminationGracePeriodSeconds}"
    arguments = ("get", "deployment", "qwen3-0-6b-epp", "--namespace", "llm-d", "--output", path)
    assert kubectl(*arguments) == "130"
    assert stack.steps() == {}


def test_an_engine_switch_is_a_rollout_of_the_same_objects(stack: CaseStack, kubectl: Kubectl) -> None:
    """`pulumi config set engine sglang` and `up` change image, command and metric map in place; selectors stay."""

    def read() -> dict[str, dict[str, Any]]:
        found = kubectl.objects("deployments,services,inferencepools,configmaps", "--namespace", "llm-d")
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in found}

    before = read()
    stack.expect(0, "config", "set", "engine", "sglang")
    operations = stack.steps()
    assert set(operations.values()) == {"update"}
    stack.up()
    after = read()

    assert {name: item["metadata"]["uid"] for name, item in after.items()} == {
        name: item["metadata"]["uid"] for name, item in before.items()
    }
    assert {name: item.get("spec", {}).get("selector") for name, item in after.items()} == {
        name: item.get("spec", {}).get("selector") for name, item in before.items()
    }
    container = after["Deployment/qwen3-0-6b-decode"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "docker.io/lmsysorg/sglang:v0.5.13.post1"
    assert container["command"] == ["python3", "-m", "sglang.launch_server"]
    labels = after["Deployment/qwen3-0-6b-decode"]["spec"]["template"]["metadata"]["labels"]
    assert labels["llm-d.ai/engine-type"] == "sglang"
    assert "queuedRequestsSpec: sglang:num_queue_reqs" in after["ConfigMap/qwen3-0-6b-epp"]["data"]["plugins.yaml"]
    assert stack.outputs()["models"]["qwen3-0-6b"]["engine"] == "sglang"


def test_the_servers_roll_before_the_picker(stack: CaseStack) -> None:
    """In the state the picker depends on the servers' Deployment: the metric map changes once its engine serves."""
    urns = {item["urn"].rpartition("$")[2]: item for item in stack.state()}
    picker = urns["llmd:index:EndpointPicker::serving-qwen3-0-6b-picker"]

    needed = {urn.rpartition("$")[2] for urn in picker["dependencies"]}
    assert needed == {
        "kubernetes:apps/v1:Deployment::serving-qwen3-0-6b",
        "kubernetes:core/v1:ServiceAccount::serving-qwen3-0-6b-account",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::serving-qwen3-0-6b-network",
        "kubernetes:policy/v1:PodDisruptionBudget::serving-qwen3-0-6b-budget",
    }


def test_destroy_leaves_the_cluster_empty(stack: CaseStack, kubectl: Kubectl) -> None:
    """After `destroy` neither a namespace, a CRD, a pod nor a cluster role of the stack is left."""
    stack.expect(0, "destroy", "--yes", "--skip-preview")

    namespaces = kubectl.objects("namespaces")
    assert {item["metadata"]["name"] for item in namespaces} == NAMESPACES_OF_A_CLUSTER
    left = kubectl.objects(
        "customresourcedefinitions,clusterroles,clusterrolebindings,runtimeclasses,pods",
        "--all-namespaces",
        "--selector",
        "app.kubernetes.io/part-of=llm-d",
    )
    assert left == []
    assert kubectl.objects("customresourcedefinitions") == []
    assert stack.state() == []


def test_an_interrupted_up_is_carried_on_by_the_next(
    own_lab: Lab, kubectl: Kubectl, config: dict[str, object], tmp_path: Path
) -> None:
    """An `up` that is killed half-way leaves a state from which the next one reaches the same end."""
    stack = CaseStack(own_lab, tmp_path, "interrupted", config)
    with stack.start("up", "--yes", "--skip-preview") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "ModelService serving-qwen3-0-6b" in line:
                break
        process.kill()

    # A killed engine leaves its lock behind, and the message of the next run says how to take it away.
    stack.expect(0, "cancel", "--yes")
    stack.up()
    assert stack.steps() == {}
    deployments = kubectl.objects("deployments", "--namespace", "llm-d")
    assert {item["metadata"]["name"] for item in deployments} == {
        "inference-gateway",
        "qwen3-0-6b-decode",
        "qwen3-0-6b-epp",
    }
    stack.expect(0, "destroy", "--yes", "--skip-preview")
