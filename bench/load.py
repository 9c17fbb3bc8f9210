"""The client of a bench: raw HTTP/1.1 over keep-alive connections, as little work as a request can be."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from bench.figures import Schedule

_PROMPT = "Tell me, in a few words and without any hurry, what a gateway is good for. " * 10  # about 900 bytes
_GRACE_SECONDS = 5.0  # that answers under way at the end have to arrive


@dataclass(slots=True)
class Tally:
    """What one run has seen so far. Times in seconds; `delays` are those of events since the provider wrote them."""

    answers: int = 0
    events: int = 0
    failures: int = 0
    unfinished: int = 0  # what was still under way when nobody waited any longer
    latencies: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two moments of a run; what stands below `delays` is of the whole run."""

    seconds: float
    cpu: float
    answers: int
    events: int
    latencies: Sequence[float]
    delays: Sequence[float]
    first_bytes: Sequence[float]
    failures: int
    unfinished: int
    all_answers: int
    all_events: int


class Watch:
    """Looks at a tally, and at the CPU seconds that the target has used, when a window opens and when it closes."""

    def __init__(self, tally: Tally, cpu: Callable[[], float]) -> None:
        self._tally = tally
        self._cpu = cpu
        self._opened = self._look()
        self._closed = self._opened

    def open(self) -> None:
        """Count from now on."""
        self._opened = self._look()

    def close(self) -> None:
        """Count up to now."""
        self._closed = self._look()

    def window(self) -> Window:
        """What happened in between; called when the run has ended."""
        (begun, cpu, answers, events, latencies, delays), tally = self._opened, self._tally
        ended, used, all_answers, all_events, last_latency, last_delay = self._closed
        return Window(
            seconds=ended - begun,
            cpu=used - cpu,
            answers=all_answers - answers,
            events=all_events - events,
            latencies=tally.latencies[latencies:last_latency],
            delays=tally.delays[delays:last_delay],
            first_bytes=tally.first_bytes,
            failures=tally.failures,
            unfinished=tally.unfinished,
            all_answers=tally.answers,
            all_events=tally.events,
        )

    def _look(self) -> tuple[float, float, int, int, int, int]:
        tally = self._tally
        return (
            time.perf_counter(), self._cpu(), tally.answers, tally.events, len(tally.latencies), len(tally.delays),
        )  # fmt: skip


def request(
    host: str,
    *,
    key: str,
    model: str,
    stream: bool,
    headers: Mapping[str, str] | None = None,
    pace: int = 20,
    events: int = 100,
) -> bytes:
    """A chat request as an SDK would send it, head and body.

    Its prompt tells the bench's provider how to stream: `events` events, `pace` ms apart, 0 as fast as it can.
    """
    body = json.dumps(
        {
            "model": model,
            "messages": [
                {"role": "system", "content": "You are brief."},
                {"role": "user", "content": f"pace={pace} events={events} {_PROMPT}"},
            ],
            "temperature": 0.5,
            "max_tokens": 256,
            "stream": stream,
        }
    ).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: bench\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection that reads one answer after another; `done` once it is closed."""

    def __init__(self, payload: bytes, tally: Tally) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began = 0.0
        self._payload = payload
        self._tally = tally
        self._busy = False
        self._given_up = False
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._left = -1  # bytes of the body to come; -1: the head is not read yet, -2: chunked
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """An answer that was under way is a failure, unless it was this end that gave up."""
        if self._busy and self._given_up:
            self._tally.unfinished += 1
        elif self._busy:
            self._tally.failures += 1
        if not self.done.done():
            self.done.set_result(None)

    def send(self, began: float | None = None) -> None:
        """Send the request; its time counts from `began`, else from now."""
        self._busy = True
        self.began = time.perf_counter() if began is None else began
        self._transport.write(self._payload)

    def close(self) -> None:
        """End the connection, whatever is under way."""
        self._given_up = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; `answered` is called at the end of each answer."""
        if self._left == -1:
            self._head += data
            head, separator, data = self._head.partition(b"\r\n\r\n")
            if not separator:
                return
            self._begin(head)
        if self._left == -2:
            self._tail = (self._tail + data)[-5:]
            self.chunks(data)
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
        self._busy = False
        self._reset()
        self._tally.answers += 1
        self._tally.latencies.append(now - self.began)
        self.answered(now)

    def chunks(self, data: bytes) -> None:
        """A part of a chunked body."""

    def answered(self, now: float) -> None:
        """The answer is whole."""


class _Closed(Connection):
    """Sends the next request when the last one is answered, until a moment."""

    def __init__(self, payload: bytes, tally: Tally, until: float) -> None:
        super().__init__(payload, tally)
        self._until = until

    def answered(self, now: float) -> None:
        if now < self._until:
            self.send()
        else:
            self.close()


class _Open(Connection):
    """Sends what waits, else waits itself among the `free` ones."""

    def __init__(self, payload: bytes, tally: Tally, free: list["_Open"], waiting: deque[float]) -> None:
        super().__init__(payload, tally)
        self._free = free
        self._waiting = waiting

    def answered(self, now: float) -> None:
        if self._waiting:
            self.send(self._waiting.popleft())
        else:
            self._free.append(self)


_Made = TypeVar("_Made", bound=Connection)


async def opened(port: int, count: int, make: Callable[[], _Made]) -> list[_Made]:
    """That many connections to a server of this machine, none of which has sent anything."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(make, "127.0.0.1", port))[1] for _ in range(count)]


async def ended(connections: Sequence[Connection], grace: float = _GRACE_SECONDS) -> None:
    """Wait for the answers under way, and close what has none by then."""
    await asyncio.wait([one.done for one in connections], timeout=grace)
    for one in connections:
        one.close()
    await asyncio.wait([one.done for one in connections])


async def closed_loop(
    port: int, payload: bytes, *, connections: int, warm_up: float, seconds: float, cpu: Callable[[], float]
) -> Window:
    """Each connection sends the next request when the last one is answered."""
    tally, until = Tally(), time.perf_counter() + warm_up + seconds
    ready = await opened(port, connections, lambda: _Closed(payload, tally, until))
    watch = Watch(tally, cpu)
    for one in ready:
        one.send()
    await asyncio.sleep(warm_up)
    watch.open()
    await asyncio.sleep(seconds)
    watch.close()
    await ended(ready)
    return watch.window()


async def open_loop(
    port: int, payload: bytes, *, rate: float, connections: int, seconds: float, cpu: Callable[[], float]
) -> Window:
    """`rate` requests a second, sent when they are due. One that finds no free connection waits, and that counts."""
    tally, free, waiting = Tally(), list[_Open](), deque[float]()
    ready = await opened(port, connections, lambda: _Open(payload, tally, free, waiting))
    free.extend(ready)
    watch = Watch(tally, cpu)
    schedule = Schedule(rate, begun=time.perf_counter(), seconds=seconds)
    while not schedule.over:
        now = time.perf_counter()
        for _ in range(schedule.take(now)):
            if free:
                free.pop().send()
            else:
                waiting.append(now)
        await asyncio.sleep(schedule.next() - time.perf_counter())
    late = time.perf_counter() + _GRACE_SECONDS
    while (waiting or len(free) < connections) and time.perf_counter() < late:  # noqa: ASYNC110 - half a second at most matters to none
        await asyncio.sleep(0.01)
    watch.close()
    tally.unfinished += len(waiting)
    for one in ready:
        one.close()
    await ended(ready)
    return watch.window()
