"""Every example on EKS lives its whole life under the real engine: plan, up, drift, change, destroy.

AWS is emulated: moto behind the lab's stand-in for pulumi-aws' plug-in. The clusters' endpoint is a real API server,
the nodes of the node groups are simulated, and models are scheduled on them by the labels, taints and sizes that the
groups have. What AWS itself would refuse is not shown here: nothing ever ran against AWS.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.aws.session import Session
from operate.workspace import ROOT
from releases import RELEASES
from releases.crd_store import read_crd
from settings import load_stack_file
from settings.placement import EFA_RESOURCE
from tests.support.clusters import Kubectl, permissive_crd
from tests.support.eks import (
    EksCase,
    aws_lab,
    aws_steps,
    deletions,
    differences,
    example_config,
    kinds_of_steps,
    left_on_aws,
    operations,
    planned_inputs,
    rank_of,
    seed_existing,
)
from tests.support.stacks import CaseStack

OPERATORS = (
    permissive_crd("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
    permissive_crd("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
    permissive_crd("karpenter.sh", "v1", "NodePool", "nodepools", scope="Cluster"),
    permissive_crd("karpenter.k8s.aws", "v1", "EC2NodeClass", "ec2nodeclasses", scope="Cluster"),
)

CASES = (
    EksCase(
        example="eks-dev",
        pool="l4",
        in_place={"maxSize": 3},
        updated=frozenset({"NodeGroup cluster-l4"}),
        replacing={"amiType": "BOTTLEROCKET_x86_64_NVIDIA", "releaseVersion": "1.63.0-a3e8bda1"},
        replaced=frozenset({"NodeGroup cluster-l4"}),
    ),
    EksCase(
        example="eks-production",
        pool="h100",
        # A new version of the template, and with it new nodes, one at a time.
        in_place={"diskSizeGib": 400},
        updated=frozenset({"LaunchTemplate cluster-h100-template", "NodeGroup cluster-h100"}),
        replacing={"capacity": "reservation"},
        replaced=frozenset({"NodeGroup cluster-h100"}),
        efa_interfaces=32,
    ),
    EksCase(
        example="eks-prefill-decode",
        pool="h200",
        in_place={"maxSize": 3},
        updated=frozenset({"NodeGroup cluster-h200"}),
        replacing={"zones": ["us-east-2b"]},
        replaced=frozenset({"NodeGroup cluster-h200"}),
        efa_interfaces=16,
    ),
    EksCase(
        example="eks-two-engines",
        pool="l40s",
        in_place={"taint": {"value": "l40s"}},
        updated=frozenset({"NodeGroup cluster-l40s"}),
        replacing={"zones": ["us-east-1b"]},
        replaced=frozenset({"NodeGroup cluster-l40s"}),
    ),
    EksCase(
        example="eks-existing",
        pool="l4",
        in_place={"releaseVersion": "1.34.2-20260821"},
        updated=frozenset({"NodeGroup cluster-l4"}),
        replacing={"capacity": "spot"},
        replaced=frozenset({"NodeGroup cluster-l4"}),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.example)
def test_an_example_lives_its_life(case: EksCase, tmp_path: Path) -> None:
    """Planned as in the golden, up, nothing to do, drift found, in place against replaced, and nothing left."""
    config = example_config(case.example)
    eks = config["llm-d:cluster"]["eks"]
    with aws_lab(tmp_path / "lab", cpu_nodes=2 if "existing" in eks else 0) as lab:
        session = Session(lab.root, eks["region"])
        kubectl = Kubectl(lab)
        _make_ready(kubectl, session, config, lab.root / "kubeconfig")
        before, nodes = left_on_aws(session), kubectl.objects("nodes")
        stack = CaseStack(lab, tmp_path / "project", case.example, config)

        planned = planned_inputs(stack)
        assert left_on_aws(session) == before, "a preview makes nothing"
        if "existing" not in eks:
            assert _against_golden(planned, case.example) == {}

        stack.up()
        assert _unserved(kubectl, case.example) == {}
        assert kinds_of_steps(stack, "--refresh") == {}

        (group,) = [name for name in _groups(session, eks["name"]) if name.startswith(f"cluster-{case.pool}-")]
        assert _efa_interfaces(kubectl, group) == {case.efa_interfaces}
        sizes = {"minSize": 0, "maxSize": 9, "desiredSize": 5}
        session.eks.update_nodegroup_config(clusterName=eks["name"], nodegroupName=group, scalingConfig=sizes)
        assert kinds_of_steps(stack, "--refresh") == {f"NodeGroup cluster-{case.pool}": "update"}

        assert _steps_with(stack, config, case.pool, case.in_place) == dict.fromkeys(case.updated, "update")
        replaced = _steps_with(stack, config, case.pool, case.replacing)
        assert {name for name, op in replaced.items() if op == "replace"} == case.replaced

        stack.configure(config)
        if eks.get("deletionProtection"):
            _unprotect(stack, config)
        events = stack.expect(0, "destroy", "--yes", "--skip-preview", "--json")
        assert _out_of_order(deletions(events)) == []
        assert left_on_aws(session) == before
        assert len(kubectl.objects("nodes")) == len(nodes)


def _make_ready(kubectl: Kubectl, session: Session, config: dict[str, Any], kubeconfig: Path) -> None:
    """What an example finds: operators, and on a cluster that is there the cluster with nodes of its own."""
    kubectl.apply(*OPERATORS)
    if "existing" in config["llm-d:cluster"]["eks"]:
        seed_existing(session, config, kubeconfig)
        kubectl.apply(*(read_crd(file) for bundle in RELEASES["v0.4"].crd_bundles for file in bundle.files))


def _groups(session: Session, cluster: str) -> list[str]:
    groups: list[str] = session.eks.list_nodegroups(clusterName=cluster)["nodegroups"]
    return groups


def _efa_interfaces(kubectl: Kubectl, group: str) -> set[int]:
    """How many the nodes of a group have; models that ask for some were placed by it."""
    nodes = kubectl.objects("nodes", "--selector", f"eks.amazonaws.com/nodegroup={group}")
    return {int(node["status"]["allocatable"].get(EFA_RESOURCE, 0)) for node in nodes}


def _against_golden(planned: dict[str, Any], example: str) -> dict[str, list[str]]:
    """Where the real engine plans something else than the golden, which mocks planned."""
    golden = yaml.safe_load((ROOT / "tests" / "golden" / "aws" / f"{example}.yaml").read_text())
    of_aws = {name: item["inputs"] for name, item in golden.items() if name.startswith("aws:")}
    assert planned.keys() == of_aws.keys()
    found = {name: differences(planned[name], inputs) for name, inputs in of_aws.items()}
    # An output of another resource reads as that resource's name in the golden, and is not known in a plan.
    return {name: items for name, items in found.items() if items}


def _unserved(kubectl: Kubectl, example: str) -> dict[str, Any]:
    """Deployments of the serving layer that have not every replica: each found its nodes by the groups' labels."""
    settings = load_stack_file(ROOT / "examples" / f"Pulumi.{example}.yaml")
    deployments = kubectl.objects("deployments", "--namespace", settings.namespace)
    assert {f"{name}-decode" for name in settings.models} <= {item["metadata"]["name"] for item in deployments}
    return {
        item["metadata"]["name"]: item["status"]
        for item in deployments
        if item["status"].get("availableReplicas") != item["spec"]["replicas"]
    }


