"""Finding the sources of modules."""

import pytest

from lab import modules
from releases import RELEASES


@pytest.mark.parametrize("line", RELEASES)
def test_the_bundles_of_a_release_line_are_found_without_go_the_second_time(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both custom resource definition bundles have their folder; a warm call starts no go."""
    found = modules.module_dirs(f"crds-{line}")

    assert list(found) == ["sigs.k8s.io/gateway-api", "sigs.k8s.io/gateway-api-inference-extension"]
    assert (found["sigs.k8s.io/gateway-api"] / "config" / "crd" / "standard").is_dir()
    assert (found["sigs.k8s.io/gateway-api-inference-extension"] / "config" / "crd" / "bases").is_dir()
    monkeypatch.setattr(modules, "run_go", lambda *_: pytest.fail("go was started"))
    assert modules.module_dirs(f"crds-{line}") == found
