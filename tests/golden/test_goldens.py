"""Every shipped stack renders to its golden, byte for byte, by the real engine and the real provider.

This shows what a change of the program does to manifests. It cannot show that a cluster takes them: the integration
tests do, on the lab. CRDs are left out: they are pinned by checksum.
"""

from pathlib import Path

import pytest
import yaml
from rich.console import Console

from operate.render import render
from operate.workspace import ROOT
from settings import load_stack_file
from tests.support.references import external_references, unresolved_references

GOLDENS = Path(__file__).parent
STACKS = {path.stem.removeprefix("Pulumi."): path for path in (ROOT / "Pulumi.dev.yaml", *ROOT.glob("examples/*.yaml"))}


def _documents(text: str) -> list[dict[str, object]]:
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    """Text of the stacks that were rendered so far, so that two tests render each stack once."""
    return {}


def _render(stack: str, rendered: dict[str, str], folder: Path) -> str:
    if stack not in rendered:
        files = render(STACKS[stack], folder / "out", Console(stderr=True))
        kept = [file for file in files if not file.startswith("crds/")]
        rendered[stack] = "".join(f"---\n# {file}\n{(folder / 'out' / file).read_text()}" for file in kept)
    return rendered[stack]


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_a_stack_renders_to_its_golden(
    stack: str, rendered: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A shipped stack's manifests are exactly the committed ones, and every reference in them resolves."""
    text = _render(stack, rendered, tmp_path)
    golden = GOLDENS / f"{stack}.yaml"
    if request.config.getoption("--write-goldens"):
        golden.write_text(text)

    assert text == golden.read_text(), f"`make goldens` writes {golden.name} anew; read the diff"
    external = external_references(load_stack_file(STACKS[stack]))
    assert unresolved_references(_documents(text), external) == []


def test_every_golden_belongs_to_a_shipped_stack() -> None:
    """No golden outlives its stack: a file that nothing compares would look like cover."""
    assert {path.stem for path in GOLDENS.glob("*.yaml")} == set(STACKS)


def test_a_rendered_secret_holds_a_placeholder(rendered: dict[str, str], tmp_path: Path) -> None:
    """The token of a stack's config is in no manifest: a placeholder that names it stands there."""
    secrets = [item for item in _documents(_render("gated", rendered, tmp_path)) if item["kind"] == "Secret"]

    assert [item["stringData"] for item in secrets] == [{"HF_TOKEN": "<huggingFace.token>"}]
