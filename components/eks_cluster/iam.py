"""The IAM roles of a cluster, as data; pure.

Nodes get what a kubelet needs and no more: the CNI and the CSI driver have roles of their own through Pod Identity, so
a pod that reaches the node's credentials can pull images and little else.
"""

import json
from collections.abc import Mapping

from components.aws_plan import AwsResource, Ref

__all__ = ["role"]


def role(
    suffix: str, service: str, policies: Mapping[str, str], tags: Mapping[str, str], description: str
) -> dict[str, AwsResource]:
    """A role and its managed policies.

    Args:
        suffix: Of the role.
        service: Who may take it.
        policies: Managed policies of AWS by the suffix that their attachment gets.
        tags: Tags of the role.
        description: What it is for.
    """
    actions = ["sts:AssumeRole", "sts:TagSession"] if service == "pods.eks.amazonaws.com" else ["sts:AssumeRole"]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    resources = {
        suffix: AwsResource(
            type="aws:iam/role:Role",
            inputs={
                "assumeRolePolicy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True),
                "description": description,
                "tags": dict(tags),
            },
        )
    }
    for name, policy in policies.items():
        resources[f"{suffix}-{name}"] = AwsResource(
            type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            inputs={"role": Ref(suffix=suffix, output="name"), "policyArn": f"arn:aws:iam::aws:policy/{policy}"},
        )
    return resources
