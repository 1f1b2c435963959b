"""What `make up` prepares and sums up, without a cluster."""

from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from operate.up import prepare_cluster, print_summary
from settings import StackSettings
from settings.cluster import ExistingCluster
from tests.support.configs import EKS, EKS_EXISTING, REMOVED, settings

_SECONDS = {"lab": 0.0, "pulumi": 2.5, "total": 3.0}
_SERVING = {
    "release": "v0.4",
    "namespace": "llm-d",
    "gateway": {"provider": "standalone", "url": "http://gateway", "reason": None},
    "models": {"qwen": {"engine": "vllm", "replicas": 2, "gpus": 4, "path": "/qwen", "image": "an/image:1"}},
}
_CLUSTER = {
    "cluster": {"name": "inference", "identifier": "arn", "kubeconfig": "secret"},
    "costEstimate": {
        "currency": "USD",
        "per": "hour",
        "total": {"min": "0.80", "desired": "1.60", "max": "2.40"},
        "unpriced": ["h200"],
    },
}


def _summary(outputs: dict[str, Any]) -> list[str]:
    text = StringIO()
    print_summary({"outputs": outputs, "seconds": _SECONDS}, Console(file=text, width=120, highlight=False))
    return [line.rstrip() for line in text.getvalue().splitlines() if line]


def test_a_stack_of_the_cluster_alone_is_summed_up_by_name_and_cost() -> None:
    """Layers [cluster, platform] export no models, no gateway and no release."""
    assert _summary(_CLUSTER) == [
        "cluster   inference",
        "estimate  USD per hour of GPU nodes: 0.80 at least, 1.60 at first, 2.40 at most, without h200",
        "took      3.0 s (lab 0.0 s, pulumi 2.5 s)",
    ]


def test_a_stack_of_the_platform_alone_exports_nothing() -> None:
    """Layers [platform]: that it is up, and how long it took."""
    assert _summary({}) == ["took      3.0 s (lab 0.0 s, pulumi 2.5 s)"]


def test_a_stack_that_serves_is_summed_up_by_its_models() -> None:
    """With and without nodes of its own."""
    serving = _summary(_SERVING)

    assert [line.split() for line in serving[:2]] == [
        ["MODEL", "ENGINE", "REPLICAS", "GPUS", "PATH", "IMAGE"],
        ["qwen", "vllm", "2", "4", "/qwen", "an/image:1"],
    ]
    assert serving[2:4] == ["gateway   standalone, http://gateway", "release   llm-d v0.4, namespace llm-d"]
    assert len(_summary(_SERVING | _CLUSTER)) == len(serving) + 2


def _prepared(monkeypatch: pytest.MonkeyPatch, found: StackSettings) -> list[object]:
    """What is fetched and dialled for a stack."""
    done: list[object] = []
    monkeypatch.setattr("operate.up.fetch_crds", lambda *_: done.append("CRDs"))
    monkeypatch.setattr("operate.up.require_cluster", done.append)
    assert prepare_cluster(found, Console(file=StringIO())) == (0.0, {})
    return done


def test_a_cluster_on_eks_that_is_there_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own kubeconfig and context; a new one cannot be."""
    raw = deepcopy(dict(EKS_EXISTING))
    raw["cluster"]["eks"]["existing"] |= {"kubeconfig": "here", "context": "prod"}

    assert _prepared(monkeypatch, settings(raw)) == ["CRDs", ExistingCluster(kubeconfig="here", context="prod")]
    assert _prepared(monkeypatch, settings(EKS)) == ["CRDs"]


@pytest.mark.parametrize(
    "changes", [{"crds": "existing"}, {"layers": ["serving"]}, {**EKS, "layers": ["cluster"], "models": REMOVED}]
)
def test_no_crds_are_fetched_for_a_stack_that_installs_none(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Others have them: a machine without a way to the projects' repositories is enough."""
    assert _prepared(monkeypatch, settings(changes)) == []
