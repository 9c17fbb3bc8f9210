"""Telemetry as the pipeline sees it: one object that begins traces and holds the metrics."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.util.types import AttributeValue

from havuz_gateway.telemetry import exposition
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.recording import Recorder
from havuz_gateway.telemetry.sampling import Sampler, read_traceparent
from havuz_gateway.telemetry.span_export import SpanExport
from havuz_gateway.telemetry.spans import AttemptTrace, RequestTrace

if TYPE_CHECKING:  # it needs the SDK, which is imported where something is exported only
    from havuz_gateway.telemetry.metric_export import MetricExport

__all__ = ["AttemptTrace", "RequestTrace", "Telemetry", "Tracing"]

_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Tracing:
    """Which requests are traced, who makes their spans, and where these go. `about` is the OpenTelemetry resource."""

    sampler: Sampler
    spans: Recorder
    http_spans: Recorder
    export: SpanExport | None = None
    about: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(slots=True)
class Telemetry:
    """`tracing` None: nothing is traced, whatever a client asks for. The export is None where none is set up."""

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
        if self.tracing is None or not self.tracing.sampler.decide(headers):
            return None
        traceparent = headers.get("traceparent")
        caller = None if traceparent is None else read_traceparent(traceparent, headers.get("tracestate"))
        return RequestTrace(self.tracing.spans, caller, http=self.tracing.http_spans, method=method, path=path)

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
