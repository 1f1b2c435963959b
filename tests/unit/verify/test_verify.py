"""The command `verify`, as far as it goes without a cluster."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from operate.__main__ import main
from operate.errors import OperateError
from operate.verify.rows import failed, not_asked, passed, print_rows
from operate.verify.verify import kubectl_arguments
from tests.support.configs import EKS, EKS_EXISTING, settings


def test_the_lab_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """No pod runs on it: the message names the command that starts real ones."""
    code = main(["verify", "--stack", "dev"])

    assert code == 1
    assert capsys.readouterr().err == (
        "error: on the lab no pod runs, so nothing answers; `make smoke` starts real ones\n"
    )


@pytest.mark.parametrize("changes", [EKS, {"cluster": {"reference": {"stack": "organization/llm-d/base"}}}])
def test_a_cluster_that_the_config_does_not_name_is_never_guessed(changes: dict[str, Any]) -> None:
    """A cluster that a stack makes has no kubeconfig in the config; kubectl's current context may be any other's."""
    with pytest.raises(OperateError, match=r"names no kubeconfig.*\n.*--context CONTEXT"):
        kubectl_arguments(settings(changes).cluster, None)


def test_the_clusters_own_kubeconfig_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That of an existing EKS cluster too; a context that is given wins, and one that is not there is said."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        "current-context: other\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "contexts: [{name: prod, context: {cluster: c}}, {name: other, context: {cluster: c}}]\n"
    )
    named = {"kubeconfig": str(path), "context": "prod"}
    existing = settings({"cluster": {"existing": named}}).cluster
    raw = deepcopy(dict(EKS_EXISTING))
    raw["cluster"]["eks"]["existing"] |= named
    asked = (f"--kubeconfig={path}", "--context=prod")

    assert kubectl_arguments(existing, None) == asked
    assert kubectl_arguments(settings(raw).cluster, None) == asked
    assert kubectl_arguments(existing, "other") == (f"--kubeconfig={path}", "--context=other")
    with pytest.raises(OperateError, match="has no context 'nowhere'; other, prod"):
        kubectl_arguments(existing, "nowhere")
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert kubectl_arguments(settings(EKS).cluster, "prod") == asked


def test_each_fault_has_its_hint_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not asked counts neither as passed nor as failed."""
    rows = [
        passed("pods", "qwen", "2 of 2 ready"),
        not_asked("prefix affinity", "qwen", "one pod"),
        failed("route", "qwen", "it leads elsewhere", "mend it"),
    ]
    print_rows(rows, Console(soft_wrap=True, highlight=False))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split() for line in lines if line.startswith(("pods", "prefix", "route"))][:3] == [
        ["pods", "qwen", "ok", "2", "of", "2", "ready"],
        ["prefix", "affinity", "qwen", "-", "one", "pod"],
        ["route", "qwen", "FAILED", "it", "leads", "elsewhere"],
    ]
    assert lines[-4:] == ["route, qwen: it leads elsewhere", "  -> mend it", "", "1 of 2 checks passed"]
