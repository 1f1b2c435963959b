"""The environment that pulumi runs in."""

import os
from pathlib import Path

import pytest

from lab import LabError, engine
from lab.build import tool_dir
from lab.engine import Toolchain

_ROOT = Path("/lab")


def test_the_built_engine_is_shut_off_from_the_users_own() -> None:
    """Home, state and plugins are the lab's, and nothing is installed behind the user's back."""
    variables = engine.environment(_ROOT, Toolchain.BUILT, own_kubectl=True)

    path = variables.pop("PATH").split(os.pathsep)
    assert path[:3] == ["/lab/bin", str(tool_dir("pulumi") / "bin"), str(tool_dir("kubectl") / "bin")]
    assert variables == {
        "KUBECONFIG": "/lab/kubeconfig",
        "LAB_LANGUAGE_HOST": "/lab/bin/pulumi-language-python",
        "PULUMI_BACKEND_URL": "file:///lab/state",
        "PULUMI_CONFIG_PASSPHRASE": "llm-d-lab",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        "PULUMI_HOME": "/lab/pulumi",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def test_the_official_engine_keeps_its_home_and_plugins() -> None:
    """With LAB_TOOLCHAIN=path only backend, passphrase and cluster are the lab's."""
    variables = engine.environment(_ROOT, Toolchain.PATH, own_kubectl=False)

    del variables["PATH"]
    assert sorted(variables) == [
        "KUBECONFIG",
        "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_ERROR_OUTPUT_STRING",
        "PULUMI_SKIP_UPDATE_CHECK",
    ]


@pytest.mark.parametrize("own_kubectl", [True, False])
def test_path_does_not_grow_in_a_shell_within_a_shell(monkeypatch: pytest.MonkeyPatch, *, own_kubectl: bool) -> None:
    """Applying the environment twice is the same as once."""
    once = engine.environment(_ROOT, Toolchain.BUILT, own_kubectl=own_kubectl)
    monkeypatch.setenv("PATH", once["PATH"])

    assert engine.environment(_ROOT, Toolchain.BUILT, own_kubectl=own_kubectl) == once


def test_a_users_kubectl_comes_before_the_labs_unless_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """In `make shell` the user's own kubectl stays."""
    monkeypatch.setenv("PATH", "/users")

    path = engine.environment(_ROOT, Toolchain.PATH, own_kubectl=False)["PATH"].split(os.pathsep)
    assert path == ["/lab/bin", "/users", str(tool_dir("kubectl") / "bin")]


def test_export_lines_survive_the_shell() -> None:
    """Values are quoted for eval."""
    assert engine.export_lines({"A": "x y", "B": "plain"}) == "export A='x y'\nexport B=plain\n"


def test_only_what_is_needed_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The official engine needs no engine built, and a kubectl on PATH no kubectl."""
    monkeypatch.setenv("PATH", str(tmp_path))
    built, official = Toolchain.BUILT, Toolchain.PATH

    assert engine.tools_needed(built, own_kubectl=False) == ("kubectl", "pulumi", "pulumi-resource-kubernetes")
    assert engine.tools_needed(official, own_kubectl=False) == ("kubectl",)
    (tmp_path / "kubectl").write_text("")
    (tmp_path / "kubectl").chmod(0o755)
    assert engine.tools_needed(official, own_kubectl=False) == ()
    assert engine.tools_needed(official, own_kubectl=True) == ("kubectl",)


def test_a_wrong_toolchain_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what is allowed, and what is missing."""
    monkeypatch.setenv("LAB_TOOLCHAIN", "docker")
    with pytest.raises(LabError, match="LAB_TOOLCHAIN is 'docker'; it may be 'path'"):
        Toolchain.from_environment()
    monkeypatch.setenv("LAB_TOOLCHAIN", "path")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="asks for pulumi from PATH, and there is none"):
        Toolchain.from_environment()
