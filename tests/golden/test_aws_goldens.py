"""Every shipped stack on EKS plans its golden: the AWS resources, and what Karpenter and the storage class get.

This shows what a change of the program does to a plan. It cannot show that AWS takes it: nothing here spoke to AWS.
The tests against the lab show that the real engine plans the same inputs.
"""

from pathlib import Path

import pytest

from operate.workspace import ROOT
from settings import load_stack_file
from tests.support.aws_plans import planned_resources, rendered_plan
from tests.support.kubeconfigs import home_with_kubeconfig

GOLDENS = Path(__file__).parent / "aws"
STACKS = {
    path.stem.removeprefix("Pulumi."): path
    for path in sorted(ROOT.glob("examples/*.yaml"))
    if load_stack_file(path).cluster.eks is not None
}


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_a_stack_plans_its_golden(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """What a shipped stack makes on AWS is exactly what is committed."""
    home_with_kubeconfig(tmp_path, monkeypatch)
    text = rendered_plan(planned_resources(load_stack_file(STACKS[stack]), tmp_path))
    golden = GOLDENS / f"{stack}.yaml"
    if request.config.getoption("--write-goldens"):
        golden.write_text(text)

    assert text == golden.read_text(), f"`make goldens` writes {golden.name} anew; read the diff"


def test_every_golden_belongs_to_a_shipped_stack() -> None:
    """No golden outlives its stack."""
    assert {path.stem for path in GOLDENS.glob("*.yaml")} == set(STACKS)


def test_the_scenarios_are_there() -> None:
    """Dev, production on reserved hardware, two engines, and a cluster that is there."""
    assert {"eks-dev", "eks-production", "eks-two-engines", "eks-existing"} <= set(STACKS)
