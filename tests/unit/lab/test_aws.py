"""The stand-in for pulumi-aws' plug-in: it knows just the types that the program makes, by pulumi-aws' own names.

What these tests cannot prove: that terraform-provider-aws replaces for the inputs that the files named in each kind
said it does at the commit that was read, in the version that pulumi-aws 7.51.1 wraps.
"""

import inspect
import json
import re
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_aws
import pytest
import yaml
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from components.aws_resources import AWS_TYPES
from lab.aws import token
from lab.aws.cluster import _cluster_parameters, _group_parameters
from lab.aws.kinds import KINDS
from lab.aws.machines import launch_template_data
from lab.aws.plugin import UNKNOWN, AwsProvider
from lab.aws.resource import changed_paths, same
from lab.aws.session import Refused
from lab.aws.store import Store
from operate.workspace import ROOT
from tests.support.aws_models import faults_of_call

GOLDENS = sorted((ROOT / "tests" / "golden" / "aws").glob("*.yaml"))
GROUP = "urn:pulumi:s::llm-d::llmd:index:GpuNodePool$aws:eks/nodeGroup:NodeGroup::cluster-l4"
TEMPLATE = "urn:pulumi:s::llm-d::llmd:index:GpuNodePool$aws:ec2/launchTemplate:LaunchTemplate::cluster-l4-template"
CLUSTER_TYPE = "aws:eks/cluster:Cluster"
CLUSTER = f"urn:pulumi:s::llm-d::llmd:index:EksCluster${CLUSTER_TYPE}::cluster-eks"
TEMPLATE_INPUTS = {"name": "t-1", "instanceType": "g6.xlarge", "tags": {"a": "b"}}


def _planned() -> list[tuple[str, str, dict[str, Any]]]:
    """Every AWS resource of every golden: where, its type, its inputs."""
    found = []
    for path in GOLDENS:
        for key, item in yaml.safe_load(path.read_text()).items():
            type_, _, name = key.partition(" ")
            if type_.startswith("aws:"):
                found.append((f"{path.stem} {name}", type_, item["inputs"]))
    return found


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _inputs_of(type_: str) -> set[str]:
    """Inputs of a type, as pulumi-aws itself names them."""
    cls = attrgetter(AWS_TYPES[type_])(pulumi_aws)
    return {_camel(name) for name in inspect.signature(cls._internal_init).parameters}


def test_the_stand_in_knows_just_the_programs_types() -> None:
    """Each AWS type that the program can make is mapped, and none beside."""
    assert set(KINDS) == set(AWS_TYPES)


def test_every_token_is_pulumi_aws_own() -> None:
    """A token is the one that the SDK's class registers."""
    tokens = {type_: attrgetter(name)(pulumi_aws).pulumi_type for type_, name in AWS_TYPES.items()}

    assert tokens == {type_: type_ for type_ in AWS_TYPES}


@pytest.mark.parametrize("type_", sorted(KINDS))
def test_every_input_that_replaces_is_an_input(type_: str) -> None:
    """What a kind says of inputs and names speaks of inputs that pulumi-aws has, and says where it was read."""
    kind = KINDS[type_]
    named = {path.partition(".")[0] for path in kind.replaces} | ({kind.name_input} - {None})

    assert named <= _inputs_of(type_)
    assert re.match(r"[a-z0-9]+/[a-z0-9_]+\.go@[0-9a-f]{7}", kind.source)


def test_every_planned_input_is_known_to_pulumi_aws() -> None:
    """No builder writes an input that the SDK does not have."""
    unknown = {where: sorted(inputs.keys() - _inputs_of(type_)) for where, type_, inputs in _planned()}

    assert {where: keys for where, keys in unknown.items() if keys} == {}


def test_every_planned_type_is_in_some_golden() -> None:
    """The goldens show each type at least once."""
    assert set(AWS_TYPES) == {type_ for _, type_, _ in _planned()}


