"""The provider of every target: answers at once, or streams at a set pace, and does as little else as it can.

It speaks Chat Completions, and Messages under `/v1/messages`. The prompt says how to stream: `pace=20 events=100` is
a hundred events, 20 ms apart; `pace=0` is as fast as they are read.

`python -m bench.provider PORT [TLS_PORT PEM]`: PEM is a file with the certificate and its key.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Sequence
from typing import NamedTuple, cast

import uvloop

from bench import messages
from bench.stamps import PLACE, stamp

_TEXT = "The quick brown fox jumps over the lazy dog while the band plays on. " * 12  # an answer of about 1.2 KB
_HOW = re.compile(rb"pace=(\d+) events=(\d+) ")
_TICK_SECONDS = 0.001
_BATCH = 16  # events of a flood that are written together


def answer() -> bytes:
    """A chat completion as a provider sends it, with its HTTP head."""
    body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "upstream-model",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": _TEXT, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 180, "completion_tokens": 190, "total_tokens": 370},
        }
    ).encode()
    return _whole(body)


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "upstream-model",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
)


class Spoken(NamedTuple):
    """What is said in one protocol: a whole answer, and the start, each piece and the end of a stream."""

    answer: bytes
    first: bytes
    before: bytes  # the stamp goes between these two
    after: bytes
    last: bytes

    def delta(self) -> bytes:
        """A piece of text that is written now."""
        return self.before + stamp() + self.after


def _spoken(whole: bytes, first: bytes, delta: bytes, last: bytes) -> Spoken:
    before, _, after = _chunked(delta).partition(PLACE)
    return Spoken(_whole(whole), _HEAD + _chunked(first), before, after, _chunked(last) + b"0\r\n\r\n")


_CHAT = _spoken(
    answer().partition(b"\r\n\r\n")[2],
    _event({"role": "assistant", "content": ""}, None),
    _event({"content": f"{PLACE.decode()} or so "}, None),
    _event({}, "stop") + b"data: [DONE]\n\n",
)
_MESSAGES = _spoken(messages.answer(_TEXT), messages.FIRST, messages.delta(f"{PLACE.decode()} or so "), messages.LAST)


class Wheel:
    """Writes to every stream of one pace in its turn: one timer for all, and the streams spread over the pace."""

    def __init__(self, pace: int) -> None:
        self._turns: list[dict[Provider, None]] = [{} for _ in range(pace)]
        self._next = 0  # the turn at which the next stream begins
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._done = 0  # turns so far
        self._loop.call_later(_TICK_SECONDS, self._tick)

    def join(self, stream: "Provider") -> dict["Provider", None]:
        """Begin; the turn that it leaves when it ends."""
        self._next = (self._next + 1) % len(self._turns)
        self._turns[self._next][stream] = None
        return self._turns[self._next]

    def _tick(self) -> None:
        due = int((self._loop.time() - self._begun) / _TICK_SECONDS)
        while self._done < due:
            for stream in list(self._turns[self._done % len(self._turns)]):
                stream.say()
            self._done += 1
        self._loop.call_later(_TICK_SECONDS, self._tick)


class Provider(asyncio.Protocol):
    """One connection. Reads requests with a Content-Length, one after the other."""

    def __init__(self, wheels: dict[int, Wheel]) -> None:
        self._wheels = wheels
        self._buffer = b""
        self._left = 0
        self._spoken = _CHAT
        self._full = False
        self._turn: dict[Provider, None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, _: Exception | None) -> None:
        """Stop a stream that nobody reads."""
        self._left = 0
        self._stop()

    def pause_writing(self) -> None:
        """A flood waits until it is read."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on with a flood."""
        self._full = False
        if self._left and self._turn is None:
            self._flood()

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._buffer = b""
        self._spoken = _MESSAGES if head.startswith(b"POST /v1/messages") else _CHAT
        if b'"stream": true' in body or b'"stream":true' in body:
            self._begin(body)
        else:
            self._transport.write(self._spoken.answer)

    def _begin(self, body: bytes) -> None:
        how = _HOW.search(body)
        pace, self._left = (int(how[1]), int(how[2])) if how else (20, 100)
        self._transport.write(self._spoken.first)
        if not pace:
            self._flood()
            return
        if pace not in self._wheels:
            self._wheels[pace] = Wheel(pace)
        self._turn = self._wheels[pace].join(self)

    def say(self) -> None:
        """Write the next event, or the end."""
        if self._left:
            self._left -= 1
            self._transport.write(self._spoken.delta())
        else:
            self._stop()
            self._transport.write(self._spoken.last)

    def _flood(self) -> None:
        if not self._left or self._full:
            return
        count = min(_BATCH, self._left)
        self._left -= count
        self._transport.write(self._spoken.delta() * count)
        if not self._left:
            self._transport.write(self._spoken.last)
        elif not self._full:
            self._loop.call_soon(self._flood)

    def _stop(self) -> None:
        if self._turn is not None:
            self._turn.pop(self, None)
            self._turn = None


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"content-length:")
    return int(lower[start + 15 :].partition(b"\r\n")[0]) if start >= 0 else 0


async def _serve(arguments: Sequence[str]) -> None:
    loop, wheels = asyncio.get_running_loop(), dict[int, Wheel]()
    await loop.create_server(lambda: Provider(wheels), "127.0.0.1", int(arguments[0]), backlog=4096)
    if len(arguments) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments[2])
        await loop.create_server(lambda: Provider(wheels), "127.0.0.1", int(arguments[1]), ssl=context, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1:]))
