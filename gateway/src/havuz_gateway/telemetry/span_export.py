"""Spans to a collector, off the event loop: a bounded queue, batches, and drops that are counted."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from havuz_gateway.telemetry.instruments import CounterSeries
from havuz_gateway.telemetry.otlp_spans import encode_request, encode_span
from havuz_gateway.telemetry.recording import SpanRecord

Send = Callable[[bytes], None]
"""Sends a serialized `ExportTraceServiceRequest`. Blocks, repeats as it sees fit, and never raises."""


@dataclass(frozen=True, slots=True)
class Batching:
    """At most `limit` spans wait, for `delay` seconds or until they fill a batch of `size`.

    Sending a batch takes the thread some 2 ms whatever its size, so batches are larger than the SDK's.
    """

    limit: int = 4096
    size: int = 1024
    delay: float = 5.0


class SpanExport:
    """What comes above the limit is dropped and counted, so that no request ever waits.

    A span is written as it ends, on the event loop: a thread that wrote 512 of them would keep the loop from running
    for milliseconds. The thread only joins and sends them. `resource` is from `encode_resource`.
    """

    def __init__(self, send: Send, *, resource: bytes, batching: Batching, dropped: CounterSeries) -> None:
        self._send = send
        self._resource = resource
        self._batching = batching
        self._dropped = dropped
        self._waiting: deque[tuple[str | None, bytes]] = deque()
        self._full = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="span-export", daemon=True)
        self._thread.start()

    def put(self, span: SpanRecord) -> None:
        """Queue a span that has ended."""
        if self._has_room():
            self._queue(span.scope, encode_span(span))

    def put_foreign(self, request: bytes) -> None:
        """Queue a span that is a serialized request of its own already."""
        if self._has_room():
            self._queue(None, request)

    async def close(self, seconds: float) -> None:
        """Export what waits and stop, giving up after `seconds`."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def work() -> None:
            self._thread.join()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        self._ending = True
        self._full.set()
        # a thread of its own that does not keep the process: the default executor would be waited for at exit
        threading.Thread(target=work, name="span-export-close", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            return

    def _has_room(self) -> bool:
        room = len(self._waiting) < self._batching.limit
        if not room:
            self._dropped.value += 1
        return room

    def _queue(self, scope: str | None, span: bytes) -> None:
        self._waiting.append((scope, span))
        if len(self._waiting) == self._batching.size:
            self._full.set()

    def _work(self) -> None:
        while not self._ending:
            self._full.wait(self._batching.delay)
            self._full.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), self._batching.size)
            self._send(self._joined([self._waiting.popleft() for _ in range(count)]))

    def _joined(self, batch: Iterable[tuple[str | None, bytes]]) -> bytes:
        """One request: protobuf messages that stand behind each other are one message with the fields of both."""
        scopes: dict[str, list[bytes]] = {}
        whole: list[bytes] = []
        for scope, span in batch:
            if scope is None:
                whole.append(span)
            else:
                scopes.setdefault(scope, []).append(span)
        own = encode_request(self._resource, scopes) if scopes else b""
        return own + b"".join(whole)
