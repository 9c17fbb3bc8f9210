"""The pipeline of a gateway with all of its parts and no socket: canned answers, a Redis that lets everything in.

For what has to be counted exactly, and for times that are the gateway's own. The clocks stand still.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.builders import Customer, make_project, make_route, make_target, make_upstream
from havuz_contract.money import NANOS_PER_UNIT
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Billing, Price, Snapshot
from havuz_gateway.config.view import View
from havuz_gateway.metering.link import Calls, Sink
from havuz_gateway.metering.redis_meter import RedisMeter
from havuz_gateway.metering.scripts import SETTLE
from havuz_gateway.parts import Parts
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.settings import Settings
from havuz_gateway.surfaces.openai.chat import chat
from havuz_gateway.transport.base import Transport, UpstreamRequest, UpstreamResponse
from havuz_gateway.transport.http1.exchange import Exchange

NOW = 1_790_000_000.0
_PATH = "/v1/chat/completions"
_ADMITTED = [b"ok", b"0", b"0", 0, 0, 0, 0, 0, 0]
_SETTLED = [b"settled", b"0", b"0"]
_PROMPT = "Tell me, in a few words and without any hurry, what a gateway is good for. " * 10
_TEXT = "The quick brown fox jumps over the lazy dog while the band plays on. " * 12


class Obliging(Calls):
    """Answers every script of the meter at the end of the loop's turn, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.tried.set()
        self.calls = 0
        self._settle = SETTLE.head(10, 16)
        self._waiting: list[tuple[Sink, list[Any]]] = []

    @property
    def up(self) -> bool:
        """Always."""
        return True

    def submit(self, command: bytes, sink: Sink) -> None:
        """Answer soon."""
        self.calls += 1
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        self._waiting.append((sink, _SETTLED if command.startswith(self._settle) else _ADMITTED))

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for sink, reply in waiting:
            sink(reply)

    async def run(self) -> None:
        """There is nothing to connect to."""


class _Line:
    """A connection that nothing has to be told."""

    def resume(self) -> None:
        """Nothing was paused."""

    def cut(self) -> None:
        """Nothing is open."""

    def linger(self) -> None:
        """Nothing is left."""


class Canned:
    """A provider that answers in the next turn of the loop with these pieces."""

    def __init__(self, content_type: str, pieces: Sequence[bytes]) -> None:
        self._headers = {"content-type": content_type}
        self._pieces = pieces

    async def send(self, request: UpstreamRequest, *, traced: bool = False) -> UpstreamResponse:
        """Answer 200."""
        await asyncio.sleep(0)
        return _Canned(self._headers, self._pieces)

    async def close(self) -> None:
        """Nothing is open."""


class _Canned(Exchange):
    """An answer whose pieces come one by one, as from a socket that is read for each."""

    def __init__(self, headers: Mapping[str, str], pieces: Sequence[bytes]) -> None:
        super().__init__(_Line())
        self.open(200, headers)
        self._coming = iter(pieces)

    def chunks(self) -> AsyncIterator[bytes]:
        """One piece at a time."""
        return self

    async def __anext__(self) -> bytes:
        for piece in self._coming:
            return piece
        raise StopAsyncIteration


class Taken:
    """A client that takes everything at once; what it was told is kept."""

    def __init__(self) -> None:
        self.accounted = False
        self.whole = False
        self.started = False
        self.status = 0
        self.body = b""

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """A stream begins."""
        self.started, self.status = True, status

    async def write(self, data: bytes) -> None:
        """A piece of it."""
        self.body += data

    async def end(self) -> None:
        """Its end."""

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole answer."""
        self.started, self.status, self.body = True, status, body


class Socketless:
    """One route over four upstreams, asked by a customer. `events` None: whole answers, else streams of so many."""

    def __init__(self, *, events: int | None = None, paying: bool = False) -> None:
        self.redis = Obliging()
        upstreams = [make_upstream("http://127.0.0.1:9/v1") for _ in range(4)]
        price = Price(unit="USD", input=NANOS_PER_UNIT, output=4 * NANOS_PER_UNIT)
        route = make_route(make_target(*upstreams), prices=(price,))
        billing = Billing(unit="USD", plan="Prepaid") if paying else Billing()
        self.customer: Customer = make_project(billing=billing)
        snapshot = Snapshot(
            upstreams={one.uid: one for one in upstreams},
            routes={route.uid: route},
            projects={self.customer.project.uid: self.customer.project},
        )
        parts = Parts(Settings(redis_url="redis://127.0.0.1:9", encryption_keys=Keyring.generate()))
        vars(parts)["http"] = _provider(events)
        parts.holder.swap(View(snapshot, 1))
        meter = RedisMeter(self.redis, owner="socketless", wall=_now)
        self._services = replace(parts.services, meter=meter, wall=_now, now=_now, rng=random.Random(1))
        self._body = _asked(route.model, stream=events is not None)

    async def ask(self) -> Taken:
        """One request, answered."""
        client = Taken()
        headers = {"content-type": "application/json", "user-agent": "harness", "content-length": str(len(self._body))}
        request = Request("req_0", "POST", _PATH, "localhost", headers, {}, self._body, template=_PATH)
        await chat(request, client, credential=self.customer.live, services=self._services)
        return client


def _now() -> float:
    return NOW


def _provider(events: int | None) -> Transport:
    if events is None:
        return Canned("application/json", [_answer()])
    deltas = [_event({"content": "one more token "}, None)] * events
    last = _event({}, "stop") + b"data: [DONE]\n\n"
    return Canned("text/event-stream", [_event({"role": "assistant", "content": ""}, None), *deltas, last])


def _asked(model: str, *, stream: bool) -> bytes:
    messages = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": _PROMPT}]
    members = {"model": model, "messages": messages, "temperature": 0.5, "max_tokens": 256, "stream": stream}
    return json.dumps(members).encode()


def _answer() -> bytes:
    message = {"role": "assistant", "content": _TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 180, "completion_tokens": 190, "total_tokens": 370}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000,
                       "model": "upstream-model", "choices": [choice], "usage": usage}).encode()  # fmt: skip


def _event(delta: Mapping[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
             "model": "upstream-model", "choices": [choice]}  # fmt: skip
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
