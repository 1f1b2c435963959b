"""What happens to requests when a pod or a picker is lost."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from naming import ModelNames
from operate.smoke.processes import wait_until
from operate.smoke.site import Site
from operate.smoke.traffic import Answer, Client
from operate.verify.picker_checks import picker_figures
from operate.verify.rows import Row, failed, not_asked, passed

__all__ = ["check_lost_picker", "check_lost_pod"]

_WORKERS = 8
_SETTLE_SECONDS = 1.0
_WAIT_SECONDS = 20.0


@dataclass
class _Traffic:
    """Requests without a pause, each with the times it began and ended at."""

    client: Client
    sent: list[tuple[float, float, Answer]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the block runs."""
        stop = threading.Event()

        def run(number: int) -> None:
            while not stop.is_set():
                began = time.monotonic()
                answer = self.client.chat(f"{number} {began}", 4)
                self.sent.append((began, time.monotonic(), answer))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(_WORKERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def between(self, start: float, end: float) -> list[Answer]:
        """Answers to what was sent and answered in that time."""
        return [answer for began, ended, answer in self.sent if start <= began and ended <= end]


def check_lost_pod(site: Site) -> Iterator[Row]:
    """A pod killed under load gets nothing once the picker has noticed, and the pool recovers."""
    for model in sorted(site.stage.plan.models):
        pods = [item.pod for item in site.answering(model)]
        others = len(site.objects.servers(model)) - len(pods)
        if len(pods) == 1:
            yield not_asked("pod lost", model, "one pod answers: nothing is left to")
            continue
        traffic = _Traffic(site.client(model))
        with traffic.running():
            time.sleep(_SETTLE_SECONDS)
            killed = time.monotonic()
            site.lose_pod(pods[0])
            _wait_for_pods(site, model, others + len(pods) - 1)
            noticed = time.monotonic()
            time.sleep(_SETTLE_SECONDS)
            replaced = time.monotonic()
            site.replace_pod(pods[0])
            _wait_for_pods(site, model, others + len(pods))
            recovered = time.monotonic()
            time.sleep(_SETTLE_SECONDS)
        new = {item.pod for item in site.answering(model)} - set(pods)
        times = _Times(killed=killed, noticed=noticed, replaced=replaced, recovered=recovered)
        yield _judge(model, traffic, times, new)


@dataclass(frozen=True, kw_only=True)
class _Times:
    """When it happened."""

    killed: float
    noticed: float
    replaced: float
    """From here until `recovered` nothing is judged: kwok calls a new pod ready before its program can be started."""
    recovered: float


def _judge(model: str, traffic: _Traffic, times: _Times, new: set[str]) -> Row:
    end = time.monotonic()
    lost = sum(not answer.ok for began, _, answer in traffic.sent if began < times.noticed)
    after = traffic.between(times.noticed, times.replaced) + traffic.between(times.recovered, end)
    wrong = [answer for answer in after if not answer.ok]
    to_new = sum(answer.pod in new for answer in traffic.between(times.recovered, end))
    seen = (
        f"noticed after {times.noticed - times.killed:.2f} s ({lost} lost until then), later {len(wrong)} of"
        f" {len(after)} lost; {to_new} answered by the pod that took its place"
    )
    if wrong or not to_new:
        text = f"; first: HTTP {wrong[0].status} {wrong[0].text[:120]}" if wrong else ""
        return failed("pod lost", model, seen + text, "the picker keeps a pod that is not ready, or misses a new one")
    return passed("pod lost", model, seen)


def _wait_for_pods(site: Site, model: str, count: int) -> None:
    def sees() -> bool:
        figures = picker_figures(site.objects, model)
        return figures is not None and figures.ready_pods == count

    wait_until(sees, _WAIT_SECONDS, lambda: f"the picker of {model} never sees {count} pods")


def check_lost_picker(site: Site) -> Iterator[Row]:
    """While a picker is away its pool's failureMode holds, and afterwards requests are answered again."""
    for model in sorted(site.stage.plan.models):
        if site.stage.plan.models[model].route.canary is not None:
            yield not_asked("picker lost", model, "another version's picker is asked for a share of the requests")
            continue
        pool = site.objects.pool(model)
        mode = pool["spec"]["endpointPickerRef"].get("failureMode", "FailClose") if pool else "FailClose"
        client = site.client(model)
        site.stop_picker(model)
        answers = [client.chat("Is anybody there?", 2) for _ in range(5)]
        site.start_picker(model)
        wait_until(lambda client=client: client.chat("And now?", 2).ok, _WAIT_SECONDS, lambda: "no answer again")  # type: ignore[misc]
        statuses = sorted({answer.status for answer in answers})
        seen = f"{mode}: HTTP {', '.join(map(str, statuses))} while {ModelNames(model=model).picker} is away, 200 after"
        refused = all(500 <= status < 600 for status in statuses)  # noqa: PLR2004 - server errors
        if refused if mode == "FailClose" else all(answer.ok for answer in answers):
            yield passed("picker lost", model, seen)
        else:
            yield failed("picker lost", model, seen, "the gateway does not do what the pool's failureMode promises")
