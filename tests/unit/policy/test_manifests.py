"""The rules on YAML: anybody's manifests, and what CI reads of the result."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from operate.workspace import ROOT
from policy.manifests import main, subjects_in, type_token
from tests.support.policy_cases import CASES, STRICT, Resource, sound

GOLDENS = sorted(path.stem for path in (ROOT / "tests" / "golden").glob("*.yaml"))


def _write(folder: Path, resources: list[Resource]) -> Path:
    """The Kubernetes objects of a stack, in one file, behind a comment."""
    documents = [item.properties for item in resources if item.type.startswith("kubernetes:")]
    file = folder / "stack.yaml"
    file.write_text("# a comment\n---\n" + yaml.safe_dump_all(documents))
    return file


@pytest.fixture
def strict(tmp_path: Path) -> str:
    """File of the strictest config."""
    path = tmp_path / "strict.json"
    path.write_text(json.dumps(STRICT))
    return str(path)


def _broken(rule: str) -> list[Resource]:
    return list(next(case for case in CASES if case.rule == rule).resources)


def test_sound_manifests_pass(tmp_path: Path, strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is held against them, and the summary says how much was judged."""
    assert main([str(_write(tmp_path, sound())), "--config", strict]) == 0
    assert capsys.readouterr().out == "0 mandatory and 0 advisory violations; 19 of 30 rules judged 43 times\n"


def test_a_violation_is_shown_with_its_place_and_what_to_do(
    tmp_path: Path, strict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line, level, rule; then the problem, the reason, the remedy and the key of the config."""
    file = _write(tmp_path, _broken("gateway-routes"))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "gateway.networking" in text)

    assert main([str(file), "--config", strict]) == 1
    assert capsys.readouterr().out.splitlines()[:5] == [
        f"{file}:{line}: mandatory gateway-routes",
        "    gateway-routes/gateway: listener https takes routes from all namespaces: anybody can take over a path.",
        "    A gateway that takes routes from all namespaces lets anybody in the cluster take over a model's path.",
        "    To do: Set allowedRoutes.namespaces.from to Same, or to a Selector. Config: (never All)",
        "",
    ]


def test_json_names_the_violation(tmp_path: Path, strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A program finds rule, severity, subject, problem, remedy, file and line."""
    file = _write(tmp_path, _broken("literal-secret"))

    assert main([str(file), "--config", strict, "--json"]) == 1
    (violation,) = json.loads(capsys.readouterr().out)["violations"]
    assert {key: violation[key] for key in ("rule", "severity", "subject", "problem", "file")} == {
        "rule": "literal-secret",
        "severity": "mandatory",
        "subject": "literal-secret/leak",
        "problem": "data.env looks like a Hugging Face token",
        "file": str(file),
    }


def test_sarif_has_a_result_for_a_rule_that_it_declares(tmp_path: Path, strict: str) -> None:
    """GitHub shows the result at its line, and finds the rule's text by the rule's id."""
    out = tmp_path / "out.sarif"
    file = _write(tmp_path, _broken("hardening"))

    assert main([str(file), "--config", strict, "--format", "sarif", "--out", str(out)]) == 1
    document: dict[str, Any] = json.loads(out.read_text())
    (run,) = document["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert document["version"] == "2.1.0"
    assert (result["ruleId"], result["level"], place["artifactLocation"]["uri"]) == ("hardening", "error", str(file))
    assert file.read_text().splitlines()[place["region"]["startLine"] - 1] == "apiVersion: apps/v1"
    assert result["ruleId"] in [rule["id"] for rule in run["tool"]["driver"]["rules"]]


def test_junit_fails_the_case_of_the_violated_rule_alone(tmp_path: Path, strict: str) -> None:
    """GitLab shows one failed test among those of the rules that had something to judge."""
    out = tmp_path / "out.xml"

    assert (
        main([str(_write(tmp_path, _broken("probes"))), "--config", strict, "--format=junit", "--out", str(out)]) == 1
    )
    suite = ET.parse(out).getroot()  # noqa: S314 - written by this test
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert (failed, suite.get("failures"), suite.get("tests")) == (["probes"], "1", "19")


@pytest.mark.parametrize("stack", GOLDENS)
def test_what_this_program_renders_passes_the_config_of_its_environment(stack: str) -> None:
    """Every golden passes: production's by production's rules, the others by development's."""
    config = ROOT / "policy" / ("prod.json" if "production" in stack else "dev.json")

    assert main([str(ROOT / "tests" / "golden" / f"{stack}.yaml"), "--config", str(config)]) == 0


@pytest.mark.parametrize(
    ("options", "code"), [(["--stack", "dev"], 0), (["--stack", "eu-prod"], 1), ([], 1)], ids=["dev", "prod", "none"]
)
def test_a_stacks_name_chooses_the_config(options: list[str], code: int) -> None:
    """What development takes production refuses, and so does a run that is told nothing."""
    assert main([str(ROOT / "tests" / "golden" / "dev.yaml"), *options]) == code


def test_a_config_and_a_stack_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """One of them would be left unread."""
    with pytest.raises(SystemExit) as raised:
        main(["x", "--stack", "dev", "--config", "policy/prod.json"])

    assert raised.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong path must not look like a clean result."""
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path} holds no Kubernetes object\n"


def test_a_file_that_is_no_yaml_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read has not been judged."""
    (tmp_path / "x.yaml").write_text("a: [")

    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'x.yaml'}: ")


def test_the_items_of_a_list_are_judged(tmp_path: Path) -> None:
    """What `kubectl get --output yaml` prints is judged item by item."""
    items = [item.properties for item in sound() if item.type.startswith("kubernetes:")]
    (tmp_path / "list.yml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))

    assert [subject.properties for subject, _, _ in subjects_in(tmp_path)] == items


def test_types_are_pulumis() -> None:
    """The core group has a name in Pulumi's types that it lacks in Kubernetes."""
    assert type_token("v1", "Service") == "kubernetes:core/v1:Service"
    assert type_token("apps/v1", "Deployment") == "kubernetes:apps/v1:Deployment"
