"""Telemetry as the pipeline sees it: one object that begins traces and holds the metrics."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Tracer, TracerProvider, set_span_in_context

from havuz_gateway.telemetry import exposition, names
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.sampling import Sampler, read_traceparent
from havuz_gateway.telemetry.spans import AttemptTrace, RequestTrace

if TYPE_CHECKING:  # they need the SDK, which is imported where something is exported only
    import aiohttp

    from havuz_gateway.telemetry.metric_export import MetricExport
    from havuz_gateway.telemetry.span_export import SpanExport

__all__ = ["AttemptTrace", "RequestTrace", "Telemetry", "Tracing"]

_CLOSE_SECONDS = 5.0


@dataclass(slots=True)
class Tracing:
    """What a traced request needs. `client_spans` makes the instrumentation of an HTTP client; None: there is none."""

    provider: TracerProvider
    sampler: Sampler
    export: "SpanExport | None" = None
    client_spans: "Callable[[], aiohttp.TraceConfig] | None" = None
    tracer: Tracer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tracer = self.provider.get_tracer(names.SCOPE)


@dataclass(slots=True)
class Telemetry:
    """`tracing` None: nothing is traced, whatever a client asks for. `metric_export` is None where none is set up."""

    metrics: Metrics
    tracing: Tracing | None = None
    metric_export: "MetricExport | None" = None
    _task: "asyncio.Task[None] | None" = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Begin the periodic export of metrics, where one is set up. Needs a running loop."""
        if self.metric_export is not None and self._task is None:
            self._task = asyncio.create_task(self.metric_export.run(self.metrics), name="metric-export")

    def begin(self, headers: Mapping[str, str], *, method: str, path: str) -> RequestTrace | None:
        """A trace for the request with these headers (lower-case names), or None: then nothing was made for it.

        `path` is the endpoint's path, without a query.
        """
        tracing = self.tracing
        if tracing is None or not tracing.sampler.decide(headers):
            return None
        parent = Context()
        traceparent = headers.get("traceparent")
        if traceparent is not None:
            caller = read_traceparent(traceparent, headers.get("tracestate"))
            if caller is not None:
                parent = set_span_in_context(NonRecordingSpan(caller), parent)
        return RequestTrace(tracing.tracer, parent, method=method, path=path)

    def client_spans(self) -> "list[aiohttp.TraceConfig]":
        """What instruments the HTTP client of traced calls."""
        if self.tracing is None or self.tracing.client_spans is None:
            return []
        return [self.tracing.client_spans()]

    def render(self) -> bytes:
        """The metrics as Prometheus text (`exposition.CONTENT_TYPE`)."""
        return exposition.render(self.metrics.instruments)

    async def close(self) -> None:
        """Export what is left, within a few seconds, and stop. Nothing is raised for a collector that is away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        async with asyncio.TaskGroup() as closing:
            if self.metric_export is not None:
                closing.create_task(self.metric_export.close(self.metrics, _CLOSE_SECONDS), name="metric-export-close")
            if self.tracing is not None and self.tracing.export is not None:
                closing.create_task(self.tracing.export.close(_CLOSE_SECONDS), name="span-export-close")
