"""One base URL for every model: OpenAI's own client against the real Envoy, with the config that a stack renders.

Pickers and servers are stand-ins on loopback. What these tests cannot prove: that the image's Envoy 1.33 does as the
wheel's 1.40, and what a real picker makes of the requests (`make smoke` runs one).
"""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.support.configs import plan
from tests.support.gateway import Gateway, gateway

PARTS = 20_000_000  # bytes: far more than may be held
HELD = 4_000_000  # bytes: just less than may be held
SECONDS = (
    30.0  # no answer here takes a tenth of it; without a limit a hanging filter would hold the test for 10 minutes
)

# One model on each engine; one has a name without a slash.
MODELS = {
    "models.eight": {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang"},
    "models.four": {"source": "hf://Qwen/Qwen3-4B", "servedName": "four"},
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway of three models on two engines."""
    with gateway(plan(MODELS).gateway, tmp_path_factory.mktemp("gateway")) as made:
        yield made


@pytest.fixture
def client(running: Gateway) -> Iterator[openai.OpenAI]:
    """A client that knows the gateway's address and nothing else."""
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0, timeout=SECONDS) as made:
        yield made


@pytest.fixture
def http(running: Gateway) -> Iterator[httpx.Client]:
    """A client for what OpenAI's would not send."""
    with httpx.Client(base_url=running.url, timeout=SECONDS) as made:
        yield made


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    """`/v1/models` lists what can be asked for, and each can be looked up, its slash quoted or not."""
    assert [model.id for model in client.models.list()] == ["Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B", "four"]
    assert client.models.retrieve("Qwen/Qwen3-8B").id == "Qwen/Qwen3-8B"


@pytest.mark.parametrize(("name", "model"), [("Qwen/Qwen3-0.6B", "qwen"), ("Qwen/Qwen3-8B", "eight"), ("four", "four")])
def test_a_model_is_reached_by_its_name(running: Gateway, client: openai.OpenAI, name: str, model: str) -> None:
    """The name in the body is enough: the model's own picker is asked, no other, and its server answers."""
    before = running.asked()
    answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hello"}])
    now = running.asked()

    server, path, _ = (answer.choices[0].message.content or "").split()
    assert (server, path, answer.model) == (model, "/v1/chat/completions", name)
    assert {key: now[key] - before[key] for key in now} == {key: int(key == model) for key in now}


def test_an_answer_can_be_streamed(client: openai.OpenAI) -> None:
    """Server-sent events come through as they are."""
    stream = client.chat.completions.create(model="four", messages=[], stream=True)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "four:to four:be "


def test_an_unknown_model_is_told_the_known_ones(running: Gateway, client: openai.OpenAI) -> None:
    """A wrong name is a 404 in OpenAI's shape, from the gateway itself: no picker is asked."""
    before = running.asked()
    with pytest.raises(openai.NotFoundError) as found:
        client.chat.completions.create(model="gpt-oss", messages=[])
    with pytest.raises(openai.NotFoundError) as looked_up:
        client.models.retrieve("gpt-oss")

    assert found.value.body == {
        "message": "the model does not exist; models of this gateway: Qwen/Qwen3-0.6B, Qwen/Qwen3-8B, four",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert looked_up.value.body == found.value.body
    assert running.asked() == before


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b'{"messages": []}', "application/json", 400, "missing_required_parameter"),
        (b'[{"model": "four"}]', "application/json", 400, "missing_required_parameter"),
        (b'{"model": "four"', "application/json", 400, "invalid_json"),
        (b'{"model": "four"}', "text/plain", 400, "invalid_json"),
        (b'{"model": 4}', "application/json", 404, "model_not_found"),
        (b'{"model": ""}', "application/json", 404, "model_not_found"),
    ],
)
def test_a_body_that_names_no_model_is_refused(
    http: httpx.Client, content: bytes, content_type: str, status: int, code: str
) -> None:
    """What cannot be routed is the client's fault and is said to be, never a 500."""
    answer = http.post("/v1/chat/completions", content=content, headers={"content-type": content_type})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_the_character_set_may_be_named(http: httpx.Client) -> None:
    """A content type with a parameter, in any case, is still JSON."""
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    answer = http.post("/v1/completions", content=b'{"model": "four"}', headers=headers)

    assert answer.json()["choices"][0]["message"]["content"] == "four /v1/completions 17"


def test_only_the_outer_model_counts(http: httpx.Client) -> None:
    """A `model` deeper in the body is the model server's business."""
    answer = http.post("/v1/responses", json={"tools": {"model": "Qwen/Qwen3-8B"}, "model": "four"})

    assert answer.json()["model"] == "four"
    assert answer.json()["choices"][0]["message"]["content"].startswith("four /v1/responses ")


def test_a_large_body_is_routed_or_refused(http: httpx.Client) -> None:
    """What a picker takes in one message is routed by its model; what is larger is told where it belongs."""
    routed = http.post("/v1/completions", json={"model": "four", "prompt": "x" * HELD})
    refused = http.post("/v1/completions", json={"model": "four", "prompt": "x" * PARTS})

    assert (routed.status_code, routed.json()["model"]) == (200, "four")
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")


def test_a_models_own_path_takes_any_body(running: Gateway, http: httpx.Client) -> None:
    """Below the path nothing is held and nothing is read: any size, any type, and the path is cut off."""
    before = running.asked()
    answer = http.post("/four/v1/audio/transcriptions", content=b"x" * PARTS)

    assert answer.json()["choices"][0]["message"]["content"] == f"four /v1/audio/transcriptions {PARTS}"
    assert http.get("/eight/v1/models").json() == {"server": "eight", "path": "/v1/models"}
    assert {key: value - before[key] for key, value in running.asked().items()} == {"eight": 1, "four": 1, "qwen": 0}


def test_what_envoy_answers_without_a_route_does_not_hang(http: httpx.Client) -> None:
    """An escaped slash is redirected at once, as it was not while every answer passed the picker's filter."""
    answer = http.get("/eight/v1/a%2Fb")

    assert (answer.status_code, answer.headers["location"]) == (307, "/eight/v1/a/b")


def test_any_other_path_says_what_there_is(http: httpx.Client) -> None:
    """A path of no model gets a 404 that lists the paths."""
    answer = http.get("/seven/v1/models")
    error: dict[str, Any] = answer.json()["error"]

    assert answer.status_code == 404
    assert error["message"].endswith("these one each: /eight, /four, /qwen")


def test_a_client_cannot_choose_the_pod(running: Gateway, http: httpx.Client) -> None:
    """The header in which the picker names the pod is taken off what clients send, by name as by path."""
    elsewhere = {"x-gateway-destination-endpoint": running.pickers["eight"].destination}
    by_name = http.post("/v1/completions", json={"model": "four"}, headers=elsewhere)
    by_path = http.post("/four/v1/completions", json={"model": "four"}, headers=elsewhere)

    said = [answer.json()["choices"][0]["message"]["content"] for answer in (by_name, by_path)]
    assert [text.partition(" ")[0] for text in said] == ["four", "four"]
