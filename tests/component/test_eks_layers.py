"""The cluster layer and what stands on it as Pulumi sees them: children, providers, order, outputs.

Mocks stand in for the engine. They cannot prove that the order is kept while things go; the tests against the lab do.
"""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc

from components.karpenter_node_pool import KarpenterNodePoolArgs
from components.karpenter_node_pool import build as build_karpenter
from settings import StackSettings
from stacks import deploy, plan_cluster
from tests.support.configs import EKS, EKS_EXISTING, REMOVED, settings
from tests.support.kubeconfigs import home_with_kubeconfig
from tests.support.pulumi_mocks import Recorder

AWS = "pulumi:providers:aws"
KUBERNETES = "pulumi:providers:kubernetes"
CLUSTER = "llmd:index:ClusterLayer"
INFRASTRUCTURE = {**EKS, "layers": ["cluster"], "models": REMOVED}
KARPENTER = {
    **EKS_EXISTING,
    "layers": ["cluster"],
    "models": REMOVED,
    "gpuPools.l4": {
        "instanceType": "p5.48xlarge",
        "maxSize": 2,
        "provisioner": "karpenter",
        "capacity": "reservation",
        "reservationId": "cr-0123456789abcdef0",
        "zones": ["us-west-2b"],
        "efa": True,
        "localStorage": "raid0",
        "releaseVersion": "1.34.1-20260810",
    },
}


def _deploy(stack: StackSettings, root: Path) -> dict[str, Any]:
    """Register a stack; its outputs, resolved."""
    outputs: dict[str, Any] = {}

    def program() -> pulumi.Output[None]:
        return pulumi.Output.from_input(deploy(stack, root)).apply(outputs.update)

    mocks.test(program)()  # type: ignore[no-untyped-call]
    return outputs


def test_a_cluster_layer_is_made_of_these(recorder: Recorder, tmp_path: Path) -> None:
    """Network, cluster, a component per pool, the provider of the cluster, and the storage class through it."""
    _deploy(settings(INFRASTRUCTURE), tmp_path)

    assert recorder.children(recorder.urn(CLUSTER, "cluster")) == {
        "cluster kubernetes": KUBERNETES,
        "cluster-eks EksCluster": "llmd:index:EksCluster",
        "cluster-gp3 StorageClass": "kubernetes:storage.k8s.io/v1:StorageClass",
        "cluster-l4 GpuNodePool": "llmd:index:GpuNodePool",
        "cluster-network Network": "llmd:index:Network",
    }


def test_every_resource_has_the_provider_of_its_kind(recorder: Recorder, tmp_path: Path) -> None:
    """AWS resources go to the stack's region, objects to the cluster that the layer made, and nothing to a default."""
    _deploy(settings(INFRASTRUCTURE), tmp_path)
    aws = {item.provider for item in recorder.requests if item.type.startswith("aws:")}
    objects = {item.provider for item in recorder.objects()}

    assert aws == {f"{recorder.urn(AWS, 'aws')}::aws-id"}
    assert objects == {f"{recorder.urn(KUBERNETES, 'cluster')}::cluster-id"}
    assert rpc.deserialize_properties(recorder.request(AWS, "aws").object)["region"] == "us-west-2"


def test_the_provider_of_a_new_cluster_is_known_by_its_arn(recorder: Recorder, tmp_path: Path) -> None:
    """The kubeconfig is content without a secret, and the identifier is the ARN: an edit of it replaces nothing."""
    _deploy(settings(INFRASTRUCTURE), tmp_path)
    inputs = rpc.deserialize_properties(recorder.request(KUBERNETES, "cluster").object)

    assert inputs["clusterIdentifier"] == "arn:aws:test:cluster-eks"
    document = json.loads(inputs["kubeconfig"])
    assert document["clusters"][0]["cluster"]["server"] == "https://192.0.2.1"
    assert "token" not in document["users"][0]["user"]


def test_the_infrastructure_exports_how_to_find_it(recorder: Recorder, tmp_path: Path) -> None:
    """A stack that owns the cluster alone exports name, ARN, kubeconfig and the estimate, and nothing of models."""
    outputs = _deploy(settings(INFRASTRUCTURE), tmp_path)

    assert set(outputs) == {"cluster", "costEstimate"}
    assert (outputs["cluster"]["name"], outputs["cluster"]["identifier"]) == ("test", "arn:aws:test:cluster-eks")
    assert outputs["costEstimate"]["total"] == {"min": "0.80", "desired": "0.80", "max": "2.41"}
    assert [item.type for item in recorder.components() if item.type.endswith(("PlatformLayer", "ServingLayer"))] == []


