"""Spans to a collector, off the event loop: a bounded queue in front of the SDK's batches, with drops counted."""

import asyncio
import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from havuz_gateway.telemetry.instruments import CounterSeries


class SpanExport(SpanProcessor):
    """At most `limit` spans wait; what comes above that is dropped and counted, so that no request ever waits."""

    def __init__(self, exporter: SpanExporter, *, limit: int, dropped: CounterSeries) -> None:
        self._counting = _Counting(exporter)
        # one more than is ever let in: the SDK's own way of dropping, which only logs, is never reached
        self._batches = BatchSpanProcessor(
            self._counting, max_queue_size=limit + 1, max_export_batch_size=min(512, limit)
        )
        self._limit = limit
        self._dropped = dropped
        self._accepted = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is of interest when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a finished span."""
        if self._accepted - self._counting.taken >= self._limit:
            self._dropped.value += 1
            return
        self._accepted += 1
        self._batches.on_end(span)

    def shutdown(self) -> None:
        """Export what waits and stop; blocks."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what waits; blocks."""
        return self._batches.force_flush(timeout_millis)

    async def close(self, seconds: float) -> None:
        """Export what waits and stop, giving up after `seconds`."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def work() -> None:
            self.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        # a thread of its own that does not keep the process: the default executor would be waited for at exit
        threading.Thread(target=work, name="span-export-close", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            return


class _Counting(SpanExporter):
    """Counts the spans that left the queue, exported or not."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        return self._inner.export(spans)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)
