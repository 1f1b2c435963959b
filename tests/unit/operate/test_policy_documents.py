"""What is generated of the policy pack is what is committed, and it stands alone."""

import ast
import sys

from operate.policy_documents import instance_data, policies_document
from operate.workspace import ROOT
from policy.checks import RULES


def test_the_policies_document_is_the_rules() -> None:
    """`make docs` would change nothing, and every rule has its section."""
    committed = (ROOT / "docs" / "policies.md").read_text()

    assert committed == policies_document()
    assert [line[3:] for line in committed.splitlines() if line.startswith("## ")] == [rule.id for rule in RULES]


def test_the_packs_data_are_the_catalogues() -> None:
    """The pack stands alone, so it has a copy; `make docs` would change nothing of it."""
    assert (ROOT / "policy" / "instance_types.json").read_text() == instance_data()


def test_the_packs_pins_are_the_programs() -> None:
    """A pack that is published runs on the versions that are tested here, and needs nothing that is not among them."""
    pins = [line for line in (ROOT / "policy" / "requirements.txt").read_text().splitlines() if "==" in line]

    assert [pin.partition("==")[0] for pin in pins] == ["grpcio", "protobuf", "pulumi", "pyyaml"]
    assert [pin for pin in pins if pin not in (ROOT / "requirements.txt").read_text().splitlines()] == []


def test_the_pack_stands_alone() -> None:
    """It imports the standard library, what it pins and itself; the checks neither Pulumi nor its protocol."""
    allowed = {*sys.stdlib_module_names, "policy", "yaml", "grpc", "google", "pulumi"}
    imported = {
        file.relative_to(ROOT / "policy").as_posix(): {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(file.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        for file in (ROOT / "policy").rglob("*.py")
    }

    assert {file: names - allowed for file, names in imported.items() if names - allowed} == {}
    pure = {file: names for file, names in imported.items() if file != "analyzer.py"}
    assert [file for file, names in pure.items() if names & {"grpc", "google", "pulumi"}] == []