def _steps_with(stack: CaseStack, config: dict[str, Any], pool: str, keys: dict[str, Any]) -> dict[str, str]:
    """What a change of one pool would do, components and Kubernetes left out."""
    changed = deepcopy(config)
    changed["llm-d:gpuPools"][pool] |= keys
    stack.configure(changed)
    return aws_steps(stack)


def _unprotect(stack: CaseStack, config: dict[str, Any]) -> None:
    """Switch a cluster's protection off, which is an update in place; with it EKS refuses (`test_aws.py`)."""
    open_config = deepcopy(config)
    open_config["llm-d:cluster"]["eks"]["deletionProtection"] = False
    stack.configure(open_config)
    events = stack.expect(0, "up", "--yes", "--skip-preview", "--json")
    assert {step for step in operations(events) if step[1].startswith("aws:")} == {
        ("update", "aws:eks/cluster:Cluster", "cluster-eks")
    }


def _out_of_order(happened: list[tuple[str, str, str]]) -> list[str]:
    """Deletions that began before something that has to be gone first: workloads, Karpenter's pools, nodes, network."""
    at = {(what, type_, name): index for index, (what, type_, name) in enumerate(happened)}
    ranks = {(type_, name): rank_of(type_) for _, type_, name in happened}
    ranked = [(resource, rank) for resource, rank in ranks.items() if rank is not None]
    return [
        f"{early[1]} went after the deletion of {late[1]} had begun"
        for early, first in ranked
        for late, then in ranked
        if first < then and at["ends", *early] > at["starts", *late]
    ]
