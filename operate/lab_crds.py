"""CRD files out of the Go modules that the lab builds: the same bytes as in the projects' repositories.

llm-d's router cannot be had as a module at any version. Its two CRDs came out of the inference extension, whose module
can be had, with another API group; so the lab derives them from there. That this is no look-alike is what the
release line's checksum says: it is of the router's own file, and a derived one that differs in a byte is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lab.modules import module_dirs
from operate.crds import Source
from releases import CrdBundle, CrdFile, Release

__all__ = ["lab_source"]

_OLD_GROUP = "inference.networking.x-k8s.io"
_NEW_GROUP = "llm-d.ai"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Origin:
    """A file of a module, and how it became another project's."""

    go_module: str
    path: str
    replacements: tuple[tuple[str, str], ...]
    """What stood there and what stands there now, in order."""


def _moved(plural: str, *more: tuple[str, str]) -> _Origin:
    """A CRD of the inference extension v1.5.0 that llm-d-router v0.10.0 took over."""
    return _Origin(
        go_module="sigs.k8s.io/gateway-api-inference-extension",
        path=f"config/crd/bases/{_OLD_GROUP}_{plural}.yaml",
        replacements=(
            (
                "inference.networking.k8s.io/bundle-version: v1.5.0",
                f"{_NEW_GROUP}/bundle-version: main-dev",
            ),
            (f"name: {plural}.{_OLD_GROUP}", f"name: {plural}.{_NEW_GROUP}"),
            (f"group: {_OLD_GROUP}", f"group: {_NEW_GROUP}"),
            *more,
        ),
    )


_DERIVED = {
    f"config/crd/bases/{_NEW_GROUP}_inferencemodelrewrites.yaml": _moved("inferencemodelrewrites"),
    f"config/crd/bases/{_NEW_GROUP}_inferenceobjectives.yaml": _moved(
        "inferenceobjectives",
        # llm-d-router#1037: a priority is an int32.
        (
            "type: integer\n            required:\n            - poolRef",
            "format: int32\n                type: integer\n            required:\n            - poolRef",
        ),
    ),
}


def lab_source(release: Release, say: Callable[[str], None]) -> Source:
    """The lab's source of a line's files; downloads the modules when it is first asked."""

    def read(bundle: CrdBundle, file: CrdFile) -> bytes:
        folders = module_dirs(f"crds-{release.name}", say)
        if bundle.go_module is not None:
            return (folders[bundle.go_module] / file.path).read_bytes()
        origin = _DERIVED[file.path]
        text = (folders[origin.go_module] / origin.path).read_text()
        for old, new in origin.replacements:
            text = text.replace(old, new)
        return text.encode()

    return read
