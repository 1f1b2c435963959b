"""A kubeconfig in a home folder of its own, for programs that read the default one."""

from pathlib import Path

import pytest
import yaml

__all__ = ["home_with_kubeconfig"]


def home_with_kubeconfig(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `home` the home folder, with a kubeconfig of a cluster `platform` that nobody dials."""
    document = {
        "current-context": "platform",
        "contexts": [{"name": "platform", "context": {"cluster": "platform"}}],
        "clusters": [{"name": "platform", "cluster": {"server": "https://127.0.0.1:1"}}],
    }
    folder = home / ".kube"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("KUBECONFIG", raising=False)
