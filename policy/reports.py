"""Violations as text, JSON, SARIF and JUnit; pure.

SARIF 2.1.0 is what GitHub shows in place on a pull request; JUnit is what GitLab and most other CI show as a test.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from policy.checks import RULES, Severity
from policy.judge import Report, Violation

__all__ = ["FORMATS", "Finding", "as_json", "as_junit", "as_sarif", "as_text"]

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DOCUMENT = "docs/policies.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A violation and where it stands."""

    violation: Violation
    file: Path
    line: int


def as_text(findings: Sequence[Finding], report: Report) -> str:
    """For a person: a finding per block, and what was judged."""
    lines = []
    for finding in findings:
        item = finding.violation
        lines += [f"{finding.file}:{finding.line}: {item.severity} {item.rule.id}", _indented(item.message), ""]
    judged = sum(tally.judged for tally in report.tallies.values())
    rules = sum(tally.judged > 0 for tally in report.tallies.values())
    counts = Counter(finding.violation.severity for finding in findings)
    lines.append(
        f"{counts[Severity.MANDATORY]} mandatory and {counts[Severity.ADVISORY]} advisory violations; "
        f"{rules} of {len(RULES)} rules judged {judged} times"
    )
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def as_json(findings: Sequence[Finding], report: Report) -> str:
    """For a program."""
    violations = [
        {
            "rule": finding.violation.rule.id,
            "severity": finding.violation.severity,
            "subject": finding.violation.subject.name,
            "problem": finding.violation.problem,
            "remediation": finding.violation.rule.remediation,
            "file": str(finding.file),
            "line": finding.line,
        }
        for finding in findings
    ]
    return json.dumps({"violations": violations, "rules": report.as_data()}, indent=2)


def as_sarif(findings: Sequence[Finding], _report: Report) -> str:
    """SARIF 2.1.0: mandatory ones are errors, advisory ones warnings."""
    levels: Mapping[Severity, str] = {Severity.MANDATORY: "error", Severity.ADVISORY: "warning"}
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.reason},
            "help": {"text": rule.remediation},
            "helpUri": f"{_DOCUMENT}#{rule.id}",
        }
        for rule in RULES
    ]
    results = [
        {
            "ruleId": finding.violation.rule.id,
            "level": levels[finding.violation.severity],
            "message": {"text": finding.violation.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": finding.file.as_posix()},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
        }
        for finding in findings
    ]
    run = {"tool": {"driver": {"name": "llm-d policy", "rules": rules}}, "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def as_junit(findings: Sequence[Finding], report: Report) -> str:
    """JUnit: a case per rule that judged something; mandatory violations fail it, advisory ones are its output."""
    suite = ET.Element("testsuite", name="llm-d policy")
    failures = 0
    cases = [rule for rule in RULES if report.tallies[rule.id].judged or report.tallies[rule.id].violations]
    for rule in cases:
        case = ET.SubElement(suite, "testcase", classname=f"policy.{rule.group}", name=rule.id)
        mine = [finding for finding in findings if finding.violation.rule.id == rule.id]
        blocking = [finding for finding in mine if finding.violation.severity is Severity.MANDATORY]
        if blocking:
            failures += 1
            failure = ET.SubElement(case, "failure", message=rule.reason)
            failure.text = _lines(blocking)
        elif mine:
            ET.SubElement(case, "system-out").text = _lines(mine)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _lines(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{finding.file}:{finding.line}: {finding.violation.message}" for finding in findings)


FORMATS: Mapping[str, Callable[[Sequence[Finding], Report], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "junit": as_junit,
}
"""By the word of `--format`."""
