"""Bad input for EKS: each mistake is one fault, with its path, what was given and what is allowed.

What these tests cannot prove: that AWS takes what passes; a type may be sold out, and a zone may lack it.
"""

from typing import Any

import pytest

from releases import RELEASES
from settings import Fault
from settings.cluster import LayerName
from tests.support.configs import EKS, EKS_EXISTING, REMOVED, faults, settings

AMD64 = "AL2023_x86_64_NVIDIA, BOTTLEROCKET_x86_64_NVIDIA, BOTTLEROCKET_x86_64_NVIDIA_FIPS"
P5 = {"gpuPools.l4.instanceType": "p5.48xlarge"}
ONE_ZONE = {"gpuPools.l4.zones": ["us-west-2a"]}
RELEASE = "a release such as 1.34.1-20260810"


def test_the_examples_of_these_tests_are_sound() -> None:
    """What the cases below change has no fault of its own."""
    assert faults(EKS) == []
    assert faults(EKS_EXISTING) == []


def _fault(path: str, problem: str, given: str | None = None, allowed: str | None = None, **more: str) -> Fault:
    return Fault(path=path, problem=problem, given=given, allowed=allowed, **more)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"gpuPools.l4.amiType": "AL2_x86_64_GPU"},
            _fault(
                "gpuPools.l4.amiType",
                "Amazon Linux 2 ended with Kubernetes 1.32: EKS publishes no such AMI any more",
                "AL2_x86_64_GPU",
                AMD64,
                nearest="AL2023_x86_64_NVIDIA",
            ),
        ),
        (
            {"gpuPools.l4.amiType": "AL2023_ARM_64_NVIDIA"},
            _fault(
                "gpuPools.l4.amiType",
                "is for arm64 nodes, but g6.xlarge has amd64 CPUs",
                "AL2023_ARM_64_NVIDIA",
                AMD64,
            ),
        ),
        (
            {"gpuPools.l4.amiType": "AL2023_x86_64_STANDARD"},
            _fault(
                "gpuPools.l4.amiType",
                "is no EKS AMI with NVIDIA's driver",
                "AL2023_x86_64_STANDARD",
                AMD64,
                nearest="AL2023_x86_64_NVIDIA",
            ),
        ),
        (
            {"gpuPools.l4.instanceType": "g7.2xlarge"},
            _fault(
                "gpuPools.l4.instanceType",
                "EKS' AMI AL2023_x86_64_NVIDIA has no driver for the GPUs of family g7",
                "g7.2xlarge",
                "g4dn, g5, g6, g6e, g7e, gr6, p4d, p4de, p5, p5e, p5en, p6-b200, p6-b300",
            ),
        ),
        (
            {"gpuPools.l4.releaseVersion": REMOVED},
            _fault(
                "gpuPools.l4.releaseVersion",
                "is required: without a pinned release of AL2023_x86_64_NVIDIA an `up` may roll the nodes",
                None,
                RELEASE,
            ),
        ),
        (
            {"gpuPools.l4.releaseVersion": "1.33.1-20260810"},
            _fault(
                "gpuPools.l4.releaseVersion",
                "is no release of AL2023_x86_64_NVIDIA for Kubernetes 1.34",
                "1.33.1-20260810",
                RELEASE,
            ),
        ),
        (
            {"gpuPools.l4.amiType": "BOTTLEROCKET_x86_64_NVIDIA"},
            _fault(
                "gpuPools.l4.releaseVersion",
                "is no release of BOTTLEROCKET_x86_64_NVIDIA for Kubernetes 1.34",
                "1.34.1-20260810",
                "a release such as 1.63.0-a3e8bda1",
            ),
        ),
        (
            {
                "gpuPools.l4.amiType": "BOTTLEROCKET_x86_64_NVIDIA",
                "gpuPools.l4.releaseVersion": "1.63.0-a3e8bda1",
                "gpuPools.l4.advertiser": "device-plugin",
            },
            _fault(
                "gpuPools.l4.advertiser",
                "would be the second one: BOTTLEROCKET_x86_64_NVIDIA has a device plugin built in",
                "device-plugin",
                "external",
            ),
        ),
        (
            {"gpuPools.l4.advertiser": "external"},
            _fault(
                "gpuPools.l4.advertiser",
                "nothing would advertise the GPUs: AL2023_x86_64_NVIDIA has no device plugin, and the cluster is new",
                "external",
                "device-plugin, gpu-operator",
            ),
        ),
        (
            {**P5, "gpuPools.l4.migProfile": "1g.10gb", "devicePlugin.migStrategy": "single"},
            _fault(
                "gpuPools.l4.migProfile",
                "nothing on AL2023_x86_64_NVIDIA cuts GPUs into slices; the GPU operator's MIG manager does",
                "1g.10gb",
                "advertiser: gpu-operator",
            ),
        ),
        (
            {"gpuPools.l4.efa": True, **ONE_ZONE},
            _fault("gpuPools.l4.efa", "g6.xlarge has no EFA interface", "true", "false, or a type that has EFA"),
        ),
        (
            {**P5, "gpuPools.l4.efa": True},
            _fault(
                "gpuPools.l4.zones",
                "must be exactly one: EFA does not cross zones",
                "us-west-2a, us-west-2b",
                "one zone",
            ),
        ),
        (
            {"gpuPools.l4.capacity": "capacity-block", **ONE_ZONE},
            _fault(
                "gpuPools.l4.reservationId",
                "is required by capacity capacity-block",
                None,
                "the reservation's id, cr-...",
            ),
        ),
        (
            {"gpuPools.l4.capacity": "spot", "gpuPools.l4.reservationId": "cr-0123456789abcdef0"},
            _fault(
                "gpuPools.l4.capacity",
                "spot draws on no reservation, but reservationId names one",
                "spot",
                "capacity-block, reservation",
            ),
        ),
        (
            {
                **ONE_ZONE,
                "gpuPools.l4.capacity": "reservation",
                "gpuPools.l4.reservationId": "cr-0123456789abcdef0",
                "gpuPools.l4.placementGroup": "cluster",
            },
            _fault(
                "gpuPools.l4.placementGroup",
                "a reservation that was not made in the group finds no capacity in it",
                "cluster",
                "none",
            ),
        ),
        (
            {"gpuPools.l4.zones": ["us-west-2d"]},
            _fault(
                "gpuPools.l4.zones",
                "there is no subnet in us-west-2d",
                "us-west-2d",
                "us-west-2a, us-west-2b",
                nearest="us-west-2b",
            ),
        ),
        (
            {"gpuPools.l4.minSize": 3, "gpuPools.l4.desiredSize": 2},
            _fault("gpuPools.l4", "desiredSize 2 is not between minSize 3 and maxSize 3"),
        ),
        (
            {"gpuPools.l4.minSize": 0},
            _fault(
                "gpuPools.l4.desiredSize",
                "the models on pool l4 need 1 nodes, and without an autoscaler no more come",
                "0",
                "1 or more, up to maxSize 3; or autoscaler: cluster-autoscaler",
            ),
        ),
        (
            {"gpuPools.l4.nodeSelector": {"eks.amazonaws.com/nodegroup": "x"}},
            _fault(
                "gpuPools.l4.nodeSelector",
                "eks.amazonaws.com/nodegroup is not a label that a node group may set on its nodes",
                "eks.amazonaws.com/nodegroup",
                "a label of a domain of yours, such as example.com/pool",
            ),
        ),
        (
            {"cluster.eks.version": "1.33", "gpuPools.l4.releaseVersion": "1.33.1-20260810"},
            _fault(
                "cluster.eks.version",
                "left standard support on 2026-07-29 (table of 2026-08-22): a new cluster would be upgraded at once or"
                " cost the surcharge",
                "1.33",
                "1.34, 1.35, 1.36; or extendedSupport: true",
            ),
        ),
        (
            {"cluster.eks.version": "1.29", "gpuPools.l4.releaseVersion": "1.29.1-20260810"},
            _fault(
                "cluster.eks.version",
                "is not in the table of EKS versions of 2026-08-22",
                "1.29",
                "1.34, 1.35, 1.36",
            ),
        ),
        (
            {"cluster.eks.network": {"zones": ["us-west-2a", "us-east-1b"]}},
            _fault(
                "cluster.eks.network.zones",
                "us-east-1b is not a zone of region us-west-2",
                "us-east-1b",
                "us-west-2a to us-west-2f",
            ),
        ),
        (
            {"cluster.eks.network": {"zones": ["us-west-2a"]}},
            _fault(
                "cluster.eks.network",
                "zones needs two different zones at least: EKS' control plane has a foot in each",
            ),
        ),
        (
            {"cluster.eks.network.cidr": "10.0.0.0/24"},
            _fault(
                "cluster.eks.network.cidr",
                "must be a private network from /16 to /20: each zone gets two subnets, a sixteenth each",
                "10.0.0.0/24",
            ),
        ),
        (
            {"cluster.eks.publicAccessCidrs": ["0.0.0.0/0"]},
            _fault(
                "cluster.eks.publicAccessCidrs.0",
                "opens the API server to everyone; name the networks that operators and CI come from",
                "0.0.0.0/0",
            ),
        ),
        (
            {
                "gpuPools.l4.provisioner": "karpenter",
                "gpuPools.l4.minSize": 0,
                "cluster.eks.karpenter": {"nodeRole": "n"},
            },
            _fault(
                "gpuPools.l4.provisioner",
                "needs Karpenter in the cluster, but this stack only makes the cluster",
                "karpenter",
                "managed-node-group; or a stack of its own with cluster.eks.existing, once Karpenter runs",
            ),
        ),
        (
            {"gpuPools.l4.capacity": "sport"},
            _fault(
                "gpuPools.l4.capacity",
                "is not a known word",
                "sport",
                "on-demand, spot, capacity-block, reservation",
                nearest="spot",
            ),
        ),
        (
            {"gpuPools.l4.reservationId": "i-0123"},
            _fault(
                "gpuPools.l4.reservationId",
                "must be the id of a capacity reservation or capacity block, such as cr-0123456789abcdef0",
                "i-0123",
            ),
        ),
        (
            {"gpuPools.l4.instanceType": "g5g.xlarge"},
            None,
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.path if isinstance(value, Fault) else "several",
)
def test_a_mistake_is_one_fault(changes: dict[str, Any], expected: Fault | None) -> None:
    """One mistake in a sound config is exactly its own fault."""
    found = faults({**EKS, **changes})

    if expected is None:
        assert [fault.path for fault in found] == ["gpuPools.l4.amiType", "gpuPools.l4.instanceType"]
    else:
        assert found == [expected]


