"""Stacks on EKS on the lab: their config, what AWS holds, and the order in which a run took things away."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import Lab, Toolchain
from lab.aws.plugin import UNKNOWN
from lab.aws.session import Session
from lab.tools import KUBERNETES_PROVIDER_VERSION
from operate.workspace import ROOT, read_stack_document
from tests.support.stacks import CaseStack

__all__ = [
    "EksCase",
    "aws_lab",
    "aws_steps",
    "deletions",
    "differences",
    "example_config",
    "kinds_of_steps",
    "left_on_aws",
    "operations",
    "planned_inputs",
    "rank_of",
    "seed_existing",
]


@contextmanager
def aws_lab(root: Path, cpu_nodes: int = 0) -> Iterator[Lab]:
    """A lab with an AWS, and no node that a node group has not made, but for those of a cluster that is there."""
    lab = Lab(root, toolchain=Toolchain.BUILT, own_kubectl=True)
    try:
        lab.up((), cpu_nodes=cpu_nodes, aws=True)
        yield lab
    finally:
        lab.down()


def example_config(name: str) -> dict[str, Any]:
    """An example's config, with the provider that the lab has."""
    config: dict[str, Any] = dict(read_stack_document(ROOT / "examples" / f"Pulumi.{name}.yaml")["config"])
    config["llm-d:cluster"] = {**config["llm-d:cluster"], "providerVersion": KUBERNETES_PROVIDER_VERSION}
    return config


@dataclass(frozen=True, kw_only=True)
class EksCase:
    """An example on EKS, and what becomes of it when it is changed."""

    example: str
    pool: str
    """The pool that is changed."""
    in_place: dict[str, Any]
    """Keys of the pool whose change is an update."""
    updated: frozenset[str]
    """Resources, as kind and name, that this updates."""
    replacing: dict[str, Any]
    """Keys of the pool whose change is a replacement."""
    replaced: frozenset[str]
    """Resources that this replaces."""
    efa_interfaces: int = 0
    """EFA interfaces of each node of the pool."""


