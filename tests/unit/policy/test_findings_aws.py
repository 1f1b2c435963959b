"""What rules about AWS find, one change at a time: the branches that a single case cannot reach.

Each row changes one resource and states the whole of what is found: no row is satisfied by another rule's finding.
"""

from typing import Any

import pytest

from tests.support.policy_cases import Resource
from tests.support.policy_changes import changed, found, set_to


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (
            changed("group", set_to("scalingConfig", "minSize", to=1)),
            ("gpu-cost", "keeps 1 GPU nodes when nobody asks anything, the environment allows 0"),
        ),
        (
            changed("template", set_to("metadataOptions", "httpPutResponseHopLimit", to=2)),
            ("launch-template", "lets metadata travel 2 hops, so that pods get the node's role; 1 is allowed"),
        ),
        (
            changed("template", set_to("blockDeviceMappings", 0, "ebs", "encrypted", to="false")),
            ("launch-template", "disk /dev/xvda is not encrypted"),
        ),
        (
            changed("template", set_to("keyName", to="me")),
            ("launch-template", "has an SSH key; use Session Manager"),
        ),
        (
            changed("template", set_to("networkInterfaces", to=[{"associatePublicIpAddress": "true"}])),
            ("launch-template", "gives nodes a public address"),
        ),
        (
            changed("group", set_to("amiType", to="AL2_x86_64_GPU")),
            ("gpu-node-group", "AMI type AL2_x86_64_GPU is at its end: there is none after Kubernetes 1.32"),
        ),
        (
            changed("group", set_to("amiType", to="AL2023_x86_64_STANDARD")),
            ("gpu-node-group", "AMI type AL2023_x86_64_STANDARD has no NVIDIA driver, p5.48xlarge has GPUs"),
        ),
        (
            changed("group", set_to("amiType", to="AL2023_ARM_64_NVIDIA")),
            ("gpu-node-group", "AMI type AL2023_ARM_64_NVIDIA does not run on p5.48xlarge, which is amd64"),
        ),
        (
            changed("group", set_to("labels", to={})),
            (
                "gpu-node-group",
                (
                    "has no label nvidia.com/gpu.present=true: "
                    "before Kubernetes 1.35 the device plugin finds no node by itself"
                ),
            ),
        ),
        (
            changed("group", set_to("remoteAccess", to={"ec2SshKey": "me"})),
            ("gpu-node-group", "has remoteAccess: its nodes take SSH"),
        ),
        (
            changed(
                "group",
                lambda p: p.update(capacityType="CAPACITY_BLOCK", launchTemplate={"id": "l"}, subnetIds=["a", "b"]),
            ),
            ("reserved-capacity", "has a capacity block, which is in one zone, and 2 subnets"),
        ),
        (
            changed("group", set_to("capacityType", to="CAPACITY_BLOCK")),
            (
                "reserved-capacity",
                "has a capacity block and no launch template, which alone can name the reservation",
            ),
        ),
        (
            changed("template", set_to("networkInterfaces", to=[{"interfaceType": "efa-only"}])),
            (
                "reserved-capacity",
                "has an EFA interface without security group: EFA needs one that admits itself",
            ),
        ),
        (
            changed(
                "template",
                lambda p: p.update(
                    instanceType="p5.48xlarge",
                    networkInterfaces=[{"interfaceType": "efa-only", "securityGroups": ["sg"]}] * 4,
                ),
            ),
            ("reserved-capacity", "has 4 EFA interfaces, p5.48xlarge has 32"),
        ),
        (
            changed("cluster", set_to("vpcConfig", "endpointPrivateAccess", to=False)),
            ("cluster", "has no private endpoint: nodes reach the control plane over the internet"),
        ),
        (
            changed("cluster", lambda p: p.pop("encryptionConfig")),
            ("cluster", "keeps Secrets without a KMS key of yours"),
        ),
        (
            changed("cluster", set_to("enabledClusterLogTypes", to=["api", "audit"])),
            ("cluster", "does not log authenticator: nobody can tell who did it"),
        ),
        (
            changed("cluster", set_to("accessConfig", "authenticationMode", to="CONFIG_MAP")),
            ("cluster", "grants access by the aws-auth ConfigMap, which one wrong edit locks everybody out of"),
        ),
        (
            changed("cluster", set_to("version", to="1.30")),
            ("cluster", "runs Kubernetes 1.30; in standard support: 1.34, 1.35, 1.36"),
        ),
        (
            changed("cluster", lambda p: p.pop("deletionProtection")),
            ("cluster", "has no deletion protection"),
        ),
        (
            changed(
                "policy", set_to("policy", to='{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}')
            ),
            ("identity", "allows everything of s3 on every resource"),
        ),
        (
            changed("group", lambda p: p.pop("releaseVersion")),
            ("tested-versions", "has no releaseVersion: a new AMI would roll the nodes when nobody planned it"),
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_one_change_is_one_finding(resources: list[Resource], expected: tuple[str, str]) -> None:
    """The change is found by one rule, with these words, and nothing else is."""
    assert found(resources) == [expected]


@pytest.mark.parametrize(
    ("resources", "settings"),
    [
        (changed("group", lambda p: p.update(version="1.35", labels={})), {}),
        (changed("group", lambda p: p.update(amiType="BOTTLEROCKET_x86_64_NVIDIA", labels={})), {}),
        (
            changed("template", set_to("metadataOptions", "httpPutResponseHopLimit", to=2)),
            {"launch_template": {"hopLimit": 2}},
        ),
        (
            changed(
                "cluster",
                lambda p: p["vpcConfig"].update(endpointPublicAccess=True, publicAccessCidrs=["198.51.100.0/24"]),
            ),
            {"cluster": {"publicEndpoint": True, "deletionProtection": True}},
        ),
        (
            changed("policy", set_to("policy", to={"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})),
            {},
        ),
    ],
)
def test_what_is_allowed_is_notfound(resources: list[Resource], settings: dict[str, dict[str, Any]]) -> None:
    """Changes that look like a violation and are none."""
    assert found(resources, **settings) == []
