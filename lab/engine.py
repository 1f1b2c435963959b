"""What it takes to run the Pulumi engine against a lab.

Owns the lab's Pulumi home, the launcher of the language host and the
environment. It runs no pulumi and knows no stack.
"""

import os
import shlex
import shutil
import sys
from enum import StrEnum
from pathlib import Path

from lab.build import tool_dir
from lab.errors import LabError
from lab.paths import CHECKOUT
from lab.process import write_private
from lab.tools import ENGINE, KUBERNETES_PROVIDER_VERSION

__all__ = ["PASSPHRASE", "Toolchain", "environment", "export_lines", "prepare", "tools_needed"]

PASSPHRASE = "llm-d-lab"  # noqa: S105 - not a secret, see below
"""Encrypts the lab's Pulumi state. Not a secret: it is public, and a lab must never be given one to keep."""


class Toolchain(StrEnum):
    """Whose Pulumi engine runs."""

    BUILT = "built"
    """The lab's own, built from Go modules. What the tests use."""
    PATH = "path"
    """The official CLI from PATH, with its own language host and plugins."""

    @classmethod
    def from_environment(cls) -> "Toolchain":
        """What `LAB_TOOLCHAIN` asks for; the lab's own where it asks for nothing."""
        asked = os.environ.get("LAB_TOOLCHAIN", "")
        if asked in ("", cls.BUILT):
            return cls.BUILT
        if asked != cls.PATH:
            raise LabError(f"LAB_TOOLCHAIN is {asked!r}; it may be 'path' (pulumi from PATH) or unset (the lab's own)")
        if shutil.which("pulumi") is None:
            raise LabError("LAB_TOOLCHAIN=path asks for pulumi from PATH, and there is none; install it or unset this")
        return cls.PATH


def tools_needed(toolchain: Toolchain, *, own_kubectl: bool) -> tuple[str, ...]:
    """The tools to build beside the control plane's."""
    kubectl = ("kubectl",) if own_kubectl or shutil.which("kubectl") is None else ()
    return (*kubectl, *(ENGINE if toolchain is Toolchain.BUILT else ()))


def _write_launcher(root: Path) -> None:
    """The language host's Python is the checkout's, so its launcher cannot live in the shared cache."""
    host = CHECKOUT / "lab" / "language_host.py"
    executor = tool_dir("pulumi") / "share" / "pulumi-language-python-exec"
    # -P: the script's own folder must not hide modules of the same name.
    command = shlex.join([sys.executable, "-P", str(host), str(executor)])
    launcher = root / "bin" / "pulumi-language-python"
    write_private(launcher, f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o700)


def _link_provider(root: Path) -> None:
    plugins = root / "pulumi" / "plugins"
    plugin = plugins / f"resource-kubernetes-v{KUBERNETES_PROVIDER_VERSION}"
    for folder in (plugins, plugin):
        folder.mkdir(exist_ok=True, mode=0o700)
    name = "pulumi-resource-kubernetes"
    built = tool_dir(name) / "bin" / name
    link = plugin / name
    if not (link.is_symlink() and link.readlink() == built):
        link.unlink(missing_ok=True)
        link.symlink_to(built)


def prepare(root: Path, toolchain: Toolchain) -> None:
    """Write what the engine needs below the lab's root."""
    for name in ("bin", "state", "pulumi"):
        (root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    if toolchain is Toolchain.BUILT:
        _write_launcher(root)
        _link_provider(root)


def _path(root: Path, toolchain: Toolchain, *, own_kubectl: bool) -> str:
    folders = [root / "bin"]
    if toolchain is Toolchain.BUILT:
        folders.append(tool_dir("pulumi") / "bin")
    inherited = os.environ.get("PATH", os.defpath)
    if own_kubectl:
        folders.append(tool_dir("kubectl") / "bin")
    # Twice in a row, as in a shell within the lab's shell, must not grow PATH.
    first = [str(folder) for folder in folders]
    rest = [folder for folder in inherited.split(os.pathsep) if folder not in first]
    last = [] if own_kubectl else [str(tool_dir("kubectl") / "bin")]
    return os.pathsep.join([*first, *(folder for folder in rest if folder not in last), *last])


def environment(root: Path, toolchain: Toolchain, *, own_kubectl: bool) -> dict[str, str]:
    """The variables to set, over those that are there."""
    variables = {
        "KUBECONFIG": str(root / "kubeconfig"),
        "PATH": _path(root, toolchain, own_kubectl=own_kubectl),
        "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if toolchain is Toolchain.BUILT:
        variables["PULUMI_HOME"] = str(root / "pulumi")
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        variables["PULUMI_IGNORE_AMBIENT_PLUGINS"] = "true"
        variables["LAB_LANGUAGE_HOST"] = str(root / "bin" / "pulumi-language-python")
    return dict(sorted(variables.items()))


def export_lines(variables: dict[str, str]) -> str:
    """Shell lines for `eval`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
