"""A real OTLP/HTTP collector on a socket: keeps what it is sent, and lets a test wait for it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_PATIENCE = 20.0
_PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """One span as it arrived. Ids are hex; `parent_id` is empty at the root. `kind` is INTERNAL, SERVER or CLIENT."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    error: bool
    start_ns: int
    end_ns: int
    scope: str
    resource: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeenMetric:
    """One data point: a sum, a gauge's value, or a histogram's count."""

    name: str
    attributes: dict[str, Any]
    value: float


class OtlpReceiver:
    """Spans in the order of arrival; `metrics` holds the points of the newest export."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[SeenSpan] = []
        self.metrics: list[SeenMetric] = []
        self.raw: list[bytes] = []  # everything that arrived, to search for what must not be there
        self.status = 200
        self._news = asyncio.Condition()

    async def spans(self, count: int, *, trace_id: str | None = None) -> list[SeenSpan]:
        """Wait until `count` spans (of one trace) have arrived."""
        await self._until(lambda: len(self._of(trace_id)) >= count, f"{count} spans")
        return self._of(trace_id)

    async def points(self, name: str) -> list[SeenMetric]:
        """Wait until the newest export has points of this metric."""
        await self._until(lambda: any(point.name == name for point in self.metrics), f"a point of {name}")
        return [point for point in self.metrics if point.name == name]

    def _of(self, trace_id: str | None) -> list[SeenSpan]:
        return [span for span in self.received if trace_id in (None, span.trace_id)]

    async def _until(self, true: Any, what: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE), self._news:
                await self._news.wait_for(true)
        except TimeoutError:
            names = [span.name for span in self.received]
            raise AssertionError(f"waited {_PATIENCE:g} s for {what}; have {names}") from None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.status != 200:
            return web.Response(status=self.status)
        self.raw.append(body)
        async with self._news:
            answer = self._take(request.path, body)
            self._news.notify_all()
        return web.Response(body=answer, content_type=_PROTOBUF)

    def _take(self, path: str, body: bytes) -> bytes:
        match path:
            case "/v1/traces":
                self.received += _read_spans(ExportTraceServiceRequest.FromString(body))
                return bytes(ExportTraceServiceResponse().SerializeToString())
            case "/v1/metrics":
                self.metrics = _read_metrics(ExportMetricsServiceRequest.FromString(body))
                return bytes(ExportMetricsServiceResponse().SerializeToString())
            case _:
                raise web.HTTPNotFound


@asynccontextmanager
async def otlp_receiver() -> AsyncIterator[OtlpReceiver]:
    """A collector on a free loopback port; `url` is what `OTEL_EXPORTER_OTLP_ENDPOINT` takes."""
    receiver = OtlpReceiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


def under(spans: list[SeenSpan], parent: SeenSpan) -> list[SeenSpan]:
    """The children of `parent`, oldest first."""
    return sorted((span for span in spans if span.parent_id == parent.span_id), key=lambda span: span.start_ns)


def _read_spans(request: ExportTraceServiceRequest) -> list[SeenSpan]:
    return [
        SeenSpan(
            name=span.name,
            kind={1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}[span.kind],
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            attributes=_attributes(span.attributes),
            error=span.status.code == 2,
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            scope=scope.scope.name,
            resource=_attributes(resource.resource.attributes),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _read_metrics(request: ExportMetricsServiceRequest) -> list[SeenMetric]:
    return [
        SeenMetric(metric.name, _attributes(point.attributes), _value(point))
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in [*metric.sum.data_points, *metric.gauge.data_points, *metric.histogram.data_points]
    ]


def _value(point: Any) -> float:
    if hasattr(point, "bucket_counts"):
        return float(point.count)
    return float(getattr(point, point.WhichOneof("value")))


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair) for pair in pairs}


def _plain(pair: KeyValue) -> Any:
    def read(value: AnyValue) -> Any:
        kind = value.WhichOneof("value")
        if kind == "array_value":
            return [read(one) for one in value.array_value.values]
        return getattr(value, kind) if kind else None

    return read(pair.value)
