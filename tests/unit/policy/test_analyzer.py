"""What the engine hands the pack, and what it is answered; the messages are the protocol's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from policy.analyzer import REPORT_VARIABLE, Analyzer, subject_of
from policy.checks import RULES
from policy.checks.subject import UNKNOWN

UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def _request(properties: dict[str, Any], token: str = TEMPLATE) -> Any:  # noqa: ANN401 - gRPC's generated code is untyped
    given = struct_pb2.Struct()
    given.update(properties)
    return analyzer_pb2.AnalyzeRequest(urn=f"urn:pulumi:s::p::{token}::one", type=token, name="one", properties=given)


def _said(answer: Any) -> list[tuple[str, int]]:  # noqa: ANN401 - gRPC's generated code is untyped
    return [(item.policyName, item.enforcementLevel) for item in answer.diagnostics]


def test_a_secret_is_judged_by_its_value_and_an_unknown_is_marked() -> None:
    """The engine wraps secrets and has a word for each kind of unknown; numbers that are whole stay whole."""
    secret = {SIGNATURE: SECRET, "value": {"a": 1}}

    found = subject_of(_request({"s": secret, "u": UNKNOWN_STRING, "n": 1.5, "l": [True, None]})).properties

    assert found == {"s": {"a": 1}, "u": UNKNOWN, "n": 1.5, "l": [True, None]}
    assert str(found["s"]["a"]) == "1"


def test_a_violation_is_answered_with_the_rules_level_and_what_to_do() -> None:
    """A mandatory rule's violation is mandatory; its message ends with remedy and key."""
    answer = Analyzer("1").Analyze(_request({"metadataOptions": {"httpTokens": "optional"}}), None)

    assert _said(answer) == [("launch-template", analyzer_pb2.MANDATORY)]
    assert answer.diagnostics[0].message.splitlines()[-1] == (
        "To do: httpTokens required, hop limit 1, encrypted disks, no public address, no SSH key."
        " Config: (always built so)"
    )


def test_what_cannot_be_judged_is_advisory_and_says_so() -> None:
    """The value may be known in the update alone, so the gap does not stop the engine; `make policy` refuses it."""
    answer = Analyzer("1").Analyze(_request({"metadataOptions": {"httpTokens": UNKNOWN_STRING}}), None)

    assert _said(answer) == [("launch-template", analyzer_pb2.ADVISORY)]
    assert "cannot be judged yet: metadataOptions.httpTokens" in answer.diagnostics[0].message


def test_rules_without_a_subject_are_named_as_such() -> None:
    """The engine's own summary can tell a rule that passed from one that had nothing to judge."""
    answer = Analyzer("1").Analyze(_request({"metadataOptions": {"httpTokens": "required"}}), None)
    judged = {rule.id for rule in RULES if not rule.across} - {item.policy_name for item in answer.not_applicable}

    assert judged == {"launch-template", "reserved-capacity", "literal-secret"}


def test_an_environments_config_changes_levels_and_settings() -> None:
    """A disabled rule is silent, a setting that is given holds, one that is not keeps its default."""
    analyzer = Analyzer("1")
    settings = struct_pb2.Struct()
    settings.update({"hopLimit": 2})
    given = {"launch-template": analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.ADVISORY, properties=settings)}
    analyzer.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=given), None)
    two = {"httpTokens": "required", "httpPutResponseHopLimit": 2}

    assert _said(analyzer.Analyze(_request({"metadataOptions": two}), None)) == []
    assert _said(analyzer.Analyze(_request({"metadataOptions": {**two, "httpTokens": "optional"}}), None)) == [
        ("launch-template", analyzer_pb2.ADVISORY)
    ]


def test_rules_across_objects_judge_inputs_not_the_outputs_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a first preview outputs are empty: what the program said before is judged, and counted in the report."""
    report = tmp_path / "report.json"
    monkeypatch.setenv(REPORT_VARIABLE, str(report))
    analyzer = Analyzer("1")
    service = {"metadata": {"name": "s", "namespace": "n"}, "spec": {"type": "LoadBalancer"}}
    request = _request(service, "kubernetes:core/v1:Service")
    analyzer.Analyze(request, None)
    empty = analyzer_pb2.AnalyzerResource(urn=request.urn, type=request.type)

    answer = analyzer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[empty]), None)

    assert [(item.policyName, item.urn) for item in answer.diagnostics] == [("exposure", request.urn)]
    assert json.loads(report.read_text())["exposure"] == {"judged": 1, "unjudged": 0, "violations": 1}


def test_a_resource_that_leaves_the_stack_is_not_judged_with_it() -> None:
    """Only what the engine names as the stack is: an earlier run's resources are gone."""
    analyzer = Analyzer("1")
    service = {"metadata": {"name": "s", "namespace": "n"}, "spec": {"type": "LoadBalancer"}}
    analyzer.Analyze(_request(service, "kubernetes:core/v1:Service"), None)

    assert _said(analyzer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), None)) == []


def test_the_engine_gets_every_rule_with_the_schema_of_its_settings() -> None:
    """So that it refuses a config with a wrong type before anything is judged."""
    info = Analyzer("1.2.3").GetAnalyzerInfo(None, None)
    probes = next(policy for policy in info.policies if policy.name == "probes")

    assert [policy.name for policy in info.policies] == [rule.id for rule in RULES]
    assert (info.version, info.supportsConfig) == ("1.2.3", True)
    assert dict(probes.configSchema.properties["startupSeconds"]) == {"type": "number", "minimum": 0}
