"""Who owns `replicas`, with the control plane's real HorizontalPodAutoscaler controller.

What these tests cannot prove: scaling by a metric. No adapter runs, so the controller knows the bounds alone.
"""

from pathlib import Path
from typing import Any

from lab import Lab
from tests.support.clusters import Kubectl, crds_of
from tests.support.controller_crds import controller_crds
from tests.support.stacks import CaseStack, case_config

AUTOSCALING = {"provider": "hpa", "minReplicas": 2, "maxReplicas": 4, "value": 5}


def _config(lab: Lab, namespace: str, **autoscaling: object) -> dict[str, Any]:
    return case_config(
        lab,
        namespace,
        monitoring="prometheus-operator",
        controllers={"prometheusAdapter": "existing"},
        models={"small": {"source": "hf://Qwen/Qwen3-0.6B", "autoscaling": {**AUTOSCALING, **autoscaling}}},
    )


def test_replicas_stay_the_autoscalers(lab: Lab, tmp_path: Path) -> None:
    """The controller scales; a preview finds nothing to do, and an `up` that changes the pods leaves their number."""
    namespace, kubectl = "autoscaling", Kubectl(lab)
    kubectl.apply(*controller_crds(), *crds_of("v0.4"))
    stack = CaseStack(lab, tmp_path / "project", "autoscaling", _config(lab, namespace))
    stack.up()
    kubectl.wait_for_replicas(namespace, "small-decode", 2)
    assert stack.steps() == {}
    assert set(stack.steps("--refresh").values()) == {"refresh"}

    kubectl("scale", "--namespace", namespace, "deployment/small-decode", "--replicas=3")
    kubectl.wait_for_replicas(namespace, "small-decode", 3)
    config = _config(lab, namespace, minReplicas=1)
    config["llm-d:models"]["small"]["extraArgs"] = ["--max-model-len", "4096"]
    stack.configure(config)
    stack.up()

    kubectl.wait_for_replicas(namespace, "small-decode", 3)
    assert stack.steps() == {}
    stack.expect(0, "destroy", "--yes", "--skip-preview")