def test_faults_of_eks_are_told_together() -> None:
    """Version, AMI, release, zones and capacity are wrong at once, and one message says so."""
    changes = {
        **P5,
        "cluster.eks.version": "1.33",
        "gpuPools.l4.amiType": "AL2_x86_64_GPU",
        "gpuPools.l4.efa": True,
        "gpuPools.l4.capacity": "capacity-block",
    }

    assert [fault.path for fault in faults({**EKS, **changes})] == [
        "cluster.eks.version",
        "gpuPools.l4.amiType",
        "gpuPools.l4.reservationId",
        "gpuPools.l4.zones",
    ]


def test_a_driver_that_is_too_old_for_the_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line whose images need driver 580 gets no pool whose AMI has 570."""
    monkeypatch.setattr(type(RELEASES["v0.4"]), "minimum_nvidia_driver", 580, raising=False)
    changes = {"gpuPools.l4.releaseVersion": "1.34.1-20251001"}

    assert faults({**EKS, **changes}) == [
        Fault(
            path="gpuPools.l4.releaseVersion",
            problem="has NVIDIA driver 570, but the images of release line v0.4 need 580",
            given="1.34.1-20251001",
            allowed="a release of the AMI with that driver: AL2023 from 20251120 on, Bottlerocket from 1.34 on",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"cluster.eks.existing.securityGroup": REMOVED, **P5, **ONE_ZONE, "gpuPools.l4.efa": True},
         ["cluster.eks.existing.securityGroup"]),
        ({"gpuPools.l4.provisioner": "karpenter", "gpuPools.l4.minSize": 1}, ["gpuPools.l4.minSize"]),
        ({"gpuPools.l4.provisioner": "karpenter", "gpuPools.l4.minSize": 0, "cluster.eks.karpenter": REMOVED},
         ["cluster.eks.karpenter"]),
        ({"gpuPools.l4.provisioner": "karpenter", "gpuPools.l4.minSize": 0, "controllers.karpenter": REMOVED},
         ["controllers.karpenter"]),
        ({"cluster.eks.network": {"zones": ["us-west-2a", "us-west-2b"]}}, ["cluster.eks.network.zones"]),
        ({"cluster.eks.version": "1.33", "gpuPools.l4.releaseVersion": "1.33.1-20260810"}, []),
        ({"gpuPools.l4.advertiser": "external"}, []),
    ],
)  # fmt: skip
def test_an_existing_cluster_asks_for_other_things(changes: dict[str, Any], paths: list[str]) -> None:
    """A live cluster may be old and may have an advertiser; what its pools cannot do without has to be named."""
    assert [fault.path for fault in faults({**EKS_EXISTING, **changes})] == paths


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"layers": ["cluster"]}, ["layers", "models"]),
        ({**EKS, "layers": ["platform", "serving"]}, ["cluster.eks"]),
        ({**EKS, "layers": ["cluster"]}, ["models"]),
        ({"layers": ["serving", "serving"]}, ["layers"]),
        ({"layers": []}, ["layers", "models"]),
        ({"layers": ["servin"]}, ["layers.0"]),
        ({"cluster": {"reference": {"stack": "prod"}}}, ["cluster.reference.stack"]),
    ],
)
def test_layers_fit_the_cluster(changes: dict[str, Any], expected: list[str]) -> None:
    """A stack owns the cluster layer exactly where it says which cluster to make, and models only where it serves."""
    assert [fault.path for fault in faults(changes)] == expected


def test_a_stack_of_the_infrastructure_needs_no_models() -> None:
    """A stack that owns the cluster alone says nothing of models."""
    found = settings({**EKS, "layers": ["cluster"], "models": REMOVED})

    assert found.owned_layers == {LayerName.CLUSTER}
    assert dict(found.models) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {LayerName.PLATFORM, LayerName.SERVING}),
        (EKS, {LayerName.CLUSTER, LayerName.PLATFORM, LayerName.SERVING}),
        ({"cluster": {"reference": {"stack": "organization/llm-d/prod"}}, "layers": ["serving"]}, {LayerName.SERVING}),
    ],
)
def test_a_stack_owns_what_its_cluster_allows(changes: dict[str, Any], expected: set[LayerName]) -> None:
    """Without the key a stack owns every layer, the cluster's only where it makes one."""
    assert settings(changes).owned_layers == expected


def test_joined_nvme_disks_hold_what_pods_download() -> None:
    """With raid0 a node keeps images and weights on its NVMe disks, so the EBS disk may be small."""
    weights = {"models.qwen.weights": "250Gi", **P5, "gpuPools.l4.minSize": 1, "models.qwen.parallelism.tensor": 8}

    assert [fault.path for fault in faults({**EKS, **weights})] == ["gpuPools.l4.diskSizeGib"]
    assert faults({**EKS, **weights, "gpuPools.l4.localStorage": "raid0"}) == []
