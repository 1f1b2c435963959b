"""Two versions of a model that share its requests: what they have to have in common.

What these tests cannot prove: that a gateway of the Gateway API splits as it is told.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import faults, settings

NEXT = {"source": "hf://Qwen/Qwen3-4B", "servedName": "chat"}
CANARY = {
    "models.qwen.servedName": "chat",
    "models.qwen.canary": {"model": "next", "weight": 10},
    "models.next": NEXT,
}
GKE = {"gateway": {"provider": "gke", "proxyCidrs": ["10.129.0.0/23"]}, "crds": "existing"}
TARGET = "models.qwen.canary.model"


@pytest.mark.parametrize("changes", [{}, GKE])
@pytest.mark.parametrize("weight", [0, 10, 100])
def test_two_versions_may_share_a_name(changes: dict[str, Any], weight: int) -> None:
    """There and nowhere else: the served name is one, and each version keeps a path of its own."""
    found = settings({**CANARY, **changes, "models.qwen.canary.weight": weight})

    assert (found.models["qwen"].served_name, found.models["next"].served_name) == ("chat", "chat")


def test_without_a_canary_the_name_is_taken() -> None:
    """A third model of the name is a fault, and so are the two versions once the split is gone."""
    taken = "the served name chat is taken by model"
    third = {"source": "hf://Qwen/Qwen3-8B", "servedName": "chat"}
    split_gone = {"models.qwen.servedName": "chat", "models.next": NEXT}

    assert faults({**CANARY, "models.third": third}) == [
        Fault(path="models.third.servedName", problem=f"{taken} qwen", given="chat")
    ]
    assert faults(split_gone) == [Fault(path="models.qwen.servedName", problem=f"{taken} next", given="chat")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"models.next.servedName": "chat-next"},
            Fault(
                path="models.next.servedName",
                problem="it answers requests for model qwen, and is served by other names",
                given="chat-next",
                allowed="chat",
            ),
        ),
        (
            {"models.qwen.loraAdapters": {"legal": {"source": "hf://org/legal"}}},
            Fault(
                path="models.next.loraAdapters",
                problem="it answers requests for model qwen, and is served by other names",
                given="chat",
                allowed="chat, legal",
            ),
        ),
        (
            {"models.qwen.canary.model": "nxt"},
            Fault(path=TARGET, problem="unknown model", given="nxt", allowed="next", nearest="next"),
        ),
        (
            {"models.qwen.canary.model": "qwen"},
            Fault(path=TARGET, problem="is the model itself", given="qwen", allowed="another model of the stack"),
        ),
        (
            {"models.next.canary": {"model": "qwen", "weight": 1}},
            Fault(
                path="models.next.canary.model",
                problem="model qwen has a canary itself: whose share would it answer?",
                given="qwen",
            ),
        ),
        (
            {"models.third": {**NEXT, "canary": {"model": "next", "weight": 1}}},
            Fault(
                path="models.third.canary.model", problem="model next is the canary of model qwen already", given="next"
            ),
        ),
        (
            {"gateway.provider": "istio"},
            Fault(
                path="models.qwen.canary",
                problem="provider istio cannot split a model's requests: Istio asks the picker of one of two pools for"
                " all of a route's requests (istio#61594)",
                allowed="gateway.provider agentgateway, gke, standalone",
            ),
        ),
        (
            {"gateway.provider": "envoy-ai-gateway", "release": "v0.9"},
            Fault(
                path="models.qwen.canary",
                problem="provider envoy-ai-gateway cannot split a model's requests: it takes one InferencePool in a"
                " rule (its CRD's own validation)",
                allowed="gateway.provider agentgateway, gke, standalone",
            ),
        ),
    ],
)
def test_a_split_that_would_lose_requests_is_refused(changes: dict[str, Any], expected: Fault) -> None:
    """Names that the other version does not know, versions that are none, gateways that ask one picker for both."""
    assert expected in faults({**CANARY, **changes})
