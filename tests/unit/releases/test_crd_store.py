"""The store of CRD files: the checksum decides what goes in and what comes out.

What these tests cannot prove: that the pinned checksums are those of the projects' files; `make up` takes the files
from the projects' Go modules and would fail.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from releases import RELEASES, CrdBundle, CrdFile, Release
from releases.crd_store import CrdFilesMissingError, missing_files, read_crd, store, stored_path

CONTENT = b"kind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n"
FILE = CrdFile(path="config/crd/things.yaml", sha256=hashlib.sha256(CONTENT).hexdigest())
OTHER = CrdFile(path="config/crd/others.yaml", sha256=hashlib.sha256(b"other").hexdigest())


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store of this test alone."""
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path / "crds"))


def _line() -> Release:
    bundle = CrdBundle(
        name="things",
        repository="example/things",
        go_module="example.com/things",
        version="v1.0.0",
        files=(FILE, OTHER),
    )
    return replace(RELEASES["v0.4"], crd_bundles=(bundle,))


def test_a_right_file_is_stored_and_read() -> None:
    """Content that has the checksum is stored under it, and read as the object that it is."""
    path = store(FILE, CONTENT)

    assert (path, path.read_bytes()) == (stored_path(FILE), CONTENT)
    assert path.name == f"{FILE.sha256}.yaml"
    assert read_crd(FILE) == {"kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"}}


def test_wrong_bytes_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    """Content with another checksum is not stored, and the message names both."""
    given = hashlib.sha256(b"changed").hexdigest()
    with pytest.raises(CrdFilesMissingError) as raised:
        store(FILE, b"changed")

    assert str(raised.value) == (f"config/crd/things.yaml has sha256 {given}, the release line pins {FILE.sha256}")
    assert not (tmp_path / "crds").exists()


def test_a_file_that_was_changed_is_missing() -> None:
    """A stored file that was changed on the machine is neither read nor taken for the right one."""
    store(FILE, CONTENT).write_bytes(b"kind: Evil")
    with pytest.raises(CrdFilesMissingError) as raised:
        read_crd(FILE)

    assert str(raised.value) == "config/crd/things.yaml is not on this machine; `make crds` fetches it"
    assert missing_files(_line()) == [FILE, OTHER]


def test_what_is_there_is_not_missing() -> None:
    """Only files that are not there are to be fetched."""
    store(FILE, CONTENT)

    assert missing_files(_line()) == [OTHER]


def test_a_changed_file_is_stored_anew() -> None:
    """Storing mends a file that was changed."""
    store(FILE, CONTENT).write_bytes(b"")
    store(FILE, CONTENT)

    assert stored_path(FILE).read_bytes() == CONTENT
    assert sorted(path.name for path in stored_path(FILE).parent.iterdir()) == [f"{FILE.sha256}.yaml"]


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"LLM_D_CRDS": "/crds"}, "/crds"),
        ({"LLM_D_CRDS": "", "XDG_CACHE_HOME": "/cache"}, "/cache/llm-d-pulumi/crds"),
        ({"LLM_D_CRDS": "", "XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/llm-d-pulumi/crds"),
    ],
)
def test_where_files_are_stored(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str) -> None:
    """A folder of its own, else the user's cache: shared by all checkouts."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert stored_path(FILE) == Path(folder) / f"{FILE.sha256}.yaml"
