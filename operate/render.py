"""`make render`: a stack's manifests as YAML, one file per object, by the real engine and provider.

The program runs as in `pulumi up`, with `cluster.manifests` in place of a cluster: the layers, components and builders
are the same, and no mock stands in for anything. Secrets become named placeholders, so neither the stack's passphrase
nor its state is needed.
"""

import base64
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from lab.build import build_all
from lab.engine import Toolchain, environment, prepare
from lab.progress import Reporter
from lab.tools import ENGINE, KUBERNETES_PROVIDER_VERSION
from operate.crds import fetch_crds, from_release_url
from operate.engine import Pulumi
from operate.errors import OperateError
from operate.lab_crds import lab_source
from operate.stack_files import load_stack
from operate.workspace import Workspace, read_stack_document
from releases import RELEASES
from settings.models import TOKEN_PLACEHOLDER

__all__ = ["cleaned", "file_name", "render"]

_STACK = "render"

_MARK = ".rendered"

# The state is thrown away with the folder: writing all of it after every step would be most of the time.
_NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}

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
    settings = load_stack(path)
    _require_free(out)
    release = RELEASES[settings.release]
    toolchain = Toolchain.from_environment()
    reporter = Reporter()
    build_all(ENGINE if toolchain is Toolchain.BUILT else (), reporter)
    source = lab_source(release, reporter.say) if toolchain is Toolchain.BUILT else from_release_url
    fetch_crds(release, source, console.print)
    with tempfile.TemporaryDirectory(prefix="llm-d-render-") as temporary:
        folder = Path(temporary)
        prepare(folder / "engine", toolchain)
        pulumi = Pulumi(
            folder=folder / "project",
            stack=_STACK,
            environment=environment(folder / "engine", toolchain, own_kubectl=False) | _NO_CHECKPOINTS,
        )
        # The lab has one version of the provider; the official CLI fetches the one that the SDK asks for.
        version = KUBERNETES_PROVIDER_VERSION if toolchain is Toolchain.BUILT else None
        _run(pulumi, path, folder / "manifests", version)
        return _replace(folder / "manifests", out)


def _run(pulumi: Pulumi, path: Path, manifests: Path, provider_version: str | None) -> None:
    config, has_token = _config_for(path, manifests, provider_version)
    Workspace(pulumi.folder).write_stack(_STACK, config)
    pulumi.select()
    if has_token:
        pulumi.set_secret("llm-d:huggingFace.token", TOKEN_PLACEHOLDER)
    pulumi.up("--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", quiet=True)


def _config_for(path: Path, manifests: Path, provider_version: str | None) -> tuple[dict[str, Any], bool]:
    """The stack's config with a directory for its cluster and without the token; whether there was one."""
    config: dict[str, Any] = dict(read_stack_document(path)["config"])
    config["llm-d:cluster"] = {"manifests": str(manifests)} | (
        {"providerVersion": provider_version} if provider_version else {}
    )
    hugging_face = dict(config.get("llm-d:huggingFace") or {})
    has_token = hugging_face.pop("token", None) is not None
    if hugging_face or has_token:
        config["llm-d:huggingFace"] = hugging_face
    return config, has_token


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
