"""Whether a picker knows the priorities of requests: by its own count of them."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from components.endpoint_picker import METRICS_PORT
from operate.smoke.site import Site
from operate.smoke.traffic import Client
from operate.verify.rows import Row, failed, not_asked, passed

__all__ = ["check_objectives", "count_by_priority"]

_HEADER = "x-gateway-inference-objective"
_REQUESTS = 3
_COUNTER = "inference_objective_request_total"
"""Told by the pickers of both lines; that of v0.4 leaves the priority out."""


def check_objectives(site: Site) -> Iterator[Row]:
    """Requests that name an objective are answered, and counted under its priority."""
    for model, plan in sorted(site.stage.plan.models.items()):
        for name, priority in sorted(plan.picker.objectives.items()):
            before = _count(site, model, priority)
            plain = site.client(model)
            client = Client(base_url=plain.base_url, served_name=plain.served_name, headers={_HEADER: name})
            answers = [client.chat(f"Is it my turn? {number}", 2) for number in range(_REQUESTS)]
            answered = sum(answer.ok for answer in answers)
            after = _count(site, model, priority)
            seen = f"{answered} of {_REQUESTS} requests of {name} answered"
            if answered < _REQUESTS:
                yield failed("objectives", model, f"{seen}: HTTP {answers[-1].status}", "what says the picker's log?")
            elif before is None or after is None:
                yield not_asked("objectives", model, f"{seen}; this picker does not count by priority")
            elif after - before != _REQUESTS:
                fault = f"{seen}, {after - before:.0f} counted with priority {priority}"
                yield failed("objectives", model, fault, "the picker does not know the InferenceObjective")
            else:
                yield passed("objectives", model, f"{seen} with priority {priority}")


def _count(site: Site, model: str, priority: int) -> float | None:
    picker, plan = site.pickers[model], site.stage.plan
    page = site.stage.cluster.pod(plan.namespace, picker.pod, METRICS_PORT, "/metrics")
    return count_by_priority(page.text, priority)


def count_by_priority(text: str, priority: int) -> float | None:
    """Requests of a priority; `None` where requests are counted and their priority is not told."""
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == _COUNTER
    ]
    if any("priority" not in sample.labels for sample in samples):
        return None
    return sum(sample.value for sample in samples if sample.labels["priority"] == str(priority))
