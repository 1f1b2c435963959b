"""What a stack plans on AWS, as readable YAML: the requests that reach the engine, with names in the place of ids.

Mocks stand in for the engine, so an output is known and reads as the name of its resource. The tests against the lab
compare the same inputs with what the real engine plans.
"""

from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime import mocks, rpc

from settings import StackSettings
from settings.cluster import LayerName
from stacks import deploy
from tests.support.pulumi_mocks import mocked

__all__ = ["planned_resources", "rendered_plan"]

_CLUSTER_LAYER = "llmd:index:ClusterLayer"


def planned_resources(settings: StackSettings, root: Path) -> dict[str, dict[str, Any]]:
    """Everything of the cluster layer, by type and name: inputs, and options that decide about a node's life.

    Args:
        settings: A stack that makes a cluster or node pools.
        root: Folder of the project, for a relative kubeconfig.
    """
    alone = settings.model_copy(update={"layers": (LayerName.CLUSTER,)})
    with mocked() as recorder:
        mocks.test(lambda: deploy(alone, root) and None)()  # type: ignore[no-untyped-call]
        requests = [item for item in recorder.requests if _is_of_cluster(item)]
    return {f"{item.type} {item.name}": _described(item) for item in requests}


def _is_of_cluster(request: Any) -> bool:  # noqa: ANN401 - a protobuf message
    return request.type.startswith("aws:") or (request.custom and _CLUSTER_LAYER in request.parent)


def _described(request: Any) -> dict[str, Any]:  # noqa: ANN401 - a protobuf message
    described: dict[str, Any] = {"inputs": _plain(rpc.deserialize_properties(request.object))}
    if request.ignoreChanges:
        described["ignoreChanges"] = list(request.ignoreChanges)
    if request.deleteBeforeReplace:
        described["deleteBeforeReplace"] = True
    if request.protect:
        described["protect"] = True
    return described


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON-like
    """Whole numbers whole, and no annotation that speaks to a provider alone."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not str(key).startswith("pulumi.com/")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rendered_plan(resources: dict[str, dict[str, Any]]) -> str:
    """The plan as YAML, sorted; a kubeconfig's provider is left out, for it is no resource of AWS."""
    kept = {key: value for key, value in resources.items() if not key.startswith("pulumi:providers:")}
    text: str = yaml.safe_dump(kept, sort_keys=True, width=120)
    return text
