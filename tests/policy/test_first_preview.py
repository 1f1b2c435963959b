"""No silent pass: the first preview of a new EKS cluster with a serving stack on it.

Nothing is there yet: the Kubernetes provider's kubeconfig is unknown, and the engine hands the stack's objects on with
empty outputs. A rule that read those would judge nothing, and say nothing. A stand-in answers for AWS, so what this
cannot prove is which outputs AWS' own provider knows ahead.
"""

import json
import shlex
import sys
from pathlib import Path

import pytest

from lab.engine import Toolchain, environment, prepare
from lab.tools import KUBERNETES_PROVIDER_VERSION
from operate.engine import Pulumi
from operate.policy import PACK
from operate.workspace import Workspace
from policy.analyzer import REPORT_VARIABLE
from policy.checks import RULES
from tests.support.any_provider import install
from tests.support.configs import EKS, config
from tests.support.policy_cases import STRICT
from tests.support.raw_stacks import AWS_VERSION

NEW_CLUSTER = {
    **EKS,
    "cluster.providerVersion": KUBERNETES_PROVIDER_VERSION,
    "gateway.provider": "istio",
    "monitoring": "prometheus-operator",
    # Weights from a claim: so that there is a volume to judge.
    "models.stored": {"source": "pvc://weights/qwen", "weights": "1.5Gi"},
    "gpuPools.l4.minSize": 2,
}


def _first_preview(folder: Path) -> dict[str, dict[str, int]]:
    """What each rule judged, by the pack's own count."""
    prepare(folder / "engine", Toolchain.BUILT)
    install(folder / "engine" / "pulumi" / "plugins", "aws", AWS_VERSION, shlex.quote(sys.executable))
    workspace = Workspace(folder / "project")
    workspace.write_stack("new", {f"llm-d:{key}": value for key, value in config(NEW_CLUSTER).items()})
    report, rules = folder / "report.json", folder / "rules.json"
    rules.write_text(json.dumps(STRICT))
    engine = environment(folder / "engine", Toolchain.BUILT, own_kubectl=False)
    pulumi = Pulumi(folder=workspace.folder, stack="new", environment={**engine, REPORT_VARIABLE: str(report)})
    pulumi.select()
    pulumi.preview_events("--policy-pack", str(PACK), "--policy-pack-config", str(rules))
    tallies: dict[str, dict[str, int]] = json.loads(report.read_text())
    return tallies


def test_every_rule_judges_something_in_a_first_preview_and_none_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every rule asked for, each comes to a verdict about one subject at least, and no value keeps it from one."""
    tallies = _first_preview(tmp_path)

    with capsys.disabled():
        print(f"\n  {'RULE':20} {'JUDGED':>7} {'NOT JUDGED':>11}")
        for rule in RULES:
            print(f"  {rule.id:20} {tallies[rule.id]['judged']:7} {tallies[rule.id]['unjudged']:11}")
    assert sorted(tallies) == sorted(rule.id for rule in RULES)
    assert {name: tally for name, tally in tallies.items() if not tally["judged"] or tally["unjudged"]} == {}
