"""Every example comes up on the lab, on the nodes that it describes, through the real CLI, engine and provider.

Each has a lab of its own, because each describes another cluster. Kinds of Istio and Envoy Gateway are held against
their own CRDs; those of agentgateway, Envoy AI Gateway, Google and the Prometheus operator are taken by CRDs that
accept anything. A stand-in says that a controller's Gateway is programmed: what controllers make of the objects is not
shown here.
"""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab import Lab, Toolchain
from lab.stack import simulated_classes, simulated_pools
from operate.workspace import ROOT, read_stack_document
from settings import load_stack_file
from settings.models import TOKEN_PLACEHOLDER, ModelSettings
from settings.source import claims
from settings.workloads import workloads
from stacks import StackPlan, plan_stack
from tests.support.clusters import Kubectl, crds_of, gateway_controller
from tests.support.controller_crds import controller_crds
from tests.support.leader_worker_set import leader_worker_set_controller
from tests.support.stacks import CaseStack, on_lab

# Those on EKS bring their cluster with them: test_eks.py runs them.
EXAMPLES = sorted(
    path.stem.removeprefix("Pulumi.")
    for path in (ROOT / "examples").glob("Pulumi.*.yaml")
    if load_stack_file(path).cluster.eks is None
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_comes_up_and_stays_as_it_is(example: str, tmp_path: Path) -> None:
    """`up` makes every Deployment of the example Available, and a second preview has nothing to do."""
    path = ROOT / "examples" / f"Pulumi.{example}.yaml"
    settings = load_stack_file(path)
    lab = Lab(tmp_path / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    with ExitStack() as stack_of_contexts:
        stack_of_contexts.callback(lab.down)
        lab.up(simulated_pools(settings), cpu_nodes=3, classes=simulated_classes(settings))
        kubectl = Kubectl(lab)
        kubectl.apply(*controller_crds())
        if settings.crds == "existing":
            kubectl.apply(*crds_of(settings.release))
        if settings.namespaces == "existing":
            names = (settings.namespace, settings.device_plugin.namespace)
            kubectl.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))
        for claim in sorted({claim for model in settings.models.values() for claim in claims(model)}):
            kubectl.apply(*_claim_and_volume(claim, settings.namespace))
        if settings.controllers.leader_worker_set == "existing":
            stack_of_contexts.enter_context(leader_worker_set_controller(lab, kubectl, tmp_path / "lws"))
        if settings.gateway.provider != "standalone":
            stack_of_contexts.enter_context(gateway_controller(kubectl, settings.namespace, "inference-gateway"))
        config = on_lab(lab, read_stack_document(path)["config"])
        has_token = (config.get("llm-d:huggingFace") or {}).pop("token", None) is not None
        stack = CaseStack(lab, tmp_path / "project", example, config)
        if has_token:
            stack.expect(0, "config", "set", "--secret", "--path", "llm-d:huggingFace.token", TOKEN_PLACEHOLDER)

        stack.up()

        for name, model in settings.models.items():
            if model.autoscaling is not None:
                kubectl.wait_for_replicas(settings.namespace, f"{name}-decode", _replicas(model))
        deployments = kubectl.objects("deployments", "--namespace", settings.namespace)
        available = {item["metadata"]["name"]: item["status"].get("availableReplicas") for item in deployments}
        servers = {f"{item.model}-{item.role}": item for item in workloads(settings)}
        expected = {name: item.replicas for name, item in servers.items() if item.parallelism.nodes == 1}
        expected |= {f"{name}-decode": _replicas(model) for name, model in settings.models.items() if model.autoscaling}
        expected |= {f"{name}-epp": model.picker.replicas for name, model in settings.models.items()}
        plan = plan_stack(settings)
        expected |= {f"{name}-render": model.render.replicas for name, model in plan.models.items() if model.render}
        expected |= _of_the_gateway(plan)
        assert available == expected
        groups = {name: item for name, item in servers.items() if item.parallelism.nodes > 1}
        assert _groups(kubectl, settings.namespace) == {name: item.pods for name, item in groups.items()}
        assert stack.steps() == {}


def _replicas(model: ModelSettings) -> int:
    """Servers of a model: Kubernetes' own autoscaler brings the fewest without any metric, KEDA is not there."""
    if model.autoscaling is None:
        return model.replicas
    return model.autoscaling.min_replicas if model.autoscaling.provider == "hpa" else 1


def _claim_and_volume(name: str, namespace: str) -> tuple[dict[str, object], dict[str, object]]:
    """A claim with a volume of its own, as somebody would have made and filled it before the stack."""
    shared: dict[str, object] = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    claim: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**shared, "volumeName": name, "resources": {"requests": {"storage": "100Gi"}}},
    }
    volume: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            **shared,
            "capacity": {"storage": "100Gi"},
            "nfs": {"server": "192.0.2.10", "path": f"/{name}"},
        },
    }
    return claim, volume


def _groups(kubectl: Kubectl, namespace: str) -> dict[str, int]:
    """Ready pods of each LeaderWorkerSet, as its controller numbered them; none where the cluster has no such kind."""
    label = "leaderworkerset.sigs.k8s.io/name"
    pods = kubectl.objects("pods", "--namespace", namespace, "--selector", label)
    ready = [
        pod for pod in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])
    ]
    return dict(Counter(pod["metadata"]["labels"][label] for pod in ready))


def _of_the_gateway(plan: StackPlan) -> dict[str, int]:
    """What the stack runs of the gateway: all of it, what helps a controller's, or nothing."""
    objects = plan.provider.objects(plan.gateway).values()
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in objects if item["kind"] == "Deployment"}
