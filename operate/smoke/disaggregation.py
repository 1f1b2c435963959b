"""Whether a request goes through both roles: its prompt to a prefill server, its answer from a decode server.

Nothing of it shows to a client: where the picker names no prefill server, or prefill's answer is of no use to decode,
the decode server computes the prompt itself and answers 200. So the requests are written down before the engines of
both roles (`wiring`), and what one hands to the other is looked for in them.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engines import KvProtocol, KvTransfer
from naming import PREFILL_ROLE
from operate.smoke.processes import wait_until
from operate.smoke.site import Site
from operate.smoke.traffic import Answer
from operate.smoke.wiring import RECORD_HEADER
from operate.verify.rows import Row, failed, passed

__all__ = ["Recorded", "check_disaggregation", "fault_of", "finished_requests", "recorded"]

_WORDS = (1, 400)
"""Lengths of the prompts: no line's profiles have a threshold below which prefill is skipped."""
_TOKENS = 3
_SECONDS, _REST_SECONDS, _POLL_SECONDS = 10.0, 0.3, 0.05
_HEADER = "x-prefiller-host-port"
_FINISHED = re.compile(r"^vllm:request_success_total\{.*\} (\S+)$", re.MULTILINE)
_HINT = "the picker's profile for prefill, the role labels and the sidecar's connector have to go together"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A request as an engine got it."""

    pod: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """By which the two halves of a request are known."""
        return str(self.body["messages"][0]["content"])


def recorded(folder: Path) -> list[Recorded]:
    """What was written down in a folder, by the name of the file: the pod's, `_` and a number."""
    found = [_parse(file) for file in sorted(folder.glob("*.json"))]
    return [record for record in found if record is not None]


def _parse(file: Path) -> Recorded | None:
    """None of a file that is still being written, and of a request that was cut off before its body came."""
    try:
        request = json.loads(file.read_text())["http_buffered_trace"]["request"]
        body = json.loads(request["body"]["as_string"])
    except (json.JSONDecodeError, KeyError):
        return None
    headers = {item["key"]: item["value"] for item in request["headers"]}
    return Recorded(pod=file.stem.rpartition("_")[0], headers=headers, body=body)


def finished_requests(page: str) -> int:
    """How many requests a simulated engine has answered, by its own count."""
    return sum(int(float(value)) for value in _FINISHED.findall(page))


def check_disaggregation(site: Site) -> Iterator[Row]:
    """Of some requests, short and long, whole and streamed: each is prefilled once, and its cache handed over."""
    for model, plan in sorted(site.stage.plan.models.items()):
        transfer = plan.service.engine.kv_transfer
        if plan.service.prefill is None or not isinstance(transfer, KvTransfer):
            continue
        yield _judged(model, _Run(site, model, transfer))


@dataclass(frozen=True)
class _Run:
    """Some requests to one model."""

    site: Site
    model: str
    transfer: KvTransfer

    def prefill_servers(self) -> dict[str, str]:
        """Pods by address and port, as the picker names them."""
        running = self.site.simulators.running.values()
        found = [item for item in running if item.model == self.model and item.role == PREFILL_ROLE]
        return {f"{item.address}:{item.port}": item.pod for item in found}

    def settled(self) -> int:
        """Requests that prefill servers have answered, by their own count, once it rises no more.

        SGLang's are asked at the same time as decode, and may be behind it.
        """
        counts: list[int] = []

        def rests() -> bool:
            pages = [self.site.simulators.page(pod) for pod in self.prefill_servers().values()]
            counts.append(sum(map(finished_requests, pages)))
            time.sleep(_REST_SECONDS)
            return counts[-2:-1] == counts[-1:]

        wait_until(rests, _SECONDS, lambda: "prefill servers never come to rest")
        return counts[-1]

    def send(self) -> list[Answer]:
        """Requests that ask to be written down, one after the other."""
        client = replace(self.site.client(self.model), headers={RECORD_HEADER: self.model})
        kinds = [(words, stream) for words in _WORDS for stream in (False, True)]
        return [
            client.chat(f"{number} " + "word " * words, _TOKENS, stream=stream)
            for number, (words, stream) in enumerate(kinds)
        ]


def _judged(model: str, run: _Run) -> Row:
    for file in run.site.simulators.records.glob("*"):
        file.unlink()
    before = run.settled()
    answers = run.send()
    lost = [answer for answer in answers if not answer.ok]
    if lost:
        return failed("prefill/decode", model, f"HTTP {lost[0].status}: {lost[0].text[:200]}", _HINT)
    strangers = {answer.pod for answer in answers} - {item.pod for item in run.site.answering(model)}
    if strangers:
        return failed("prefill/decode", model, f"answered by {', '.join(sorted(strangers))}, no decode server", _HINT)
    servers, count = run.prefill_servers(), len(answers)
    moved, records = run.settled() - before, _at_decode(run, count)
    for record in records:
        if fault := fault_of(record, run.transfer, servers, _at_prefill(run, record)):
            return failed("prefill/decode", model, fault, _HINT)
    if moved != count:
        return failed("prefill/decode", model, f"{count} requests, and prefill servers answered {moved}", _HINT)
    used = len({record.headers[_HEADER] for record in records})
    seen = (
        f"{count} requests, short and long, whole and streamed: each prefilled by one of {used} prefill servers,"
        f" answered by a decode server, caches handed over by {run.transfer.protocol}"
    )
    return passed("prefill/decode", model, seen)