def left_on_aws(session: Session) -> dict[str, list[str]]:
    """Everything in the emulated account that an empty one has not."""
    ec2 = session.ec2

    def ids(items: list[dict[str, Any]], key: str) -> list[str]:
        return [item[key] for item in items if not item.get("IsDefault") and not item.get("DefaultForAz")]

    kms = session.client("kms")
    keys = [kms.describe_key(KeyId=item["KeyId"])["KeyMetadata"] for item in kms.list_keys()["Keys"]]
    default = {item["VpcId"] for item in ec2.describe_vpcs()["Vpcs"] if item["IsDefault"]}
    found = {
        "vpcs": ids(ec2.describe_vpcs()["Vpcs"], "VpcId"),
        "subnets": ids(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "security groups": [
            item["GroupId"]
            for item in ec2.describe_security_groups()["SecurityGroups"]
            if item["GroupName"] != "default"
        ],
        "route tables": [
            item["RouteTableId"] for item in ec2.describe_route_tables()["RouteTables"] if item["VpcId"] not in default
        ],
        "gateways": [
            item["InternetGatewayId"]
            for item in ec2.describe_internet_gateways()["InternetGateways"]
            if not {attached["VpcId"] for attached in item["Attachments"]} & default
        ],
        "nat gateways": [
            item["NatGatewayId"] for item in ec2.describe_nat_gateways()["NatGateways"] if item["State"] != "deleted"
        ],
        "addresses": [item["AllocationId"] for item in ec2.describe_addresses()["Addresses"]],
        "endpoints": [
            item["VpcEndpointId"]
            for item in ec2.describe_vpc_endpoints()["VpcEndpoints"]
            if item.get("State") != "deleted"
        ],
        "launch templates": [item["LaunchTemplateId"] for item in ec2.describe_launch_templates()["LaunchTemplates"]],
        "clusters": session.eks.list_clusters()["clusters"],
        "roles": [item["RoleName"] for item in session.client("iam").list_roles()["Roles"]],
        "keys": [item["KeyId"] for item in keys if item["KeyState"] != "PendingDeletion"],
        "of the stand-in": session.store.keys(),
    }
    return {kind: items for kind, items in found.items() if items}


def seed_existing(session: Session, config: dict[str, Any], kubeconfig: Path) -> None:
    """What the config says is there: VPC, subnets, security group, role and cluster; the config gets their ids."""
    eks = config["llm-d:cluster"]["eks"]
    vpc = session.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: session.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate(sorted(eks["network"]["existing"]["subnets"]))
    }
    group = session.ec2.create_security_group(GroupName="eks-cluster", Description="cluster", VpcId=vpc)["GroupId"]
    role = session.client("iam").create_role(RoleName="platform-nodes", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    vpc_config = {"subnetIds": sorted(subnets.values())}
    session.eks.create_cluster(name=eks["name"], roleArn=role, resourcesVpcConfig=vpc_config, version=eks["version"])
    eks["network"] = {"existing": {"vpcId": vpc, "subnets": subnets}}
    eks["existing"] = {"kubeconfig": str(kubeconfig), "nodeRoleArn": role, "securityGroup": group}


def deletions(events: str) -> list[tuple[str, str, str]]:
    """Starts and ends of every deletion, in the order of the engine's own events: what, type, name."""
    return [(kind, type_, name) for kind, op, type_, name in _steps_of(events) if op == "delete"]


def operations(events: str) -> set[tuple[str, str, str]]:
    """What a run did to what: operation, type and name; what it left alone is not in it."""
    return {(op, type_, name) for kind, op, type_, name in _steps_of(events) if kind == "ends" and op != "same"}


def _steps_of(events: str) -> Iterator[tuple[str, str, str, str]]:
    """`starts` or `ends`, operation, type and name, in the order of the engine's own events."""
    for line in events.splitlines():
        if not line.startswith("{"):
            continue
        event = json.loads(line)
        for kind, said in (("starts", "resourcePreEvent"), ("ends", "resOutputsEvent")):
            metadata = (event.get(said) or {}).get("metadata") or {}
            if metadata:
                yield kind, metadata["op"], metadata["type"], metadata["urn"].rpartition("::")[2]


def kinds_of_steps(stack: CaseStack, *options: str) -> dict[str, str]:
    """A preview's operations by kind and name; that it looked is none."""
    return {_short(urn): op for urn, op in stack.steps(*options).items() if op != "refresh"}


def aws_steps(stack: CaseStack) -> dict[str, str]:
    """A preview's operations on AWS by kind and name; a replacement is one, not the three steps that it takes."""
    steps = stack.preview()["steps"]
    found = {_short(step["urn"]): step["op"] for step in steps if "$aws:" in step["urn"] and step["op"] != "same"}
    return {
        name: "replace" if op.endswith(("replace", "replacement", "replaced")) else op for name, op in found.items()
    }


def rank_of(type_: str) -> int | None:
    """When a type has to go: what runs in the cluster, Karpenter's pools, node groups, cluster, network."""
    ranks = (
        ("kubernetes:apps/", 0),
        ("kubernetes:karpenter.sh/", 1),
        ("kubernetes:karpenter.k8s.aws/", 2),
        ("aws:eks/nodeGroup:", 3),
        ("aws:eks/cluster:", 4),
        ("aws:ec2/natGateway:", 5),
        ("aws:ec2/subnet:", 5),
        ("aws:ec2/vpc:", 6),
    )
    return next((rank for start, rank in ranks if type_.startswith(start)), None)


def _short(urn: str) -> str:
    _, _, types, name = urn.split("::")
    return f"{types.rpartition('$')[2].rpartition(':')[2]} {name}"


def planned_inputs(stack: CaseStack) -> dict[str, Any]:
    """Inputs that a first preview plans for each AWS resource, by type and name."""
    steps = stack.preview()["steps"]
    assert {step["op"] for step in steps} <= {"create"}
    states = [step["newState"] for step in steps if step["newState"]["type"].startswith("aws:")]
    return {f"{state['type']} {state['urn'].rpartition('::')[2]}": state["inputs"] for state in states}


def differences(planned: Any, golden: Any, path: str = "") -> list[str]:  # noqa: ANN401 - JSON-like
    """Where a plan says something else than a golden; what a plan cannot know yet says nothing."""
    if planned == UNKNOWN:
        return []
    if isinstance(planned, dict) and isinstance(golden, dict):
        return [item for key in golden for item in differences(planned.get(key), golden[key], f"{path}.{key}")]
    if isinstance(planned, list) and isinstance(golden, list) and len(planned) == len(golden):
        pairs = enumerate(zip(planned, golden, strict=True))
        return [item for index, pair in pairs for item in differences(*pair, f"{path}[{index}]")]
    # A resource is known by its name, which gets a random end in a plan.
    is_named = isinstance(planned, str) and re.fullmatch(f"{re.escape(str(golden))}-[0-9a-f]{{7}}", planned)
    return [] if planned == golden or is_named else [f"{path}: {planned!r} is not {golden!r}"]
