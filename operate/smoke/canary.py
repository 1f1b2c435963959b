"""Whether two versions of a model share its requests as the config says: by who answers them."""

from collections.abc import Iterator
from dataclasses import replace

from operate.smoke.chance import LEVEL, at_least, at_most
from operate.smoke.site import Site
from operate.smoke.traffic import Client
from operate.verify.rows import Row, failed, passed

__all__ = ["check_canaries"]

_REQUESTS, _CONCURRENCY = 200, 8
_HINT = "which pickers does the route ask, and with which weights?"


def check_canaries(site: Site) -> Iterator[Row]:
    """Below the model's path and by its name, the canary answers its share and the model the rest."""
    for model, plan in sorted(site.stage.plan.models.items()):
        canary = plan.route.canary
        if canary is None:
            continue
        below = site.client(model)
        by_name = replace(below, base_url=below.base_url.removesuffix(plan.route.path.rstrip("/")))
        for way, client in (("by path", below), ("by name", by_name)):
            count, others = _answered(site, client, model, canary.model)
            chance = _chance(count, canary.weight / 100)
            seen = (
                f"{way}: {count} of {_REQUESTS} answered by {canary.model}, whose weight is {canary.weight} %"
                f" (p {chance:.1e}), {others} by nobody of the two"
            )
            if chance < LEVEL or others:
                yield failed("canary", model, seen, _HINT)
            else:
                yield passed("canary", model, seen)


def _answered(site: Site, client: Client, model: str, canary: str) -> tuple[int, int]:
    """Requests that the canary's pods answered, and those that neither version did."""
    requests = [client.chat_body(f"Which version are you? {number}", 2) for number in range(_REQUESTS)]
    by = [
        site.simulators.running[answer.pod].model if answer.ok else "" for answer in client.all(requests, _CONCURRENCY)
    ]
    return by.count(canary), _REQUESTS - by.count(canary) - by.count(model)


def _chance(count: int, share: float) -> float:
    """How likely the share is to give as many, or fewer; or as many, or more: the less likely of the two."""
    return min(at_least(count, _REQUESTS, share), at_most(count, _REQUESTS, share))
