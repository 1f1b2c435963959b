"""CRD files out of the Go modules that the lab builds: the same bytes as in the projects' repositories."""

from collections.abc import Callable

from lab.modules import module_dirs
from operate.crds import Source
from releases import CrdBundle, CrdFile, Release

__all__ = ["lab_source"]


def lab_source(release: Release, say: Callable[[str], None]) -> Source:
    """The lab's source of a line's files; downloads the modules when it is first asked."""

    def read(bundle: CrdBundle, file: CrdFile) -> bytes:
        folders = module_dirs(f"crds-{release.name}", say)
        return (folders[bundle.go_module] / file.path).read_bytes()

    return read
