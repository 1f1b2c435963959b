"""Fetching CRD files: only what is missing, and only what the release line pins.

What these tests cannot prove: that the projects' servers answer; the source is a fake.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from operate.crds import fetch_crds, from_release_url
from operate.errors import OperateError
from releases import RELEASES, CrdBundle, CrdFile, Release
from releases.crd_store import missing_files, store, stored_path

ONE, TWO = (
    CrdFile(path=f"config/crd/{name}.yaml", sha256=hashlib.sha256(name.encode()).hexdigest()) for name in ("one", "two")
)
BUNDLE = CrdBundle(name="things", repository="e/t", go_module="e/t", version="v1.0.0", files=(ONE, TWO))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Release:
    """A line of two files and an empty store."""
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path / "crds"))
    return replace(RELEASES["v0.4"], crd_bundles=(BUNDLE,))


def _source(asked: list[str]) -> Callable[[CrdBundle, CrdFile], bytes]:
    def read(bundle: CrdBundle, file: CrdFile) -> bytes:
        asked.append(f"{bundle.name} {file.path}")
        return Path(file.path).stem.encode()

    return read


def test_every_missing_file_is_fetched_and_said(line: Release) -> None:
    """All files of an empty store are fetched, each with a line, and none is missing afterwards."""
    asked: list[str] = []
    said: list[str] = []

    assert fetch_crds(line, _source(asked), said.append) == 2
    assert asked == ["things config/crd/one.yaml", "things config/crd/two.yaml"]
    assert said == ["things v1.0.0: one.yaml", "things v1.0.0: two.yaml"]
    assert missing_files(line) == []


def test_what_is_there_is_not_fetched(line: Release) -> None:
    """A second run asks for nothing, and one with a file in the store for the other only."""
    store(ONE, b"one")
    asked: list[str] = []

    assert fetch_crds(line, _source(asked), asked.append) == 1
    assert fetch_crds(line, _source(asked), asked.append) == 0
    assert asked == ["things v1.0.0: two.yaml", "things config/crd/two.yaml"]


def test_a_wrong_checksum_is_refused(line: Release) -> None:
    """Bytes that are not what the line pins end the command, and are not stored."""
    given = hashlib.sha256(b"evil").hexdigest()
    with pytest.raises(OperateError) as raised:
        fetch_crds(line, lambda _bundle, _file: b"evil", lambda _line: None)

    assert str(raised.value) == f"config/crd/one.yaml has sha256 {given}, the release line pins {ONE.sha256}"
    assert missing_files(line) == [ONE, TWO]
    assert not stored_path(ONE).exists()


def test_a_server_that_fails_is_said_with_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what could not be fetched, and why."""

    def refuse(url: str, **_options: object) -> httpx.Response:
        raise httpx.ConnectError("no route", request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", refuse)
    with pytest.raises(OperateError) as raised:
        from_release_url(BUNDLE, ONE)

    assert str(raised.value) == f"{BUNDLE.url(ONE)} cannot be fetched: no route"


def test_a_page_that_says_not_found_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status that is no success is an error, whatever its body is."""
    request = httpx.Request("GET", BUNDLE.url(ONE))
    monkeypatch.setattr(httpx, "get", lambda *_args, **_options: httpx.Response(404, request=request, content=b"one"))
    with pytest.raises(OperateError, match=f"^{BUNDLE.url(ONE)} cannot be fetched: Client error '404 Not Found'"):
        from_release_url(BUNDLE, ONE)
