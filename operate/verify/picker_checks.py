"""Whether each picker sees its own pods and reads figures that are there and that move."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from components.endpoint_picker import CONFIG_FILE, METRICS_PORT
from naming import ModelNames
from operate.verify.asked import asked_metrics
from operate.verify.figures import PoolFigures, metric_names, pool_figures
from operate.verify.objects import StackObjects
from operate.verify.rows import NO_POD, Row, failed, not_asked, passed
from stacks.plan import ModelPlan

__all__ = ["check_metric_maps", "check_ready_pods", "not_told", "picker_figures"]

_PODS_SECONDS, _POLL_SECONDS = 8.0, 0.2
CLOSED = "the picker tells only who shows a token, which the API server's proxy does not pass on"
UNREACHED = "the API server does not reach the pod: a NetworkPolicy may keep it out"
_UNREACHED_STATUSES = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
_API_SERVERS_OWN = "Status"
"""Kind of the object that the API server answers with where it has nothing to pass on (k8s.io/apimachinery)."""


def check_metric_maps(objects: StackObjects) -> Iterator[Row]:
    """What each picker was told to read is what each of its pods tells."""
    for model in sorted(objects.plan.models):
        picker = objects.picker(model)
        servers = objects.servers(model)
        if picker is not None and not servers and _may_have_none(objects.model(model)):
            yield not_asked("metric map", model, NO_POD)
            continue
        if picker is None or not servers:
            yield failed("metric map", model, "no ready picker, or no ready model server", "see the checks of pods")
            continue
        config = objects.config_map(ModelNames(model=model).picker)
        for pod in servers[:1]:
            yield _metric_map(objects, model, picker, (config or {}).get("data", {}), pod)


def _metric_map(
    objects: StackObjects, model: str, picker: Mapping[str, Any], config: Mapping[str, str], pod: Mapping[str, Any]
) -> Row:
    plan = objects.model(model)
    label = objects.plan.release.labels.engine_type
    engine = pod["metadata"]["labels"].get(label) if label else None
    args = tuple(picker["spec"]["containers"][0]["args"])
    asked = asked_metrics(plan.picker.dialect, args, config.get(CONFIG_FILE, "{}"), engine)
    if asked is None:
        fault = "the picker is not told which metrics to read, so it reads vLLM's"
        return failed("metric map", model, fault, "the metric map is always given, in the line's dialect")
    name, port = pod["metadata"]["name"], plan.picker.target_port
    answer = objects.cluster.pod(objects.plan.namespace, name, port, asked.path)
    if _is_unreached(answer):
        return _unreached("metric map", objects, model, name, port)
    told = _told(answer)
    engine_name = plan.service.engine.name
    if told is None:
        fault = f"{asked.path} of pod {name} ({engine_name}) is no metrics page (HTTP {answer.status_code})"
        return failed("metric map", model, fault, "the metrics path of another engine")
    missing = [item for item in (asked.queued_requests, asked.kv_cache_usage) if _name(item) not in told]
    if missing:
        fault = f"the picker reads {' and '.join(missing)}, which pod {name} ({engine_name}) does not tell"
        return failed("metric map", model, fault, f"the metric map of another engine; this pod tells {_some(told)}")
    return passed(
        "metric map", model, f"{engine_name}: {asked.queued_requests}, {asked.kv_cache_usage} at {asked.path}"
    )


def _may_have_none(plan: ModelPlan) -> bool:
    """Whether a model's servers may all be scaled away."""
    return plan.autoscaler is not None and plan.autoscaler.min_replicas == 0


def _is_unreached(answer: httpx.Response) -> bool:
    """Whether the API server's proxy itself answers, for no pod did; an engine that still loads answers 503, too."""
    if answer.status_code not in _UNREACHED_STATUSES:
        return False
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("kind") == _API_SERVERS_OWN


def _unreached(check: str, objects: StackObjects, model: str, pod: str, port: int) -> Row:
    """What the API server cannot ask; `port-forward` ends inside the pod, where no NetworkPolicy applies."""
    forward = f"kubectl -n {objects.plan.namespace} port-forward pod/{pod} {port}"
    return not_asked(check, model, UNREACHED, f"`{forward}` goes past it: ask the pod's metrics at localhost:{port}")


def _name(specification: str) -> str:
    """A metric's name without the labels that a map may ask for, as in `name{label=value}`."""
    return specification.partition("{")[0]


def _told(answer: httpx.Response) -> frozenset[str] | None:
    try:
        return metric_names(answer.text) if answer.is_success else None
    except ValueError:
        return None


def _some(told: frozenset[str]) -> str:
    """The likely ones of many names."""
    likely = sorted(name for name in told if any(part in name for part in ("queue", "wait", "usage", "util")))
    return ", ".join(likely[:6]) or "none of the kind"


def check_ready_pods(objects: StackObjects) -> Iterator[Row]:
    """Each picker sees exactly the ready pods of its model, within some seconds of its start."""
    for model in sorted(objects.plan.models):
        deadline = time.monotonic() + _PODS_SECONDS
        while not (row := _ready_pods(objects, model)).ok and row.seen != CLOSED and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        yield row


def _ready_pods(objects: StackObjects, model: str) -> Row:
    own = frozenset(str(pod["metadata"]["name"]) for pod in objects.servers(model))
    if (row := not_told("picker's pods", objects, model)) is not None:
        return row
    figures = picker_figures(objects, model)
    if figures is None or figures.ready_pods is None:
        hint = "is the picker ready, and does a NetworkPolicy keep the API server from its metrics port?"
        return failed("picker's pods", model, "the picker does not tell its pods", hint)
    if strangers := sorted(figures.pods - own):
        fault = f"the picker sees {', '.join(strangers)}, no ready pods of its model"
        return failed("picker's pods", model, fault, "the pool's selector selects another model's pods")
    # A pod that serves on several ports counts once for each; by name it is one.
    seen = len(figures.pods) or figures.ready_pods
    if seen != len(own):
        fault = f"the picker sees {seen} pods, its model has {len(own)} ready ones"
        return failed("picker's pods", model, fault, "the pool's selector selects too many or too few pods")
    return passed("picker's pods", model, f"{seen} of {len(own)}")


def not_told(check: str, objects: StackObjects, model: str) -> Row | None:
    """Why a picker's figures cannot be asked for: it wants a token, as with monitoring on, or nothing gets through."""
    answer = _picker_page(objects, model)
    if answer is None:
        return None
    name, page = answer
    if page.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return not_asked(check, model, CLOSED)
    return _unreached(check, objects, model, name, METRICS_PORT) if _is_unreached(page) else None


def picker_figures(objects: StackObjects, model: str) -> PoolFigures | None:
    """What a model's picker tells of its pool; None where it cannot be asked."""
    answer = _picker_page(objects, model)
    if answer is None or not answer[1].is_success:
        return None
    return pool_figures(answer[1].text, ModelNames(model=model).pool)


def _picker_page(objects: StackObjects, model: str) -> tuple[str, httpx.Response] | None:
    """A picker pod of a model and its metrics page; None where none is ready."""
    picker = objects.picker(model)
    if picker is None:
        return None
    name = str(picker["metadata"]["name"])
    return name, objects.cluster.pod(objects.plan.namespace, name, METRICS_PORT, "/metrics")
