"""A GPU pool's resources as data: what EKS allows in a launch template, and what its hardware asks for.

What these tests cannot prove: that EC2 has the capacity, or that a node joins.
"""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from botocore.session import Session

from catalog import INSTANCE_TYPES
from components.aws_plan import AwsResource, Ref
from components.gpu_node_pool import GpuNodePoolArgs, PoolPlace, build
from components.gpu_node_pool.launch_template import network_interfaces
from stacks import plan_cluster
from tests.support.configs import EKS, settings

PLACE = PoolPlace(
    cluster_name="test", node_role_arn="role", vpc_id="vpc", subnet_ids=["subnet-a"], security_group_id="sg-cluster"
)
H100 = {**EKS, "gpuPools.l4.instanceType": "p5.48xlarge", "gpuPools.l4.zones": ["us-west-2a"]}
BLOCK = {**H100, "gpuPools.l4.capacity": "capacity-block", "gpuPools.l4.reservationId": "cr-0123456789abcdef0"}


def _resources(changes: Mapping[str, Any]) -> dict[str, AwsResource]:
    made = plan_cluster(settings(changes))
    assert made is not None
    return build(GpuNodePoolArgs(spec=made.pools["l4"], place=PLACE))


def _template(changes: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_resources(changes)["template"].inputs)


def _group(changes: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_resources(changes)[""].inputs)


def test_a_pool_is_a_template_and_a_node_group() -> None:
    """The smallest pool: everything that makes a node is in the template, everything about the group in the group."""
    resources = _resources(EKS)

    assert list(resources) == ["template", ""]
    assert resources[""].inputs == {
        "clusterName": "test",
        "nodeRoleArn": "role",
        "subnetIds": ["subnet-a"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "releaseVersion": "1.34.1-20260810",
        "capacityType": "ON_DEMAND",
        "launchTemplate": {"id": Ref(suffix="template"), "version": Ref(suffix="template", output="latest_version")},
        "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 3},
        "labels": {"nvidia.com/gpu.present": "true"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailable": 1, "updateStrategy": "DEFAULT"},
        "nodeRepairConfig": {"enabled": True},
        "tags": {"Name": "l4"},
    }
    template = resources["template"].inputs
    assert template["instanceType"] == "g6.xlarge"
    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "instanceMetadataTags": "disabled",
    }
    assert template["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvda",
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": 300,
                "iops": 4000,
                "throughput": 600,
                "encrypted": "true",
                "deleteOnTermination": "true",
            },
        }
    ]


@pytest.mark.parametrize("changes", [EKS, {**H100, "gpuPools.l4.efa": True}, BLOCK])
def test_a_template_says_nothing_that_a_node_group_forbids(changes: dict[str, Any]) -> None:
    """No subnet, profile, shutdown behaviour, spot option or SSH key; the type and the disk in one place only."""
    template, group = _template(changes), _group(changes)

    forbidden = {"iamInstanceProfile", "instanceInitiatedShutdownBehavior", "keyName", "imageId", "vpcSecurityGroupIds"}
    assert forbidden & set(template) == set()
    assert [item for item in template.get("networkInterfaces", []) if "subnetId" in item] == []
    assert {"diskSize", "instanceTypes", "remoteAccess"} & set(group) == set()


@pytest.mark.parametrize("name", [name for name, row in INSTANCE_TYPES.items() if row.efa_interfaces])
def test_every_type_gets_its_efa_interfaces(name: str) -> None:
    """As many EFA-only interfaces as the catalogue says, each at a place of its own, beside one ENA interface."""
    interfaces = network_interfaces(INSTANCE_TYPES[name])
    places = [(item["networkCardIndex"], item["deviceIndex"]) for item in interfaces]

    assert [item["interfaceType"] for item in interfaces] == [
        "interface",
        *["efa-only"] * INSTANCE_TYPES[name].efa_interfaces,
    ]
    assert places[0] == (0, 0)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("g6.8xlarge", [(0, 0), (0, 1)]),
        ("g6e.48xlarge", [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]),
        # 17 cards, and the first one has no EFA.
        ("p6-b300.48xlarge", [(card, 0) for card in range(17)]),
    ],
)
def test_interfaces_stand_at_the_cards_that_aws_recommends(name: str, expected: list[tuple[int, int]]) -> None:
    """The first card's EFA is its second device; every other card's is its first."""
    interfaces = network_interfaces(INSTANCE_TYPES[name])

    assert [(item["networkCardIndex"], item["deviceIndex"]) for item in interfaces] == expected


def test_efa_has_a_group_that_trusts_itself_only() -> None:
    """EFA needs all traffic among the nodes in both directions; every interface has that group and the cluster's."""
    resources = _resources({**H100, "gpuPools.l4.efa": True})

    assert list(resources) == ["efa", "efa-ingress", "efa-egress", "template", ""]
    for rule in ("efa-ingress", "efa-egress"):
        assert resources[rule].inputs == {
            "securityGroupId": Ref(suffix="efa"),
            "referencedSecurityGroupId": Ref(suffix="efa"),
            "ipProtocol": "-1",
            "tags": {},
        }
    groups = {str(item["securityGroups"]) for item in resources["template"].inputs["networkInterfaces"]}
    assert groups == {str(["sg-cluster", Ref(suffix="efa")])}
    assert len(resources["template"].inputs["networkInterfaces"]) == 33
    assert resources["template"].after == ("efa-ingress", "efa-egress")


