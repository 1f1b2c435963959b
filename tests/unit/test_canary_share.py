"""Two versions share a model's requests: the real Envoy, with the config that a stack renders.

Pickers and servers are stand-ins on loopback. A share is told from chance by its probability: less than one in a
million (`smoke.chance.LEVEL`) is no chance.
"""

from pathlib import Path

import httpx
import pytest

from operate.smoke.chance import LEVEL, at_least, at_most
from tests.support.configs import plan
from tests.support.gateway import gateway
from tests.unit.settings.test_canary import CANARY

REQUESTS = 120


@pytest.mark.parametrize("weight", [0, 30, 100])
def test_the_canary_answers_its_share(weight: int, tmp_path: Path) -> None:
    """Of requests by path and by name, each asks the picker of the version that answers it, and no other."""
    stack = plan({**CANARY, "models.qwen.canary.weight": weight})
    with gateway(stack.gateway, tmp_path) as running, httpx.Client(base_url=running.url, timeout=30) as client:
        for path in ("/qwen/v1/completions", "/v1/completions"):
            before = running.asked()
            answers = [client.post(path, json={"model": "chat", "prompt": "hello"}) for _ in range(REQUESTS)]
            servers = [answer.json()["choices"][0]["message"]["content"].partition(" ")[0] for answer in answers]
            asked = {model: count - before[model] for model, count in running.asked().items()}

            assert {answer.status_code for answer in answers} == {200}
            assert asked == {"next": servers.count("next"), "qwen": servers.count("qwen")}
            assert (
                min(at_least(asked["next"], REQUESTS, weight / 100), at_most(asked["next"], REQUESTS, weight / 100))
                > LEVEL
            )
        own = client.post("/next/v1/completions", json={"model": "chat"})

    assert own.json()["choices"][0]["message"]["content"].startswith("next ")
