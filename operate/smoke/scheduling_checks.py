"""Whether the picker looks where it sends: to the pod that knows a prefix, and away from one that is busy."""

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import httpx

from operate.smoke.chance import LEVEL, at_least, at_most, trials_for_none
from operate.smoke.processes import wait_until
from operate.smoke.simulators import CAPACITY, Simulator
from operate.smoke.site import Site
from operate.smoke.traffic import Client
from operate.verify.figures import PoolFigures
from operate.verify.picker_checks import picker_figures
from operate.verify.rows import Row, failed, not_asked, passed

__all__ = ["check_load", "check_load_figures", "check_prefixes"]

_SEED = 20260101
_GROUPS, _REQUESTS = 3, 14
_PREFIX_WORDS = 400
_LONG, _BUSY_REQUESTS = 100, 6 * CAPACITY
_MARGIN = 2
"""So many times the questions of which one pod has to get none: a few may go to the busy one."""
_LOAD_SCORERS = ("kv-cache-utilization-scorer", "queue-scorer")
"""Those that know of requests which the picker has not sent itself."""
_ONE_POD = "one pod: there is nothing to choose"
_LOOKS_HINT = "which scorers has the picker's config, and do its figures move (metric map)?"


def _words(source: random.Random, count: int) -> str:
    return " ".join("".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(count))


def _blind(site: Site, model: str, pods: Sequence[Simulator], scorers: Collection[str]) -> str | None:
    """Why a picker cannot be seen to choose by these scorers: there is one pod, or its line chooses by others."""
    if len(pods) == 1:
        return _ONE_POD
    picker = site.stage.plan.models[model].picker
    roles = picker.dialect.disaggregation if picker.disaggregated else None
    profile = [name for name, weight in (roles.decode if roles else picker.dialect.scorers) if weight is not None]
    if set(profile) & set(scorers):
        return None
    return f"a decode server is chosen by {' and '.join(profile)}, not by {' or '.join(sorted(scorers))}"


def check_prefixes(site: Site) -> Iterator[Row]:
    """Requests with a long prefix in common follow the first of them, and others spread."""
    for model in sorted(site.stage.plan.models):
        pods = site.answering(model)
        if reason := _blind(site, model, pods, {site.stage.plan.release.picker.prefix_scorer}):
            yield not_asked("prefix affinity", model, reason)
            continue
        source = random.Random(_SEED)  # noqa: S311 - a stated seed is the point
        client = site.client(model)
        followed = sum(_followers(client, source) for _ in range(_GROUPS))
        spread = Counter(client.chat(_words(source, _PREFIX_WORDS), 2).pod for _ in range(_REQUESTS))
        trials = _GROUPS * (_REQUESTS - 1)
        chance = at_least(followed, trials, 1 / len(pods))
        seen = (
            f"{followed} of {trials} followed their prefix (p {chance:.1e} by chance, seed {_SEED});"
            f" {_REQUESTS} without one in common: {'/'.join(str(count) for count in spread.values())}"
        )
        if chance < LEVEL and len(spread) > 1:
            yield passed("prefix affinity", model, seen)
        else:
            yield failed("prefix affinity", model, seen, _LOOKS_HINT)


def _followers(client: Client, source: random.Random) -> int:
    """Of a group of requests with one prefix: how many went where the first went."""
    prefix = _words(source, _PREFIX_WORDS)
    pods = [client.chat(f"{prefix} {_words(source, 5)}", 2).pod for _ in range(_REQUESTS)]
    return sum(1 for pod in pods[1:] if pod and pod == pods[0])


def check_load(site: Site) -> Iterator[Row]:
    """A pod that is busy beyond its capacity gets less than the others."""
    for model in sorted(site.stage.plan.models):
        pods = site.answering(model)
        if reason := _blind(site, model, pods, _LOAD_SCORERS):
            yield not_asked("load awareness", model, reason)
            continue
        source = random.Random(_SEED)  # noqa: S311 - a stated seed is the point
        busy = pods[0]
        count = _MARGIN * trials_for_none(1 / len(pods))
        answered = asyncio.run(_with_busy(site.client(model), busy, source, count))
        to_busy = answered[busy.pod]
        chance = at_most(to_busy, count, 1 / len(pods))
        seen = f"{to_busy} of {count} to the pod with {_BUSY_REQUESTS} requests (p {chance:.1e} by chance)"
        if chance < LEVEL and sum(answered.values()) == count:
            yield passed("load awareness", model, seen)
        else:
            yield failed("load awareness", model, seen, _LOOKS_HINT)


async def _with_busy(client: Client, busy: Simulator, source: random.Random, count: int) -> Counter[str]:
    """Who answers requests without a common prefix while one pod is busy with requests that it got directly."""
    direct = Client(base_url=f"http://{busy.address}:{busy.port}", served_name=client.served_name)
    path, body = direct.chat_body("Tell me everything.", _LONG)
    async with httpx.AsyncClient(base_url=direct.base_url, timeout=60, trust_env=False) as session:
        tasks = [asyncio.create_task(session.post(path, json=body)) for _ in range(_BUSY_REQUESTS)]
        await asyncio.sleep(0.5)
        requests = [client.chat_body(_words(source, 60), 1) for _ in range(count)]
        answers = await asyncio.to_thread(client.all, requests, 4)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Counter(answer.pod for answer in answers if answer.ok)


def check_load_figures(site: Site) -> Iterator[Row]:
    """Queue and KV cache as the picker sees them rise under load and fall after it."""
    for model in sorted(site.stage.plan.models):
        idle = _figures(site, model)
        client, source = site.client(model), random.Random(_SEED)  # noqa: S311 - a stated seed is the point
        count = 4 * CAPACITY * len(site.answering(model))
        requests = [client.chat_body(_words(source, _PREFIX_WORDS), 60) for _ in range(count)]
        peak = asyncio.run(_peak(site, model, client, requests))
        seen = f"idle: {idle.text}; peak of {count} requests: {peak.text}"
        if not peak.queue or not peak.kv_cache:
            hint = "the picker reads zeros: see the check of the metric map"
            yield failed("load figures", model, f"{seen}: queue or KV cache never moves", hint)
            continue
        wait_until(lambda model=model: not _figures(site, model).queue, 10, lambda: "the queue never empties")  # type: ignore[misc]
        yield passed("load figures", model, f"{seen}; after: {_figures(site, model).text}")


async def _peak(site: Site, model: str, client: Client, requests: list[tuple[str, dict[str, object]]]) -> PoolFigures:
    """The highest figures while the requests are answered."""
    load = asyncio.create_task(asyncio.to_thread(client.all, requests, len(requests)))
    queue, kv_cache = 0.0, 0.0
    ready = None
    while not load.done():
        figures = await asyncio.to_thread(_figures, site, model)
        queue, kv_cache = max(queue, figures.queue or 0), max(kv_cache, figures.kv_cache or 0)
        ready = figures.ready_pods
        await asyncio.sleep(0.1)
    await load
    return PoolFigures(ready_pods=ready, queue=queue, kv_cache=kv_cache)


def _figures(site: Site, model: str) -> PoolFigures:
    found = picker_figures(site.objects, model)
    return found or PoolFigures(ready_pods=None, queue=None, kv_cache=None)