def test_a_serving_stack_finds_its_cluster_by_reference(recorder: Recorder, tmp_path: Path) -> None:
    """It reads the other stack's output `cluster`, makes no cluster of its own, and plans nothing of AWS."""
    recorder.stack_outputs["organization/llm-d/infra"] = {
        "cluster": {"name": "test", "identifier": "arn:x", "kubeconfig": "{}"}
    }
    reference = {"cluster": {"reference": {"stack": "organization/llm-d/infra"}}, "layers": ["serving"]}
    outputs = _deploy(settings(reference), tmp_path)
    inputs = rpc.deserialize_properties(recorder.request(KUBERNETES, "cluster").object)

    assert (inputs["clusterIdentifier"], inputs["kubeconfig"]) == ("arn:x", "{}")
    assert [item.type for item in recorder.requests if item.type.startswith(("aws:", AWS, CLUSTER))] == []
    assert outputs["gateway"]["reason"] is None


def test_what_runs_in_the_cluster_comes_after_its_nodes(recorder: Recorder, tmp_path: Path) -> None:
    """Platform and serving depend on every resource of the cluster layer, so a destroy takes them first."""
    _deploy(settings({**EKS, "crds": "existing"}), tmp_path)
    waits = recorder.waits_for(recorder.request("llmd:index:PlatformLayer", "platform"))

    assert {
        "cluster-l4 NodeGroup",
        "cluster-eks-system NodeGroup",
        "cluster-eks Cluster",
        "cluster-network Vpc",
    } <= waits


def test_karpenters_pool_is_two_objects_and_a_group(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster that is there a Karpenter pool is a NodePool, its class, and with EFA a group of its own."""
    home_with_kubeconfig(tmp_path, monkeypatch)
    _deploy(settings(KARPENTER), tmp_path)

    assert recorder.children(recorder.urn("llmd:index:KarpenterNodePool", "cluster-l4")) == {
        "cluster-l4 NodePool": "kubernetes:karpenter.sh/v1:NodePool",
        "cluster-l4-class EC2NodeClass": "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
        "cluster-l4-efa SecurityGroup": "aws:ec2/securityGroup:SecurityGroup",
        "cluster-l4-efa-egress SecurityGroupEgressRule": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "cluster-l4-efa-ingress SecurityGroupIngressRule": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
    pool = recorder.request("kubernetes:karpenter.sh/v1:NodePool", "cluster-l4")
    assert recorder.waits_for(pool) == {"cluster-l4-class EC2NodeClass"}
    assert pool.customTimeouts.delete == "1800s"


def test_karpenters_objects_say_what_the_pool_says() -> None:
    """Type, zone, capacity, taint, pinned AMI, NVMe disks and a limit in GPUs; an empty node is kept for a while."""
    made = plan_cluster(settings(KARPENTER))
    assert made is not None
    args = KarpenterNodePoolArgs(
        spec=made.karpenter_pools["l4"], node_role="nodes", subnet_ids=["s"], security_group_id="sg", vpc_id="v"
    )
    objects = build_karpenter(args, "efa")
    node_class, pool = objects["class"]["spec"], objects["pool"]["spec"]

    assert node_class["amiSelectorTerms"] == [{"alias": "al2023@v20260810"}]
    assert node_class["securityGroupSelectorTerms"] == [{"id": "sg"}, {"id": "efa"}]
    assert node_class["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert (node_class["instanceStorePolicy"], len(node_class["networkInterfaces"])) == ("RAID0", 33)
    assert ("RLIMIT_MEMLOCK" in node_class["userData"], "localStorage" in node_class["userData"]) == (True, False)
    assert pool["limits"] == {"nvidia.com/gpu": "16"}
    assert pool["disruption"] == {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "300s"}
    assert {item["key"]: item["values"] for item in pool["template"]["spec"]["requirements"]} == {
        "node.kubernetes.io/instance-type": ["p5.48xlarge"],
        "karpenter.sh/capacity-type": ["reserved"],
        "topology.kubernetes.io/zone": ["us-west-2b"],
        "kubernetes.io/arch": ["amd64"],
    }
    assert pool["template"]["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
