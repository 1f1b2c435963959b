"""The CRD files of a release line on this machine, checked against their checksums.

A plan never dials: the files are fetched once by `make crds` (from the projects' repositories) or by `make up` (from
the Go modules that the lab builds), and a preview works offline from then on. They are stored by checksum, so that a
file that is there is the right one, and they are shared by all checkouts of a user.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from releases.base import CrdFile, Release

__all__ = ["CrdFilesMissingError", "missing_files", "read_crd", "store", "stored_path"]

# The C parser is ten times as fast, and Gateway API's CRDs are most of a megabyte.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CrdFilesMissingError(Exception):
    """A CRD file is not on this machine, or not the one that the line pins."""


def stored_path(file: CrdFile) -> Path:
    """Where a file is stored."""
    root = (
        os.environ.get("LLM_D_CRDS") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "llm-d-pulumi" / "crds"
    )
    return Path(root).expanduser() / f"{file.sha256}.yaml"


def missing_files(release: Release) -> list[CrdFile]:
    """Files of the line that are not on this machine, or were changed on it."""
    files = [file for bundle in release.crd_bundles for file in bundle.files]
    return [file for file in files if not _is_right(stored_path(file), file)]


def store(file: CrdFile, content: bytes) -> Path:
    """Store a file's content.

    Raises:
        CrdFilesMissingError: if it is not what the release line pins.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise CrdFilesMissingError(f"{file.path} has sha256 {digest}, the release line pins {file.sha256}")
    path = stored_path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)
    return path


def read_crd(file: CrdFile) -> dict[str, Any]:
    """The CustomResourceDefinition in a stored file."""
    path = stored_path(file)
    if not _is_right(path, file):
        raise CrdFilesMissingError(f"{file.path} is not on this machine; `make crds` fetches it")
    manifest: dict[str, Any] = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    return manifest


def _is_right(path: Path, file: CrdFile) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
