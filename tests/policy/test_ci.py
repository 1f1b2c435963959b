"""The workflows that users copy: what they may do, what they pin, and that their commands run.

Their commands run here on the lab's toolchain, with a stand-in for `gh`. What this cannot prove: that GitHub and GitLab
take the files; neither is here.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from operate.workspace import PROGRAM, ROOT

CI = ROOT / "examples" / "ci"
GITHUB: dict[str, Any] = yaml.load((CI / "github-actions.yml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - `on` is a key, not a boolean
GITLAB: dict[str, Any] = yaml.safe_load((CI / "gitlab-ci.yml").read_text())
CHECKOUT = (*PROGRAM, "Makefile", "Pulumi.dev.yaml", "lab", "operate", "requirements-dev.txt", "requirements.txt")
PINNED = re.compile(r"[\w-]+/[\w-]+(/[\w-]+)?@[0-9a-f]{40}")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The checkout as a job has it, in a folder of its own: what a job writes must not land in ours."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in sorted({*CHECKOUT, ".venv"}):
        (folder / name).symlink_to(ROOT / name)
    return folder


def _run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as the job's shell does, with the lab's own toolchain in place of the job's."""
    environment = {**os.environ, "STACK": "dev", **variables}
    environment.pop("LAB_TOOLCHAIN", None)
    shell = shutil.which("bash") or "bash"
    return subprocess.run(
        [shell, "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _steps() -> list[dict[str, Any]]:
    return list(GITHUB["jobs"]["policy"]["steps"])


def test_the_github_job_may_do_what_it_needs_and_no_more() -> None:
    """Nothing by default; reading, commenting and uploading for the job; the checkout keeps no token."""
    assert GITHUB["permissions"] == {}
    assert list(GITHUB["on"]) == ["pull_request"]
    assert GITHUB["jobs"]["policy"]["permissions"] == {
        "contents": "read",
        "pull-requests": "write",
        "security-events": "write",
    }
    assert _steps()[0]["with"]["persist-credentials"] == "false"


def test_every_action_is_pinned_by_commit_and_names_its_tag() -> None:
    """A tag can be moved onto other code; the tag behind the commit says which version it is."""
    used = [step["uses"] for step in _steps() if "uses" in step]
    lines = [line for line in (CI / "github-actions.yml").read_text().splitlines() if "uses:" in line]

    assert len(used) == 4
    assert [name for name in used if not PINNED.fullmatch(name)] == []
    assert [line for line in lines if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_no_script_is_built_from_what_a_pull_request_says() -> None:
    """Expressions reach scripts through the environment only: a branch name is data there, never code."""
    assert [step["run"] for step in _steps() if "${{" in step.get("run", "")] == []


def test_the_gitlab_job_is_given_no_secret_and_pins_what_it_installs() -> None:
    """It asks for no token, and the CLI that it installs is the version of the SDK that the program pins."""
    text = (CI / "gitlab-ci.yml").read_text()
    (sdk,) = re.findall(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    assert re.findall(r"TOKEN|PASSWORD|SECRET", text) == []
    assert re.findall(r"--version (\S+)", text) == [sdk]
    assert [step["with"]["pulumi-version"] for step in _steps() if "pulumi-version" in step.get("with", {})] == [sdk]


@pytest.mark.parametrize("script", ["github", "gitlab"])
@pytest.mark.parametrize(("stack", "code"), [("dev", 0), ("eu-prod", 1)])
def test_both_steps_judge_a_stack_by_the_config_of_its_name(checkout: Path, script: str, stack: str, code: int) -> None:
    """What development takes fails where the stack is production's; no step names a config, so both follow STACK."""
    scripts = {
        "github": [step["run"] for step in _steps() if "run" in step],
        "gitlab": GITLAB["policy"]["script"],
    }[script]
    lines = "\n".join(scripts).replace("\\\n", "")
    assert re.findall(r"--config|CONFIG=|\w+\.json", lines) == []
    assert len(re.findall(r'^make policy STACK="\$STACK"', lines, re.MULTILINE)) == 1

    (judging,) = [line for line in lines.splitlines() if "policy.manifests" in line]
    rendered = checkout / "build" / "render" / stack
    rendered.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "golden" / "dev.yaml", rendered)
    assert _run(judging.partition("||")[0], checkout, STACK=stack).returncode == code


def test_the_commands_of_the_github_job_run(checkout: Path, tmp_path: Path) -> None:
    """The preview is judged, the manifests give SARIF, and the comment is handed to `gh`."""
    said = tmp_path / "said"
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}\n')
    gh.chmod(0o700)
    for step in [step for step in _steps() if "run" in step]:
        done = _run(step["run"], checkout, NUMBER="7", PATH=f"{gh.parent}{os.pathsep}{os.environ['PATH']}")
        assert done.returncode == 0, f"{step['name']}\n{done.stdout}\n{done.stderr}"

    assert (checkout / "build" / "policy.md").read_text().startswith("### Policy of stack `dev`: passed\n")
    assert json.loads((checkout / "build" / "policy.sarif").read_text())["runs"][0]["results"] == []
    options = ["--body-file", "build/policy.md", "--edit-last", "--create-if-none"]
    assert said.read_text().split() == ["pr", "comment", "7", *options]


def test_the_commands_of_the_gitlab_job_run(checkout: Path) -> None:
    """The preview is judged, and the merge request gets a test per rule, none of which fails."""
    done = _run("\n".join(GITLAB["policy"]["script"]), checkout)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    suite = ET.parse(checkout / GITLAB["policy"]["artifacts"]["reports"]["junit"]).getroot()  # noqa: S314 - our own
    assert (suite.get("failures"), len(suite)) == ("0", 16)
    assert [name for name in GITLAB["policy"]["artifacts"]["paths"] if not (checkout / name).exists()] == []
