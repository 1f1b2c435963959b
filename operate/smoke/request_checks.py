"""What a client may expect of every model: answers of each kind, a plain refusal, and nothing lost under load."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from operate.smoke.site import Site
from operate.smoke.traffic import Answer, Client
from operate.verify.rows import Row, failed, passed

__all__ = ["check_adapters", "check_answers", "check_losses", "check_unknown_model"]

_COUNT, _CONCURRENCY, _TOKENS = 200, 16, 8
_UNKNOWN = "no-such-model"
_LOG_HINT = "`make smoke` with --keep leaves the logs of gateway, pickers and engines"


def check_answers(site: Site) -> Iterator[Row]:
    """Chat and text completions, whole and streamed, are answered 200."""
    for model in sorted(site.stage.plan.models):
        client = site.client(model)
        _, chat = client.chat_body("Say hello.", 8)
        text = {"model": client.served_name, "prompt": "Say hello.", "max_tokens": 8}
        for check, path, body in (
            ("chat", "/v1/chat/completions", chat),
            ("completion", "/v1/completions", text),
            ("streaming", "/v1/chat/completions", chat | {"stream": True}),
        ):
            answer = client.post(path, body)
            events = answer.text.count("data: ")
            complete = events > 1 and "data: [DONE]" in answer.text if check == "streaming" else True
            if answer.ok and complete and answer.pod in site.simulators.running:
                seen = f"200 by {answer.pod}" + (f", {events} events" if check == "streaming" else "")
                yield passed(check, model, seen)
            else:
                yield failed(check, model, f"HTTP {answer.status} at {path}: {answer.text[:200]}", _LOG_HINT)


def check_adapters(site: Site) -> Iterator[Row]:
    """Each LoRA adapter is reached by its name at the gateway's base URL, where it is listed too."""
    for model, plan in sorted(site.stage.plan.models.items()):
        below = site.client(model)
        base = replace(below, base_url=below.base_url.removesuffix(plan.route.path.rstrip("/")))
        for name in plan.service.adapter_names:
            answer = replace(base, served_name=name).chat("Say hello.", 8)
            listed = base.get(f"/v1/models/{quote(name, safe='/:')}")
            is_own = site.simulators.running[answer.pod].model == model if answer.ok else False
            if is_own and listed.ok and json.loads(answer.text)["model"] == name:
                yield passed("adapters", model, f"{name}: 200 by {answer.pod}, and listed")
            else:
                fault = f"{name}: HTTP {answer.status} by {answer.pod or 'the gateway'}, listed with {listed.status}"
                yield failed("adapters", model, f"{fault}: {answer.text[:200]}", _LOG_HINT)


def check_unknown_model(site: Site) -> Iterator[Row]:
    """A model that is not there is refused as such; the table says by whom."""
    for model in sorted(site.stage.plan.models):
        client = site.client(model)
        answer = Client(base_url=client.base_url, served_name=_UNKNOWN).chat("Say hello.", 8)
        who = "the model server" if _same(answer, _directly(site, model)) else "the gateway or its picker"
        if 400 <= answer.status < 500 and _UNKNOWN in answer.text:  # noqa: PLR2004 - client errors
            yield passed("unknown model", model, f"{answer.status} by {who}")
        else:
            fault = f"HTTP {answer.status} by {who}: {answer.text[:200]}"
            yield failed("unknown model", model, fault, "a client's mistake must not look like the server's")


def _directly(site: Site, model: str) -> Answer:
    """What a model server itself says to that."""
    pod = site.answering(model)[0]
    return Client(base_url=f"http://{pod.address}:{pod.port}", served_name=_UNKNOWN).chat("Say hello.", 8)


def _same(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same; a picker writes JSON anew."""
    try:
        return one.status == other.status and bool(json.loads(one.text) == json.loads(other.text))
    except ValueError:
        return False


def check_losses(site: Site) -> Iterator[Row]:
    """Many requests at once lose none."""
    for model in sorted(site.stage.plan.models):
        client = site.client(model)
        requests = [client.chat_body(f"Question {number}.", _TOKENS) for number in range(_COUNT)]
        answers = client.all(requests, _CONCURRENCY)
        lost = [answer for answer in answers if not answer.ok]
        what = f"{_COUNT} requests at concurrency {_CONCURRENCY}"
        if lost:
            kinds = Counter(_kind(answer) for answer in lost)
            fault = f"{what}: {len(lost)} lost, {', '.join(f'{kind} ({count})' for kind, count in kinds.items())}"
            yield failed("under load", model, fault, _LOG_HINT)
        else:
            yield passed("under load", model, f"{what}: none lost, by pod {_spread(answers)}")


def _kind(answer: Answer) -> str:
    return f"HTTP {answer.status} {answer.text[:80]}"


def _spread(answers: list[Answer]) -> str:
    return "/".join(str(count) for _, count in sorted(Counter(answer.pod for answer in answers).items()))
