"""`make render`: a stack's manifests as YAML, one file per object, by the real engine and provider."""

import base64
import shutil
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from operate.errors import OperateError
from operate.offline import MANIFESTS, offline

__all__ = ["cleaned", "file_name", "render"]

_MARK = ".rendered"

# The C parser and emitter are ten times as fast; CRDs are most of a megabyte.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Legible(_DUMPER):  # type: ignore[misc]
    """Texts of several lines, such as Envoy's config, are written as such."""


def _represent_text(dumper: Any, text: str) -> Any:  # noqa: ANN401 - PyYAML's types
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Legible.add_representer(str, _represent_text)


def render(path: Path, out: Path, console: Console) -> list[str]:
    """Write the manifests of a stack's config file; returns the files, relative to `out`, sorted.

    Raises:
        OperateError: if the config has faults, or `out` holds something else than a render.
    """
    _require_free(out)
    with offline(path, console) as pulumi:
        pulumi.up("--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", quiet=True)
        return _replace(pulumi.folder / MANIFESTS, out)


def _require_free(out: Path) -> None:
    if not out.exists() or not any(out.iterdir()) or (out / _MARK).exists():
        return
    raise OperateError(f"{out} is not empty and holds no earlier render; name another folder")


def _replace(rendered: Path, out: Path) -> list[str]:
    """Put a fresh render in the place of an earlier one: objects that are gone must not stay as files."""
    if out.exists():
        shutil.rmtree(out)
    written = []
    for file in rendered.rglob("*.yaml"):
        manifest = cleaned(yaml.load(file.read_bytes(), Loader=_LOADER))  # noqa: S506 - a safe loader, in C
        target = out / file_name(manifest)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.dump(manifest, Dumper=_Legible, sort_keys=True, width=10_000))
        written.append(str(target.relative_to(out)))
    (out / _MARK).write_text("Written by `make render`; a new render replaces this folder.\n")
    return sorted(written)


def file_name(manifest: dict[str, Any]) -> str:
    """`<namespace>/<kind>-<name>.yaml`; cluster-scoped objects are in `cluster/`, CRDs in `crds/`, to be applied first.

    The provider's own names put cluster-scoped objects into a namespace `default` that they are not in.
    """
    kind, metadata = manifest["kind"].lower(), manifest["metadata"]
    if kind == "customresourcedefinition":
        return f"crds/{metadata['name']}.yaml"
    return f"{metadata.get('namespace', 'cluster')}/{kind}-{metadata['name']}.yaml"


def cleaned(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as a reader wants it: no annotations that speak to Pulumi's provider alone, placeholders legible."""
    metadata = dict(manifest["metadata"])
    annotations = {
        key: value for key, value in metadata.pop("annotations", {}).items() if not key.startswith("pulumi.com/")
    }
    rest = dict(manifest)
    if manifest["kind"] == "Secret" and "data" in manifest:
        encoded = rest.pop("data")
        rest["stringData"] = {key: base64.b64decode(value).decode() for key, value in encoded.items()}
    return {**rest, "metadata": metadata | ({"annotations": annotations} if annotations else {})}
