"""What exports, for gateways with a collector: `setup` imports this where something is exported.

The SDK of OpenTelemetry and its exporters, which bring an HTTP client of their own, take several MiB and a tenth of a
second.
"""

import logging
import random
import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.instruments import CounterSeries
from havuz_gateway.telemetry.metric_export import MetricExport
from havuz_gateway.telemetry.otlp_spans import encode_resource
from havuz_gateway.telemetry.recorder import Tracing
from havuz_gateway.telemetry.recording import Recorder
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.span_export import Batching, Send, SpanExport

_log = logging.getLogger(__name__)


def resource_of(instance_id: str, version: str) -> Resource:
    """Who exports, with what `OTEL_RESOURCE_ATTRIBUTES` adds."""
    own = {"service.name": "havuz-gateway", "service.instance.id": instance_id, "service.version": version}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def tracing(resource: Resource, sampler: Sampler, *, batching: Batching, dropped: CounterSeries) -> Tracing:
    """Spans to the collector of the environment."""
    written = encode_resource(resource.attributes)
    export = SpanExport(_span_sender(), resource=written, batching=batching, dropped=dropped)
    rng = random.Random()  # noqa: S311 - ids are no secret
    spans = Recorder(names.SCOPE, ended=export.put, rng=rng, clock=time.time_ns)
    http_spans = Recorder(names.HTTP_SCOPE, ended=export.put, rng=rng, clock=time.time_ns)
    return Tracing(sampler=sampler, spans=spans, http_spans=http_spans, export=export, about=resource.attributes)


def metric_export(resource: Resource, *, interval: float, clock: Callable[[], int] = time.time_ns) -> MetricExport:
    """Metrics to the collector of the environment, every `interval` seconds."""
    return MetricExport(exporter=OTLPMetricExporter(), resource=resource, interval=interval, started_ns=clock())


def _span_sender() -> Send:
    client = OTLPSpanExporter()._client  # noqa: SLF001 - its way of sending, without its way of writing

    def send(request: bytes) -> None:
        try:
            client.export(request)
        except Exception:
            _log.exception("spans could not be exported")

    return send
