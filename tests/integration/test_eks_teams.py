"""An infrastructure stack and a model stack on one emulated EKS: a state each, joined by a stack reference.

The file backend stands for a backend of one's own, where the organization is the word `organization`. KMS is not tried:
passphrases show what a secrets provider keeps apart.
"""

from copy import deepcopy
from pathlib import Path

from tests.support.clusters import Kubectl
from tests.support.eks import aws_lab, example_config
from tests.support.stacks import CaseStack


def test_a_model_roll_out_never_plans_the_vpc(tmp_path: Path) -> None:
    """The serving stack finds the cluster by reference, under another passphrase too, and holds nothing of AWS."""
    infra_config = example_config("eks-dev")
    models = infra_config.pop("llm-d:models")
    infra_config["llm-d:layers"] = ["cluster", "platform"]
    serving_config = {
        "llm-d:release": "v0.4",
        "llm-d:layers": ["serving"],
        "llm-d:cluster": {
            "reference": {"stack": "organization/llm-d/infra"},
            "providerVersion": infra_config["llm-d:cluster"]["providerVersion"],
        },
        "llm-d:gpuPools": infra_config["llm-d:gpuPools"],
        "llm-d:models": models,
    }
    with aws_lab(tmp_path / "lab") as lab:
        infra = CaseStack(lab, tmp_path / "infra", "infra", infra_config)
        infra.up()
        serving = CaseStack(lab, tmp_path / "models", "models", serving_config, passphrase="the model team's own")
        serving.up()

        types = {item["type"].partition(":")[0] for item in serving.state()}
        assert types == {"kubernetes", "llmd", "pulumi"}
        deployments = Kubectl(lab).objects("deployments", "--namespace", "llm-d")
        assert {item["metadata"]["name"] for item in deployments} >= {"qwen3-0-6b-decode"}

        rolled = deepcopy(serving_config)
        rolled["llm-d:engine"] = "sglang"
        serving.configure(rolled)
        steps = serving.steps()
        assert set(steps.values()) == {"update"}
        assert [urn for urn in steps if "aws:" in urn] == []
        assert infra.steps() == {}

        serving.expect(0, "destroy", "--yes", "--skip-preview")
        infra.expect(0, "destroy", "--yes", "--skip-preview")
        assert infra.state() == []
