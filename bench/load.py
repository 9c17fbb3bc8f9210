"""The client of a bench: keep-alive connections that each send the next request when the last one is answered."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import cast

_PROMPT = "Tell me, in a few words and without any hurry, what a gateway is good for. " * 10  # about 900 bytes


@dataclass(slots=True)
class Tally:
    """What one run saw. Times in seconds."""

    requests: int = 0
    events: int = 0
    failures: int = 0
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)


def quantile(values: list[float], share: float) -> float:
    """A value that `share` of them do not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def request(host: str, *, key: str, model: str, stream: bool) -> bytes:
    """A chat request as an SDK would send it, head and body."""
    body = json.dumps(
        {
            "model": model,
            "messages": [
                {"role": "system", "content": "You are brief."},
                {"role": "user", "content": _PROMPT},
            ],
            "temperature": 0.5,
            "max_tokens": 256,
            "stream": stream,
        }
    ).encode()
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: bench\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, payload: bytes, tally: Tally, until: float) -> None:
        self._payload = payload
        self._tally = tally
        self._until = until
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._left = -1  # bytes of the body to come; -1: the head is not read yet, -2: chunked
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._tally.failures += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._left == -1:
            if not self._head:
                self._tally.first_bytes.append(time.perf_counter() - self._sent)
            self._head += data
            head, separator, data = self._head.partition(b"\r\n\r\n")
            if not separator:
                return
            self._begin(head)
        if self._left == -2:
            self._tally.events += data.count(b"data: ")
            self._tail = (self._tail + data)[-5:]
            if self._tail == b"0\r\n\r\n":
                self._finish()
            return
        self._left -= len(data)
        if self._left <= 0:
            self._finish()

    def _begin(self, head: bytes) -> None:
        lower = head.lower()
        if not lower.startswith(b"http/1.1 200"):
            self._tally.failures += 1
        start = lower.find(b"content-length:")
        self._left = int(lower[start + 15 :].partition(b"\r\n")[0]) if start >= 0 else -2

    def _finish(self) -> None:
        now = time.perf_counter()
        self._tally.requests += 1
        self._tally.latencies.append(now - self._sent)
        self._reset()
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._payload)


async def run(port: int, payload: bytes, *, connections: int, seconds: float) -> Tally:
    """Send `payload` over and over for `seconds`; requests under way then are still waited for."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    until = time.perf_counter() + seconds
    opened = [
        await loop.create_connection(lambda: _Connection(payload, tally, until), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in opened)), seconds + 60)
    return tally
