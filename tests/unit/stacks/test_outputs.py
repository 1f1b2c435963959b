"""What a stack exports of its gateway, as far as it is known before anything is deployed."""

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stacks.outputs import stack_outputs
from stacks.plan import plan_stack
from stacks.serving_layer import ServingLayer
from tests.support.configs import EKS_EXISTING, settings

_NO_PODS = "no pod runs here"


@pytest.mark.parametrize("on_eks", [False, True])
def test_a_simulated_cluster_says_why_it_has_no_url(tmp_path: Path, on_eks: bool) -> None:  # noqa: FBT001
    """Whichever key of the config names its kubeconfig."""
    extension = f"{{name: llm-d.ai/simulated, extension: {{reason: {_NO_PODS}}}}}"
    (tmp_path / "kubeconfig").write_text(
        f"current-context: c\nclusters: [{{name: c, cluster: {{extensions: [{extension}]}}}}]\n"
        "contexts: [{name: c, context: {cluster: c}}]\n"
    )
    changes: dict[str, Any] = {"cluster": {"existing": {"kubeconfig": "kubeconfig"}}}
    if on_eks:
        changes = deepcopy(dict(EKS_EXISTING))
        changes["cluster"]["eks"]["existing"]["kubeconfig"] = "kubeconfig"
    found = settings(changes)
    serving = cast("ServingLayer", SimpleNamespace(url="nobody asks for it"))

    gateway = cast("dict[str, Any]", stack_outputs(found, plan_stack(found), serving, tmp_path)["gateway"])
    assert (gateway["url"], gateway["reason"]) == (None, _NO_PODS)