def test_every_call_is_one_that_the_services_models_take() -> None:
    """Clusters, node groups and launch templates of the goldens are valid calls, every word a member of its enum."""
    faults = {}
    for where, type_, inputs in _planned():
        if type_ == "aws:eks/cluster:Cluster":
            faults[where] = faults_of_call("eks", "CreateCluster", _cluster_parameters(inputs))
        elif type_ == "aws:eks/nodeGroup:NodeGroup":
            parameters = _group_parameters({**inputs, "nodeGroupName": "n"})
            faults[where] = faults_of_call("eks", "CreateNodegroup", parameters)
        elif type_ == "aws:ec2/launchTemplate:LaunchTemplate":
            data = {"LaunchTemplateName": "t", "LaunchTemplateData": launch_template_data(inputs)}
            faults[where] = faults_of_call("ec2", "CreateLaunchTemplate", data)

    assert len(faults) > len(GOLDENS)
    assert {where: found for where, found in faults.items() if found} == {}


def test_the_models_find_a_wrong_word() -> None:
    """The check that guards the calls sees a word that is in no enum."""
    parameters = {"clusterName": "c", "nodegroupName": "n", "subnets": [], "nodeRole": "r", "capacityType": "SPOTTY"}

    (fault,) = faults_of_call("eks", "CreateNodegroup", parameters)
    assert fault.startswith("CreateNodegroup.capacityType: SPOTTY is none of ON_DEMAND, SPOT")


def _struct(properties: dict[str, Any]) -> Any:  # noqa: ANN401 - a protobuf message
    return json_format.ParseDict(properties, struct_pb2.Struct())


@pytest.fixture
def provider(tmp_path: Path) -> AwsProvider:
    """A stand-in that dials nothing."""
    return AwsProvider(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "replaces", "diffs"),
    [
        ({"amiType": "A"}, {"amiType": "A"}, [], []),
        ({"amiType": "A"}, {"amiType": "B"}, ["amiType"], ["amiType"]),
        ({"labels": {"a": "b"}}, {"labels": {"a": "c"}}, [], ["labels"]),
        ({"scalingConfig": {"maxSize": 1}}, {"scalingConfig": {"maxSize": 2}}, [], ["scalingConfig"]),
        ({"launchTemplate": {"id": "x", "version": 1}}, {"launchTemplate": {"id": "x", "version": 2}}, [],
         ["launchTemplate"]),
        ({"launchTemplate": {"id": "x", "version": 1}}, {"launchTemplate": {"id": "y", "version": 1}},
         ["launchTemplate.id"], ["launchTemplate"]),
        ({"subnetIds": ["a", "b"]}, {"subnetIds": ["b", "a"]}, [], []),
        ({"subnetIds": ["a"]}, {"subnetIds": ["a", "b"]}, ["subnetIds"], ["subnetIds"]),
        ({"launchTemplate": {"id": "x", "version": 1}}, {"launchTemplate": {"id": "x", "version": UNKNOWN}}, [],
         ["launchTemplate"]),
    ],
)  # fmt: skip
def test_a_diff_tells_updates_from_replacements(
    provider: AwsProvider, old: dict[str, Any], new: dict[str, Any], replaces: list[str], diffs: list[str]
) -> None:
    """Of a node group the AMI, the subnets and another template replace; sizes, labels and versions do not."""
    request = provider_pb2.DiffRequest(urn=GROUP, old_inputs=_struct(old), news=_struct(new))
    answer = provider.Diff(request, SimpleNamespace())

    assert (list(answer.replaces), list(answer.diffs)) == (replaces, diffs)


def test_a_name_is_given_once_and_kept(provider: AwsProvider) -> None:
    """A node group without a name gets one from its logical name; later runs keep it."""
    first = provider.Check(provider_pb2.CheckRequest(urn=GROUP, news=_struct({}), randomSeed=b"1"), None)
    name = first.inputs["nodeGroupName"]
    again = provider.Check(provider_pb2.CheckRequest(urn=GROUP, news=_struct({}), olds=first.inputs), None)

    assert re.fullmatch(r"cluster-l4-[0-9a-f]{7}", name)
    assert again.inputs["nodeGroupName"] == name


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"instanceType": "g6.2xlarge"}, UNKNOWN), ({"tags": {"a": "c"}}, UNKNOWN), ({"updateDefaultVersion": True}, 3)],
)
def test_a_templates_version_is_unknown_while_it_changes(
    provider: AwsProvider, changes: dict[str, Any], expected: object
) -> None:
    """In a preview a changed template has a version to come, so its node group is shown as updated."""
    old = TEMPLATE_INPUTS
    request = provider_pb2.UpdateRequest(
        urn=TEMPLATE,
        preview=True,
        olds=_struct({**old, "latestVersion": 3}),
        old_inputs=_struct(old),
        news=_struct({**old, **changes}),
    )

    assert provider.Update(request, None).properties["latestVersion"] == expected


