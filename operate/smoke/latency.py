"""What the way through gateway and picker adds to a request, at a steady rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from operate.smoke.site import Site
from operate.smoke.traffic import Answer, Client
from operate.verify.rows import Row, passed

__all__ = ["Latency", "added_latency", "latency_row", "percentile"]

_PER_SECOND, _COUNT = 50, 100


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds that requests took, directly and through the gateway."""

    direct: tuple[float, float]
    """Median and 99th percentile."""
    gateway: tuple[float, float]

    @property
    def added_milliseconds(self) -> tuple[float, float]:
        """Difference of the medians, and of the 99th percentiles."""
        return tuple(1000 * (through - direct) for through, direct in zip(self.gateway, self.direct, strict=True))  # type: ignore[return-value]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def added_latency(site: Site, model: str) -> Latency:
    """Requests at one rate, first to a pod directly, then through the gateway; each answers with one token."""
    through = site.client(model)
    pod = site.answering(model)[0]
    direct = Client(base_url=f"http://{pod.address}:{pod.port}", served_name=through.served_name)
    measured = [_measure(client) for client in (direct, through)]
    return Latency(direct=measured[0], gateway=measured[1])


def _measure(client: Client) -> tuple[float, float]:
    requests = [client.chat_body(f"Question {number}?", 1) for number in range(_COUNT)]
    answers: list[Answer] = client.at_rate(requests, _PER_SECOND)
    seconds = [answer.seconds for answer in answers if answer.ok]
    return percentile(seconds, 0.5), percentile(seconds, 0.99)


def latency_row(site: Site, model: str) -> Row:
    """For the table; a figure, and no judgement: it is this machine's."""
    latency = added_latency(site, model)
    median, highest = latency.added_milliseconds
    through = "/".join(f"{1000 * value:.1f}" for value in latency.gateway)
    direct = "/".join(f"{1000 * value:.1f}" for value in latency.direct)
    seen = (
        f"p50 {median:+.1f} ms, p99 {highest:+.1f} ms at {_PER_SECOND} requests/s"
        f" (through gateway and picker {through} ms, direct {direct} ms)"
    )
    return passed("added latency", model, seen)
