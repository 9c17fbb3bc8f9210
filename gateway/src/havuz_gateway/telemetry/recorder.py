"""Telemetry as the pipeline sees it: one object that begins traces and holds the metrics."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Tracer, TracerProvider, set_span_in_context

from havuz_gateway.telemetry import exposition, names
from havuz_gateway.telemetry.metric_export import MetricExport
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.sampling import Sampler, read_traceparent
from havuz_gateway.telemetry.span_export import SpanExport
from havuz_gateway.telemetry.spans import AttemptTrace, RequestTrace

__all__ = ["AttemptTrace", "RequestTrace", "Telemetry"]

_CLOSE_SECONDS = 5.0


@dataclass(slots=True)
class Telemetry:
    """`sampler` None: nothing is traced, whatever a client asks for. The exports are None where none is set up."""

    metrics: Metrics
    provider: TracerProvider
    sampler: Sampler | None = None
    span_export: SpanExport | None = None
    metric_export: MetricExport | None = None
    _tracer: Tracer = field(init=False, repr=False)
    _task: "asyncio.Task[None] | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._tracer = self.provider.get_tracer(names.SCOPE)

    def start(self) -> None:
        """Begin the periodic export of metrics, where one is set up. Needs a running loop."""
        if self.metric_export is not None and self._task is None:
            self._task = asyncio.create_task(self.metric_export.run(self.metrics), name="metric-export")

    def begin(self, headers: Mapping[str, str], *, method: str, path: str) -> RequestTrace | None:
        """A trace for the request with these headers (lower-case names), or None: then nothing was made for it.

        `path` is the endpoint's path, without a query.
        """
        if self.sampler is None or not self.sampler.decide(headers):
            return None
        parent = Context()
        traceparent = headers.get("traceparent")
        if traceparent is not None:
            caller = read_traceparent(traceparent, headers.get("tracestate"))
            if caller is not None:
                parent = set_span_in_context(NonRecordingSpan(caller), parent)
        return RequestTrace(self._tracer, parent, method=method, path=path)

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
            if self.span_export is not None:
                closing.create_task(self.span_export.close(_CLOSE_SECONDS), name="span-export-close")