def test_a_preview_makes_nothing_and_says_what_it_knows(provider: AwsProvider) -> None:
    """Inputs are known in a preview, computed outputs are not, and nothing is dialled."""
    request = provider_pb2.CreateRequest(urn=TEMPLATE, preview=True, properties=_struct(TEMPLATE_INPUTS))
    properties = dict(provider.Create(request, None).properties)

    assert (properties["instanceType"], properties["latestVersion"]) == ("g6.xlarge", UNKNOWN)


def test_a_clusters_security_group_outlives_updates_and_refreshes(
    provider: AwsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is computed within an input: unknown in a first plan, and then the same, or pools with EFA would change."""
    inputs = {"version": "1.34", "vpcConfig": {"subnetIds": ["a"]}}
    state = {**inputs, "vpcConfig": {"subnetIds": ["a"], "clusterSecurityGroupId": "sg"}}
    known = {"urn": CLUSTER, "properties": _struct(state), "inputs": _struct(inputs)}
    news = _struct({**inputs, "version": "1.35"})
    monkeypatch.setitem(KINDS, CLUSTER_TYPE, replace(KINDS[CLUSTER_TYPE], read=lambda *_: state))

    made = provider.Create(provider_pb2.CreateRequest(urn=CLUSTER, preview=True, properties=_struct(inputs)), None)
    request = provider_pb2.UpdateRequest(
        urn=CLUSTER, preview=True, olds=_struct(state), old_inputs=_struct(inputs), news=news
    )
    updated = provider.Update(request, None)
    read = provider.Read(provider_pb2.ReadRequest(id="c", **known), None)

    groups = [answer.properties["vpcConfig"]["clusterSecurityGroupId"] for answer in (made, updated, read)]
    assert groups == [UNKNOWN, "sg", "sg"]
    assert json_format.MessageToDict(read.inputs) == inputs


def test_a_protected_cluster_is_not_deleted(tmp_path: Path) -> None:
    """Deletion protection is the API's refusal, and nothing was touched."""
    store = Store(tmp_path)
    store.put("cluster/c", {"deletionProtection": True, "securityGroupId": "sg"})
    with pytest.raises(Refused, match="deletion protection"):
        KINDS["aws:eks/cluster:Cluster"].delete(SimpleNamespace(store=store), "c", {})  # type: ignore[arg-type]

    assert store.keys() == ["cluster/c"]


def test_lists_of_the_api_are_sets() -> None:
    """An order is no difference, a missing key and an empty one say the same, a nested change has its own path."""
    assert same([{"key": "a", "value": "b"}, {"key": "c"}], [{"key": "c"}, {"value": "b", "key": "a"}])
    assert same(None, [])
    assert changed_paths({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == ["a.c"]


def test_a_kubeconfig_of_eks_gets_the_labs_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`aws eks get-token` answers with a credential of the lab's administrator; every other command is refused."""
    (tmp_path / "tokens.csv").write_text('secret,admin,admin,"system:masters"\n')
    asked = ["--region", "us-west-2", "eks", "get-token", "--cluster-name", "c", "--output", "json"]

    assert token.main([str(tmp_path), *asked]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == {"token": "secret"}
    assert token.main([str(tmp_path), "s3", "ls"]) == 2


def test_maps_say_the_same_in_any_order_at_any_depth() -> None:
    """A protobuf message's maps come in no order: inside a list too that is no change, and another value is one."""
    wanted = [{"tags": {"a": "1", "b": "2"}, "names": ["x", "y"]}]
    assert changed_paths({"in": wanted}, {"in": [{"names": ["y", "x"], "tags": {"b": "2", "a": "1"}}]}) == []
    assert changed_paths({"in": wanted}, {"in": [{"names": ["y", "x"], "tags": {"b": "3", "a": "1"}}]}) == ["in"]
    assert changed_paths({"in": None}, {"in": []}) == []
