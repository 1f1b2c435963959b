"""The pack as the engine sees it: a gRPC service that is given every resource and answers with violations.

Pulumi's own SDK for packs, pulumi-policy, turns a mandatory rule that meets an unknown value into an advisory remark,
which is a silent pass, and converts every resource anew for each rule (docs/adr/0014). So this speaks the engine's
protocol itself, which the program's own SDK carries: each resource is converted once, and what a rule could not judge
is said and counted.

Rules across objects judge inputs, which this service keeps until the stack is complete. The outputs, which the engine
hands over then, are empty in a first preview of a cluster that is not there yet.
"""

# ruff: noqa: ANN401, ARG002, N802 - names and signatures are gRPC's, and its generated code is untyped

import json
import os
import signal
import sys
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from policy import config as environment
from policy.checks import RULES, Rule, Severity, Subject, World
from policy.checks.subject import UNKNOWN
from policy.config import RuleConfig
from policy.judge import Report, Violation, judge

__all__ = ["REPORT_VARIABLE", "Analyzer", "plain", "serve", "subject_of"]

NAME = "llm-d"

REPORT_VARIABLE = "LLM_D_POLICY_REPORT"
"""Environment variable with the file that gets what each rule judged; none is written without it."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret, the same for all
_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""The engine's words for an unknown boolean, number, string, array, asset, archive and object."""

# A CRD is most of a megabyte of schema, no rule looks at one, and a provider's inputs hold its credentials.
_NOT_READ = ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "pulumi:providers:kubernetes")

_LEVELS = {
    Severity.ADVISORY: analyzer_pb2.ADVISORY,
    Severity.MANDATORY: analyzer_pb2.MANDATORY,
    Severity.DISABLED: analyzer_pb2.DISABLED,
}
_WORDS = {analyzer_pb2.REMEDIATE: Severity.MANDATORY} | {level: severity for severity, level in _LEVELS.items()}
_MESSAGE_BYTES = 400 * 1024 * 1024
"""As in the engine: a rendered chart in one message is large."""


def plain(value: Any) -> Any:
    """A value of the protocol as plain data; an unknown is `UNKNOWN`, a secret is its value."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields:
            return plain(fields["value"]) if fields[_SIGNATURE].string_value == _SECRET else UNKNOWN
        return {name: plain(item) for name, item in fields.items()}
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def subject_of(request: Any) -> Subject:
    """The resource of a request."""
    properties = {name: plain(value) for name, value in request.properties.fields.items()}
    return Subject(type=request.type, key=request.urn, properties=properties, protected=request.options.protect)


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._config: Mapping[str, RuleConfig] = environment.defaults()
        self._subjects: dict[str, Subject] = {}
        self._report = Report()

    def Handshake(self, request: Any, context: Any) -> Any:
        """The engine introduces itself; nothing to keep."""
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        """The stack's name and config: no rule reads them."""
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The pack's version."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        """The rules, with the schemas of their settings."""
        policies = [_info(rule) for rule in RULES]
        return analyzer_pb2.AnalyzerInfo(
            name=NAME, displayName=NAME, version=self._version, supportsConfig=True, policies=policies
        )

    def Configure(self, request: Any, context: Any) -> Any:
        """The environment's config, which the engine has checked against the schemas."""
        for rule in RULES:
            if rule.id in request.policyConfig:
                given = request.policyConfig[rule.id]
                settings = rule.defaults() | json_format.MessageToDict(given.properties)
                self._config = {
                    **self._config,
                    rule.id: RuleConfig(severity=_WORDS[given.enforcementLevel], settings=settings),
                }
        return empty_pb2.Empty()

    def Analyze(self, request: Any, context: Any) -> Any:
        """Judge one resource by the rules that need no other."""
        if request.type in _NOT_READ:
            return analyzer_pb2.AnalyzeResponse()
        subject = subject_of(request)
        self._subjects[subject.key] = subject
        rules = [rule for rule in RULES if not rule.across]
        return self._answer(rules, [subject], World(()))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        """Judge by the rules that look across objects, on the inputs of what the stack will hold."""
        kept = [
            self._subjects.get(item.urn) or subject_of(item) for item in request.resources if item.type not in _NOT_READ
        ]
        answer = self._answer([rule for rule in RULES if rule.across], kept, World(kept))
        if path := os.environ.get(REPORT_VARIABLE):
            Path(path).write_text(json.dumps(self._report.as_data(), indent=2))
        self._subjects, self._report = {}, Report()
        return answer

    def Remediate(self, request: Any, context: Any) -> Any:
        """Nothing: the pack judges, and changes nobody's plan."""
        return analyzer_pb2.RemediateResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        """The engine has had enough; it ends this process itself."""
        return empty_pb2.Empty()

    def _answer(self, rules: list[Rule], subjects: list[Subject], world: World) -> Any:
        found: list[Violation] = []
        silent: list[Any] = []
        for rule in rules:
            config = self._config[rule.id]
            if config.severity is Severity.DISABLED:
                continue
            verdicts = [(subject, judge(rule, subject, config, world)) for subject in subjects]
            judged = [(subject, verdict) for subject, verdict in verdicts if verdict is not None]
            for _, verdict in judged:
                self._report.count(rule, verdict)
                found += verdict
            if not judged:
                silent.append(analyzer_pb2.PolicyNotApplicable(policy_name=rule.id, reason="no such resource"))
        return analyzer_pb2.AnalyzeResponse(
            diagnostics=[self._diagnostic(violation) for violation in found], not_applicable=silent
        )

    def _diagnostic(self, violation: Violation) -> Any:
        # A gap stops nothing by itself: the value may be known in the update only. `make policy` refuses it.
        level = violation.severity if violation.judged else Severity.ADVISORY
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=violation.rule.id,
            policyPackName=NAME,
            policyPackVersion=self._version,
            description=violation.rule.reason,
            message=violation.message,
            urn=violation.subject.key,
            enforcementLevel=_LEVELS[level],
        )


def _info(rule: Rule) -> Any:
    schema = analyzer_pb2.PolicyConfigSchema(properties=_struct({name: s.schema for name, s in rule.settings.items()}))
    severe = rule.severity is Severity.MANDATORY
    return analyzer_pb2.PolicyInfo(
        name=rule.id,
        displayName=rule.id,
        description=rule.reason,
        enforcementLevel=_LEVELS[rule.severity],
        configSchema=schema,
        policy_type=analyzer_pb2.POLICY_TYPE_STACK if rule.across else analyzer_pb2.POLICY_TYPE_RESOURCE,
        severity=analyzer_pb2.POLICY_SEVERITY_HIGH if severe else analyzer_pb2.POLICY_SEVERITY_LOW,
        remediation_steps=rule.remediation,
        tags=[rule.group],
    )


def _struct(data: Mapping[str, Any]) -> Any:
    result = struct_pb2.Struct()
    result.update(data)
    return result


def serve(version: str) -> None:
    """Serve until the engine ends this process. Never returns."""
    sizes = [(f"grpc.max_{way}_message_length", _MESSAGE_BYTES) for way in ("send", "receive")]
    # One thread: judging is pure computation, and what it counts is counted once.
    server = grpc.server(futures.ThreadPoolExecutor(1), options=sizes)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # An interrupt is the engine's to answer; here it would print a traceback into the user's output.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The engine reads the port from here.
    sys.stdout.buffer.write(f"{port}\n".encode())
    sys.stdout.buffer.flush()
    server.wait_for_termination()
