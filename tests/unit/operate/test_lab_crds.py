"""CRD files out of Go modules: the release line's checksum says whether they are the projects' own.

What these tests cannot prove: that the projects' servers still have these files; `make crds` shows that.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from operate import lab_crds
from operate.crds import fetch_crds
from operate.errors import OperateError
from operate.lab_crds import lab_source
from releases import RELEASES


@pytest.mark.parametrize("line", RELEASES)
def test_every_file_of_a_line_comes_out_of_the_modules_with_its_own_bytes(line: str) -> None:
    """Each file that the lab reads or derives has exactly the checksum that the line pins."""
    release = RELEASES[line]
    read = lab_source(release, lambda _: None)
    found = {
        file.path: hashlib.sha256(read(bundle, file)).hexdigest()
        for bundle in release.crd_bundles
        for file in bundle.files
    }

    assert found == {file.path: file.sha256 for bundle in release.crd_bundles for file in bundle.files}


def test_the_routers_crds_are_derived_because_its_module_cannot_be_had() -> None:
    """Exactly the bundle without a module is derived, file by file."""
    derived = {
        file.path
        for line in RELEASES.values()
        for bundle in line.crd_bundles
        if bundle.go_module is None
        for file in bundle.files
    }

    assert derived == set(lab_crds._DERIVED)
    assert derived == {
        "config/crd/bases/llm-d.ai_inferencemodelrewrites.yaml",
        "config/crd/bases/llm-d.ai_inferenceobjectives.yaml",
    }


def test_a_derived_file_that_differs_in_a_byte_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A derivation that goes wrong never reaches a cluster: the checksum is of the router's own file."""
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path))
    table = {path: replace(origin, replacements=origin.replacements[1:]) for path, origin in lab_crds._DERIVED.items()}
    monkeypatch.setattr(lab_crds, "_DERIVED", table)
    release = RELEASES["v0.9"]
    with pytest.raises(OperateError, match=r"^config/crd/bases/llm-d.ai_inferencemodelrewrites.yaml has sha256 "):
        fetch_crds(release, lab_source(release, lambda _: None), lambda _: None)