def test_a_capacity_block_is_asked_for_in_both_places() -> None:
    """Market type and reservation in the template, capacity type in the group, and never two groups at a time."""
    template, group = _template(BLOCK), _group(BLOCK)

    assert template["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert template["capacityReservationSpecification"] == {
        "capacityReservationPreference": "capacity-reservations-only",
        "capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"},
    }
    assert (group["capacityType"], group["updateConfig"]["updateStrategy"]) == ("CAPACITY_BLOCK", "MINIMAL")
    assert _resources(BLOCK)[""].delete_before_replace


def test_a_reservation_is_on_demand_and_targeted() -> None:
    """An on-demand reservation has no market of its own: the template targets it, the group stays on demand."""
    changes = {**BLOCK, "gpuPools.l4.capacity": "reservation"}

    assert "instanceMarketOptions" not in _template(changes)
    assert "capacityReservationSpecification" in _template(changes)
    assert _group(changes)["capacityType"] == "ON_DEMAND"


def test_an_autoscaler_owns_the_desired_size() -> None:
    """Where one is named, no `up` sets the size back."""
    assert _resources(EKS)[""].ignore_changes == ()
    changes = {**EKS, "gpuPools.l4.autoscaler": "cluster-autoscaler"}
    assert _resources(changes)[""].ignore_changes == ("scalingConfig.desiredSize",)


def test_a_placement_group_is_named_in_the_template() -> None:
    """A cluster placement group is a resource of the pool, by whose name the template places its nodes."""
    resources = _resources({**H100, "gpuPools.l4.placementGroup": "cluster"})

    assert resources["placement"].inputs == {"strategy": "cluster", "tags": {}}
    assert resources["template"].inputs["placement"] == {"groupName": Ref(suffix="placement", output="name")}


def _user_data(changes: Mapping[str, Any]) -> str:
    return base64.b64decode(_template(changes)["userData"]).decode()


def test_nodeadm_is_told_in_mime() -> None:
    """AL2023 reads a NodeConfig in a multipart document: fast image pulls, and NVMe disks joined where asked for."""
    assert _user_data({**EKS, "gpuPools.l4.localStorage": "raid0"}) == (
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="BOUNDARY"\n\n'
        "--BOUNDARY\nContent-Type: application/node.eks.aws\n\n---\n"
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  featureGates:\n    FastImagePull: true\n"
        "  instance:\n    localStorage:\n      strategy: RAID0\n\n--BOUNDARY--\n"
    )
    assert "localStorage" not in _user_data(EKS)


def test_containers_may_pin_memory_where_there_is_efa() -> None:
    """The limit of open files, which nodeadm sets by default, is kept; Bottlerocket lifts the other one by itself."""
    document = yaml.safe_load(_user_data({**H100, "gpuPools.l4.efa": True}).split("---\n")[1].split("\n--")[0])

    assert document["spec"]["containerd"]["baseRuntimeSpec"]["process"] == {
        "rlimits": [
            {"type": "RLIMIT_NOFILE", "soft": 65536, "hard": 1048576},
            {"type": "RLIMIT_MEMLOCK", "soft": 2**50, "hard": 2**50},
        ]
    }
    assert "containerd" not in _user_data(H100)


def test_bottlerocket_has_a_disk_for_data_and_settings_of_its_own() -> None:
    """Bottlerocket keeps images on its second disk and joins NVMe disks by its own commands."""
    changes = {
        **EKS,
        "gpuPools.l4.amiType": "BOTTLEROCKET_x86_64_NVIDIA",
        "gpuPools.l4.releaseVersion": "1.63.0-a3e8bda1",
        "gpuPools.l4.localStorage": "raid0",
    }

    disks = {item["deviceName"]: item["ebs"].get("volumeSize") for item in _template(changes)["blockDeviceMappings"]}
    assert disks == {"/dev/xvda": None, "/dev/xvdb": 300}
    assert _user_data(changes).splitlines()[0] == "[settings.bootstrap-commands.ephemeral-storage]"


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({}, {"nvidia.com/gpu.present": "true"}),
        (
            {"gpuPools.l4.nodeSelector": {"example.com/pool": "l4"}},
            {"example.com/pool": "l4", "nvidia.com/gpu.present": "true"},
        ),
        (
            {
                "gpuPools.l4.instanceType": "p5.48xlarge",
                "gpuPools.l4.advertiser": "gpu-operator",
                "gpuPools.l4.migProfile": "1g.10gb",
            },
            {"nvidia.com/gpu.present": "true", "nvidia.com/mig.config": "all-1g.10gb"},
        ),
    ],
)
def test_nodes_have_the_labels_that_others_look_for(changes: dict[str, Any], labels: dict[str, str]) -> None:
    """The pool's own selector, the GPU's mark, the MIG layout for the operator."""
    assert _group({**EKS, **changes})["labels"] == labels


def test_every_word_is_one_of_the_api() -> None:
    """Capacity types, effects, strategies and AMI types are members of the service models' enums."""
    eks, ec2 = Session().get_service_model("eks"), Session().get_service_model("ec2")
    groups = [_group(changes) for changes in (EKS, BLOCK, {**EKS, "gpuPools.l4.capacity": "spot"})]
    block = _template(BLOCK)

    assert {group["capacityType"] for group in groups} == set(eks.shape_for("CapacityTypes").enum)
    for group in groups:
        assert group["amiType"] in eks.shape_for("AMITypes").enum
        assert group["taints"][0]["effect"] in eks.shape_for("TaintEffect").enum
        assert group["updateConfig"]["updateStrategy"] in eks.shape_for("NodegroupUpdateStrategies").enum
    assert block["instanceMarketOptions"]["marketType"] in ec2.shape_for("MarketType").enum
    preference = block["capacityReservationSpecification"]["capacityReservationPreference"]
    assert preference in ec2.shape_for("CapacityReservationPreference").enum
