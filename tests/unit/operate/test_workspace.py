"""Project folders that run the checkout's program without writing into it, and the stacks that they are made for.

What these tests cannot prove: that the CLI runs in such a folder; the render and the tests against the lab do that.
"""

import ast
from pathlib import Path

import pytest
import yaml

import lab.stack
from operate.errors import OperateError
from operate.stack_files import is_lab_stack, load_stack, stack_path
from operate.workspace import PROGRAM, ROOT, Workspace, read_stack_document
from tests.support.configs import config, settings


def _existing(kubeconfig: str | None) -> dict[str, object]:
    return {"cluster": {"existing": {} if kubeconfig is None else {"kubeconfig": kubeconfig}}}


def test_a_workspace_links_the_program(tmp_path: Path) -> None:
    """Every part of the program is a link to the checkout, and nothing else is there."""
    workspace = Workspace(tmp_path / "new" / "folder")

    assert {link.name: link.readlink() for link in workspace.folder.iterdir()} == {
        name: ROOT / name for name in (*PROGRAM, ".venv")
    }


def test_the_program_is_complete() -> None:
    """Whatever the program imports from the checkout is linked, and every link leads somewhere."""
    sources = [file for name in PROGRAM for file in [ROOT / name, *(ROOT / name).rglob("*.py")] if file.suffix == ".py"]
    imported = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                imported.add(node.module)
    modules = {name.partition(".")[0] for name in imported}
    of_checkout = {name for name in modules if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}

    assert of_checkout == {name.removesuffix(".py") for name in PROGRAM} - {"__main__", "Pulumi.yaml"}
    assert [name for name in PROGRAM if not (ROOT / name).exists()] == []


def test_a_workspace_can_be_opened_again(tmp_path: Path) -> None:
    """A second run finds the folder as it is and keeps what is in it."""
    Workspace(tmp_path)
    (tmp_path / "Pulumi.x.yaml").write_text("config: {}\n")
    Workspace(tmp_path)

    assert (tmp_path / "Pulumi.x.yaml").read_text() == "config: {}\n"


def test_a_new_config_keeps_the_stacks_salt(tmp_path: Path) -> None:
    """The config is replaced, what the CLI has put beside it stays: secrets can still be read."""
    workspace = Workspace(tmp_path)
    path = workspace.write_stack("x", {"llm-d:engine": "vllm"})
    path.write_text(path.read_text() + "encryptionsalt: v1:abc\n")
    workspace.write_stack("x", {"llm-d:engine": "sglang"})

    assert read_stack_document(path) == {"config": {"llm-d:engine": "sglang"}, "encryptionsalt": "v1:abc"}


@pytest.mark.parametrize("text", ["", "[]", "text"])
def test_a_file_that_is_no_mapping_is_an_empty_document(tmp_path: Path, text: str) -> None:
    """A stack's file that holds nothing of use reads as empty."""
    (tmp_path / "x.yaml").write_text(text)

    assert read_stack_document(tmp_path / "x.yaml") == {}


@pytest.mark.parametrize(
    ("kubeconfig", "home", "is_lab"),
    [
        (".lab/kubeconfig", None, True),
        (str(ROOT / ".lab" / "kubeconfig"), None, True),
        (str(ROOT / "lab" / ".." / ".lab" / "kubeconfig"), None, True),
        ("~/.kube/config", None, False),
        (None, None, False),
        (".lab/kubeconfig", "/elsewhere", False),
        ("/elsewhere/kubeconfig", "/elsewhere", True),
    ],
)
def test_a_stack_is_the_labs_by_its_kubeconfig(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: str | None, home: str | None, *, is_lab: bool
) -> None:
    """The stack that names the file which this checkout's lab writes is the lab's, however the path is spelt."""
    if home is None:
        monkeypatch.delenv("LAB_HOME", raising=False)
    else:
        monkeypatch.setenv("LAB_HOME", home)
    monkeypatch.setenv("KUBECONFIG", str(ROOT / ".lab" / "kubeconfig"))

    assert is_lab_stack(settings(_existing(kubeconfig))) is is_lab


def test_a_render_is_no_stack_of_the_lab() -> None:
    """Manifests need no cluster."""
    assert is_lab_stack(settings()) is False


def test_a_stack_is_found_by_name_or_path(tmp_path: Path) -> None:
    """A name is a stack of the checkout, a path any other file."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("")

    assert stack_path("dev") == ROOT / "Pulumi.dev.yaml"
    assert stack_path(str(path)) == path


@pytest.mark.parametrize(("stack", "file"), [("prod", "{checkout}/Pulumi.prod.yaml"), ("no/x.yaml", "no/x.yaml")])
def test_an_unknown_stack_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stack: str, file: str
) -> None:
    """The message names the file that is missing and the stacks that there are."""
    for name in ("dev", "staging"):
        (tmp_path / f"Pulumi.{name}.yaml").touch()
    monkeypatch.setattr(lab.stack, "CHECKOUT", tmp_path)
    with pytest.raises(OperateError) as raised:
        stack_path(stack)

    named = file.format(checkout=tmp_path)
    assert str(raised.value) == f"there is no stack config {named}; stacks of this checkout: dev, staging"


def test_faults_of_a_stack_are_an_error_of_the_command(tmp_path: Path) -> None:
    """Every fault is in the command's one message, which names the file."""
    path = tmp_path / "Pulumi.x.yaml"
    raw = config({"release": "v0.40"})
    path.write_text(yaml.safe_dump({"config": {f"llm-d:{key}": value for key, value in raw.items()}}))
    with pytest.raises(OperateError) as raised:
        load_stack(path)

    assert str(raised.value).splitlines() == [
        f"1 fault in {path}; nothing was applied.",
        "",
        "  llm-d:release: unknown release line",
        "      given    v0.40",
        "      allowed  v0.4, v0.9",
        "      nearest  v0.4",
    ]
