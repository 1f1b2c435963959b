"""A cluster's resources as data: private, encrypted, logged, and in an order that does not deadlock.

What these tests cannot prove: that AWS' managed policies allow what their names say.
"""

import json
from typing import Any

from components.aws_plan import AwsResource, Ref
from components.eks_cluster import EksClusterArgs, build, kubeconfig
from components.eks_cluster.objects import ADDONS_AFTER_NODES, ADDONS_BEFORE_NODES
from stacks import plan_cluster
from tests.support.configs import EKS, settings

ADMIN = "arn:aws:iam::111122223333:role/operators"


def _resources(changes: dict[str, Any] | None = None) -> dict[str, AwsResource]:
    made = plan_cluster(settings({**EKS, **(changes or {})}))
    assert made is not None
    assert made.cluster is not None
    return build(EksClusterArgs(spec=made.cluster, subnet_ids=["subnet-a", "subnet-b"]))


def test_a_cluster_is_private_encrypted_and_logged() -> None:
    """The defaults are the safe ones: no public endpoint, access entries alone, an own key, every log."""
    assert _resources()[""].inputs == {
        "name": "test",
        "version": "1.34",
        "roleArn": Ref(suffix="role", output="arn"),
        "vpcConfig": {
            "subnetIds": ["subnet-a", "subnet-b"],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "bootstrapSelfManagedAddons": False,
        "encryptionConfig": {"provider": {"keyArn": Ref(suffix="key", output="arn")}, "resources": ["secrets"]},
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": False,
        "tags": {},
    }


def test_a_public_endpoint_is_for_named_networks() -> None:
    """Networks that are named switch the public endpoint on, for them alone."""
    vpc = _resources({"cluster.eks.publicAccessCidrs": ["198.51.100.0/24"]})[""].inputs["vpcConfig"]

    assert (vpc["endpointPublicAccess"], vpc["publicAccessCidrs"]) == (True, ["198.51.100.0/24"])


def test_a_key_of_ones_own_is_taken() -> None:
    """With a key by ARN no key is made."""
    arn = "arn:aws:kms:us-west-2:111122223333:key/1"
    resources = _resources({"cluster.eks.secretsKeyArn": arn})

    assert "key" not in resources
    assert resources[""].inputs["encryptionConfig"]["provider"] == {"keyArn": arn}


def test_addons_come_in_the_order_that_does_not_deadlock() -> None:
    """A node waits for network add-ons, and what runs as a Deployment waits for nodes: never the other way round."""
    resources = _resources()
    order = list(resources)

    for addon in ADDONS_BEFORE_NODES:
        assert order.index(f"addon-{addon}") < order.index("system")
        assert f"addon-{addon}" in resources["system"].after
        assert "system" not in resources[f"addon-{addon}"].after
    for addon in ADDONS_AFTER_NODES:
        assert "system" in resources[f"addon-{addon}"].after


def test_addons_get_rights_through_pod_identity() -> None:
    """CNI and CSI driver have roles of their own, which pods alone may take; nodes have neither's rights."""
    resources = _resources()
    roles = {
        suffix: json.loads(resource.inputs["assumeRolePolicy"])["Statement"][0]
        for suffix, resource in resources.items()
        if resource.type.endswith(":Role")
    }
    policies = {
        suffix: resource.inputs["policyArn"].rpartition("/")[2]
        for suffix, resource in resources.items()
        if resource.type.endswith(":RolePolicyAttachment")
    }

    assert {suffix: statement["Principal"]["Service"] for suffix, statement in roles.items()} == {
        "role": "eks.amazonaws.com",
        "node-role": "ec2.amazonaws.com",
        "addon-vpc-cni-role": "pods.eks.amazonaws.com",
        "addon-aws-ebs-csi-driver-role": "pods.eks.amazonaws.com",
    }
    assert roles["addon-vpc-cni-role"]["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert policies == {
        "role-policy": "AmazonEKSClusterPolicy",
        "node-role-worker": "AmazonEKSWorkerNodePolicy",
        "node-role-registry": "AmazonEC2ContainerRegistryPullOnly",
        "addon-vpc-cni-role-policy": "AmazonEKS_CNI_Policy",
        "addon-aws-ebs-csi-driver-role-policy": "AmazonEBSCSIDriverPolicy",
    }


def test_an_administrator_has_an_entry_and_a_policy() -> None:
    """Each principal of the config has full rights by an access entry; nothing edits aws-auth."""
    resources = _resources({"cluster.eks.administrators": [ADMIN]})

    entry = resources["administrator-role-operators"].inputs
    policy = resources["administrator-role-operators-policy"].inputs
    assert (entry["principalArn"], entry["type"]) == (ADMIN, "STANDARD")
    assert (policy["principalArn"], policy["accessScope"]) == (ADMIN, {"type": "cluster"})
    assert policy["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")


def test_an_addons_version_is_pinned_where_it_is_named() -> None:
    """A named version is set; without one EKS' own for the cluster's version is taken."""
    resources = _resources({"cluster.eks.addonVersions": {"coredns": "v1.12.1-eksbuild.2"}})

    versions = {name: item.inputs.get("addonVersion") for name, item in resources.items() if name.startswith("addon-")}
    assert versions["addon-coredns"] == "v1.12.1-eksbuild.2"
    assert versions["addon-kube-proxy"] is None


def test_the_kubeconfig_holds_no_secret() -> None:
    """It says where the cluster is and how to ask for a token; everything in it is named by the ARN."""
    made = plan_cluster(settings(EKS))
    assert made is not None
    assert made.cluster is not None
    document = json.loads(kubeconfig(made.cluster, arn="arn:x", endpoint="https://x", authority="Q0E="))

    assert document["users"] == [
        {
            "name": "arn:x",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "aws",
                    "args": [
                        *("--region", "us-west-2", "eks", "get-token"),
                        *("--cluster-name", "test", "--output", "json"),
                    ],
                    "interactiveMode": "Never",
                }
            },
        }
    ]
    assert document["current-context"] == "arn:x"