def _at_decode(run: _Run, count: int) -> list[Recorded]:
    """What reached the engines behind sidecars: written down once each request is answered."""
    answering = {item.pod for item in run.site.answering(run.model)}

    def found() -> list[Recorded]:
        return [record for record in recorded(run.site.simulators.records) if record.pod in answering]

    wait_until(lambda: len(found()) >= count, _SECONDS, lambda: f"{len(found())} of {count} requests reached an engine")
    return found()


def _at_prefill(run: _Run, other: Recorded) -> list[Recorded]:
    """What reached prefill servers of the request whose other half reached a decode server."""
    pods = set(run.prefill_servers().values())
    deadline = time.monotonic() + _REST_SECONDS
    while True:
        records = recorded(run.site.simulators.records)
        found = [record for record in records if record.pod in pods and record.prompt == other.prompt]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(_POLL_SECONDS)


def fault_of(
    decode: Recorded, transfer: KvTransfer, servers: Mapping[str, str], prefill: Sequence[Recorded]
) -> str | None:
    """What is wrong with a request by what reached both engines; pure.

    Args:
        decode: As the engine of the decode server got it.
        transfer: How its engine moves caches.
        servers: Pods of the prefill servers by address and port.
        prefill: As prefill servers got it.
    """
    named = decode.headers.get(_HEADER)
    if named is None:
        return f"the picker named no prefill server: there is no header {_HEADER}"
    if named not in servers:
        return f"the picker named {named} for prefill, where none of its {len(servers)} prefill servers is"
    pods = [record.pod for record in prefill]
    if pods != [servers[named]]:
        return f"the picker named {servers[named]} for prefill, and {' and '.join(pods) or 'none'} got the request"
    missing = [
        f"{record.pod} got no {key}"
        for record in (prefill[0], decode)
        for key in _TOLD[transfer.protocol]
        if not record.body.get(key)
    ]
    if missing:
        others = sorted({key for protocol, keys in _TOLD.items() for key in keys if protocol is not transfer.protocol})
        instead = [key for key in others if key in prefill[0].body]
        got = f", but {', '.join(instead)}" if instead else ""
        return f"{missing[0]}{got}: the sidecar does not speak {transfer.protocol}, as its engine does"
    return _HAND_OVERS[transfer.protocol](decode.body, prefill[0].body, named, transfer)


def _by_nixl(decode: Mapping[str, Any], prefill: Mapping[str, Any], _named: str, _transfer: KvTransfer) -> str | None:
    """One token is asked of prefill, which keeps its blocks and says where; decode is told what it said."""
    asked, told = prefill["kv_transfer_params"], decode["kv_transfer_params"]
    if asked.get("do_remote_decode") is not True or prefill.get("max_tokens") != 1:
        return f"prefill was asked for {prefill.get('max_tokens')} tokens, with kv_transfer_params {asked}"
    if told.get("do_remote_prefill") is not True or not told.get("remote_block_ids"):
        return f"decode was not told where prefill's blocks are: kv_transfer_params {told}"
    return None


def _by_bootstrap(
    decode: Mapping[str, Any], prefill: Mapping[str, Any], named: str, transfer: KvTransfer
) -> str | None:
    """Both are told one room at the prefill server's own bootstrap server."""
    met = [tuple(body[key] for key in _TOLD[KvProtocol.SGLANG]) for body in (prefill, decode)]
    address = (named.rpartition(":")[0], transfer.port)
    if met[0] != met[1]:
        return f"prefill waits for decode at {met[0]}, and decode looks at {met[1]}"
    if met[0][:2] != address:
        return f"both meet at {met[0][0]}:{met[0][1]}, and the prefill server is at {address[0]}:{address[1]}"
    return None


_TOLD: Mapping[KvProtocol, tuple[str, ...]] = MappingProxyType(
    {
        KvProtocol.NIXL: ("kv_transfer_params",),
        KvProtocol.SGLANG: ("bootstrap_host", "bootstrap_port", "bootstrap_room"),
    }
)
"""What the sidecar adds to a request's body."""

_HAND_OVERS: Mapping[KvProtocol, Callable[[Mapping[str, Any], Mapping[str, Any], str, KvTransfer], str | None]] = (
    MappingProxyType({KvProtocol.NIXL: _by_nixl, KvProtocol.SGLANG: _by_bootstrap})
)
