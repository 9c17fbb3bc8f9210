"""The provider of every target: answers at once, or streams at a set pace, and does as little else as it can.

It speaks Chat Completions, and Messages under `/v1/messages`.

`python -m bench.provider PORT PACE EVENTS`: PACE in seconds between the events of a stream.
"""

import asyncio
import json
import sys
from typing import NamedTuple, cast

import uvloop

from bench import messages

_TEXT = "The quick brown fox jumps over the lazy dog while the band plays on. " * 12  # an answer of about 1.2 KB


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
    delta: bytes
    last: bytes


_CHAT = Spoken(
    answer(),
    _HEAD + _chunked(_event({"role": "assistant", "content": ""}, None)),
    _chunked(_event({"content": "one more token "}, None)),
    _chunked(_event({}, "stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n",
)
_MESSAGES = Spoken(
    _whole(messages.answer(_TEXT)),
    _HEAD + _chunked(messages.FIRST),
    _chunked(messages.DELTA),
    _chunked(messages.LAST) + b"0\r\n\r\n",
)


class Provider(asyncio.Protocol):
    """One connection. Reads requests with a Content-Length, one after the other."""

    def __init__(self, pace: float, events: int) -> None:
        self._pace = pace
        self._events = events
        self._buffer = b""
        self._left = 0
        self._spoken = _CHAT
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, _: Exception | None) -> None:
        """Stop a stream that nobody reads."""
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        if len(body) < _length(head):
            return
        self._buffer = b""
        self._spoken = _MESSAGES if head.startswith(b"POST /v1/messages") else _CHAT
        if b'"stream": true' in body or b'"stream":true' in body:
            self._transport.write(self._spoken.first)
            self._left = self._events
            self._next = self._loop.time() + self._pace
            self._timer = self._loop.call_at(self._next, self._tick)
        else:
            self._transport.write(self._spoken.answer)

    def _tick(self) -> None:
        if not self._left:
            self._transport.write(self._spoken.last)
            return
        self._left -= 1
        self._transport.write(self._spoken.delta)
        self._next += self._pace
        self._timer = self._loop.call_at(self._next, self._tick)


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"content-length:")
    return int(lower[start + 15 :].partition(b"\r\n")[0]) if start >= 0 else 0


async def _serve(port: int, pace: float, events: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(pace, events), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
