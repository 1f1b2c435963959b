"""Requests through the gateway, by the API server's proxy to its Service: all that verify does to a cluster."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from operate.errors import OperateError
from operate.verify.figures import PoolFigures
from operate.verify.objects import StackObjects
from operate.verify.picker_checks import not_told, picker_figures
from operate.verify.rows import Row, failed, not_asked, passed

__all__ = ["check_figures", "check_requests"]

_CONCURRENCY = 12
_TOKENS = 64
_WORDS = 300
_FIGURES_SECONDS = 20.0
_POLL_SECONDS = 0.2
_ELSEWHERE = "the provider makes the address up: it is in the Gateway's status"


def check_requests(objects: StackObjects) -> Iterator[Row]:
    """Each model answers a chat completion through the gateway, by its path and by its name at the one base URL."""
    if objects.plan.provider.service is None:
        yield not_asked("request", objects.plan.provider.name, _ELSEWHERE)
        return
    yield from _by_path(objects)
    if objects.plan.gateway.routes_by_body:
        yield from _by_name(objects)


def _by_path(objects: StackObjects) -> Iterator[Row]:
    for model in sorted(objects.plan.models):
        started = time.monotonic()
        answer = _ask(objects, model, _chat(objects, model, "Say hello.", 8))
        seconds = time.monotonic() - started
        path = objects.model(model).route.path
        if answer == (200, ""):
            yield passed("request", model, f"200 at {path}/v1/chat/completions in {seconds:.2f} s")
        else:
            status, text = answer
            hint = "500, 503: the gateway cannot reach the picker (TLS, NetworkPolicy); 404: route or model name"
            yield failed("request", model, f"HTTP {status} at {path}/v1/chat/completions: {text}", hint)


def _by_name(objects: StackObjects) -> Iterator[Row]:
    """The gateway lists every model, and a request that names one reaches it."""
    names = objects.plan.gateway.served_names
    answer = objects.cluster.service(objects.plan.namespace, _service(objects), "/v1/models")
    listed = sorted(item["id"] for item in answer.json()["data"]) if answer.is_success else []
    if listed == names:
        yield passed("models", "gateway", f"/v1/models lists {', '.join(listed)}")
    else:
        fault = f"HTTP {answer.status_code} at /v1/models: {answer.text[:300]}"
        yield failed(
            "models", "gateway", fault, f"it should list {', '.join(names)}: the gateway's config is an old one"
        )
    for model in sorted(objects.plan.models):
        body = _chat(objects, model, "Say hello.", 8)
        answer = objects.cluster.service(objects.plan.namespace, _service(objects), "/v1/chat/completions", body)
        if answer.is_success:
            yield passed("base URL", model, f"200 at /v1/chat/completions for {body['model']}")
        else:
            fault = f"HTTP {answer.status_code} for {body['model']}: {answer.text[:300]}"
            yield failed("base URL", model, fault, "400, 404: the model in the body was not read or has no route")


def _service(objects: StackObjects) -> str:
    """As the API server's proxy takes it: `name:port`, with the scheme before it where the port speaks TLS."""
    gateway = objects.plan.gateway
    scheme = "" if gateway.tls_secret is None else "https:"
    return f"{scheme}{objects.plan.provider.service}:{gateway.port}"


def _chat(objects: StackObjects, model: str, text: str, tokens: int) -> dict[str, Any]:
    name = objects.model(model).service.served_name
    return {"model": name, "messages": [{"role": "user", "content": text}], "max_tokens": tokens, "ignore_eos": True}


def _ask(objects: StackObjects, model: str, body: dict[str, Any]) -> tuple[int, str]:
    """Status, and the text of anything but success."""
    plan = objects.plan
    url = f"{objects.model(model).route.path.rstrip('/')}/v1/chat/completions"
    answer = objects.cluster.service(plan.namespace, _service(objects), url, body)
    return answer.status_code, "" if answer.is_success else answer.text[:300]


def check_figures(objects: StackObjects, wait: Callable[[str], None]) -> Iterator[Row]:
    """Under load each picker reads figures that are not zero; `wait` is told what is waited for."""
    for model in sorted(objects.plan.models):
        if (row := not_told("figures", objects, model)) is not None:
            yield row
            continue
        idle = picker_figures(objects, model)
        if idle is None:
            yield failed("figures", model, "the picker does not tell its figures", "see the check of its pods")
            continue
        with _load(objects, model):
            busy = _first_move(objects, model, wait)
        if busy.kv_cache and busy.kv_cache != idle.kv_cache:
            yield passed("figures", model, f"idle: {idle.text}; under {_CONCURRENCY} requests: {busy.text}")
        else:
            fault = f"under {_CONCURRENCY} requests the picker reads {busy.text}: its load scorers are blind"
            yield failed("figures", model, fault, "see the check of the metric map")


def _first_move(objects: StackObjects, model: str, wait: Callable[[str], None]) -> PoolFigures:
    """The figures once KV cache is in use; the last ones where it never is."""
    deadline = time.monotonic() + _FIGURES_SECONDS
    while True:
        figures = picker_figures(objects, model) or PoolFigures(ready_pods=None, queue=None, kv_cache=None)
        if figures.kv_cache or time.monotonic() > deadline:
            return figures
        wait(f"figures of {model}: {figures.text}")
        time.sleep(_POLL_SECONDS)


@contextmanager
def _load(objects: StackObjects, model: str) -> Iterator[None]:
    """Requests without a pause, from several threads."""
    stop = threading.Event()

    def run(number: int) -> None:
        while not stop.is_set():
            text = f"{number} {time.monotonic()} " + "word " * _WORDS
            try:
                _ask(objects, model, _chat(objects, model, text, _TOKENS))
            except OperateError:
                return

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(_CONCURRENCY)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
