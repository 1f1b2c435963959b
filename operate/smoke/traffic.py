"""Requests through the gateway as a client sends them, and who answered each."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["Answer", "Client"]

_POD_HEADER = "x-inference-pod"
"""The simulated engine says which pod it is."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    """0 where the connection broke."""
    pod: str
    """Who answered; empty where no engine did."""
    seconds: float
    text: str

    @property
    def ok(self) -> bool:
        """Whether it is an answer to the question."""
        return self.status == httpx.codes.OK


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of one model."""

    base_url: str
    """With the model's path, without `/v1`."""
    served_name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of every request."""

    def chat(self, text: str, tokens: int, **more: object) -> Answer:
        """One chat completion."""
        return asyncio.run(self._all([self.chat_body(text, tokens, **more)], 1))[0]

    def chat_body(self, text: str, tokens: int, **more: object) -> tuple[str, dict[str, Any]]:
        """Path and body of a chat completion that takes all its tokens."""
        messages = [{"role": "user", "content": text}]
        body = {"model": self.served_name, "messages": messages, "max_tokens": tokens, "ignore_eos": True, **more}
        return "/v1/chat/completions", body

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """One request."""
        return asyncio.run(self._all([(path, body)], 1))[0]

    def get(self, path: str) -> Answer:
        """One question without a body."""
        began = time.monotonic()
        response = httpx.get(f"{self.base_url}{path}", headers=self.headers, timeout=60, trust_env=False)
        seconds = time.monotonic() - began
        return Answer(status=response.status_code, pod="", seconds=seconds, text=response.text)

    def all(self, requests: Sequence[tuple[str, Mapping[str, Any]]], concurrency: int) -> list[Answer]:
        """Many requests, so many at once; answers in the order of the requests."""
        return asyncio.run(self._all(requests, concurrency))

    def at_rate(self, requests: Sequence[tuple[str, Mapping[str, Any]]], per_second: float) -> list[Answer]:
        """Many requests at a steady rate, whether or not the earlier ones are answered."""
        return asyncio.run(self._at_rate(requests, per_second))

    async def _all(self, requests: Sequence[tuple[str, Mapping[str, Any]]], concurrency: int) -> list[Answer]:
        slots = asyncio.Semaphore(concurrency)
        async with self._session(concurrency) as session:

            async def one(path: str, body: Mapping[str, Any]) -> Answer:
                async with slots:
                    return await _post(session, path, body)

            return list(await asyncio.gather(*(one(path, body) for path, body in requests)))

    async def _at_rate(self, requests: Sequence[tuple[str, Mapping[str, Any]]], per_second: float) -> list[Answer]:
        began = time.monotonic()
        async with self._session(len(requests)) as session:

            async def one(number: int, path: str, body: Mapping[str, Any]) -> Answer:
                await asyncio.sleep(began + number / per_second - time.monotonic())
                return await _post(session, path, body)

            return list(await asyncio.gather(*(one(number, *request) for number, request in enumerate(requests))))

    def _session(self, connections: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        return httpx.AsyncClient(
            base_url=self.base_url, headers=self.headers, timeout=60, trust_env=False, limits=limits
        )


async def _post(session: httpx.AsyncClient, path: str, body: Mapping[str, Any]) -> Answer:
    began = time.monotonic()
    try:
        response = await session.post(path, json=body)
    except httpx.TransportError as error:
        return Answer(status=0, pod="", seconds=time.monotonic() - began, text=repr(error))
    pod = response.headers.get(_POD_HEADER, "")
    return Answer(status=response.status_code, pod=pod, seconds=time.monotonic() - began, text=response.text)
