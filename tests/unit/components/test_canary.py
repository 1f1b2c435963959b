"""The route of a model whose requests are shared by two versions, as each kind of gateway is told it.

What these tests cannot prove: that a gateway of the Gateway API splits so; of Envoy itself test_canary_share.py does.
"""

import pytest

from stacks.serving_layer import plan_summary
from tests.support.configs import plan
from tests.support.manifests import serving_objects
from tests.unit.settings.test_canary import CANARY, GKE


@pytest.mark.parametrize("weight", [0, 10, 100])
def test_the_route_leads_to_both_pools(weight: int) -> None:
    """Both ways, by path and by name, with the weights of the config; the canary's own path leads to it alone."""
    stack = plan({**CANARY, **GKE, "models.qwen.canary.weight": weight})
    routes = {item["metadata"]["name"]: item for item in serving_objects(stack) if item["kind"] == "HTTPRoute"}
    backends = {
        name: [
            [(backend["name"], backend["weight"]) for backend in rule["backendRefs"]]
            for rule in routes[name]["spec"]["rules"]
        ]
        for name in ("next", "qwen")
    }

    assert backends == {"next": [[("next", 1)]], "qwen": [[("qwen", 100 - weight), ("next", weight)]] * 2}


def test_the_name_is_listed_once() -> None:
    """Clients see one model; an operator sees who answers how much."""
    stack = plan(CANARY)

    assert stack.gateway.served_names == ["chat"]
    assert plan_summary(stack.models["qwen"])["shares"] == {"qwen": 90, "next": 10}
    assert "shares" not in plan_summary(stack.models["next"])
