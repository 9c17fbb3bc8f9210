"""The SDK of OpenTelemetry, for gateways with a collector: `setup` imports this where something is exported.

The SDK and its exporters, which bring an HTTP client of their own, take several MiB and a tenth of a second.
"""

import time
from collections.abc import Callable
from functools import partial

import aiohttp
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from yarl import URL

from havuz_gateway.telemetry.instruments import CounterSeries
from havuz_gateway.telemetry.metric_export import MetricExport
from havuz_gateway.telemetry.recorder import Tracing
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.span_export import SpanExport


def resource_of(instance_id: str, version: str) -> Resource:
    """Who exports, with what `OTEL_RESOURCE_ATTRIBUTES` adds."""
    own = {"service.name": "havuz-gateway", "service.instance.id": instance_id, "service.version": version}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def tracing(resource: Resource, sampler: Sampler, *, queue: int, dropped: CounterSeries) -> Tracing:
    """Spans to the collector of the environment; at most `queue` of them wait."""
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    export = SpanExport(OTLPSpanExporter(), limit=queue, dropped=dropped)
    provider.add_span_processor(export)
    return Tracing(provider, sampler, export, partial(_client_spans, provider))


def metric_export(resource: Resource, *, interval: float, clock: Callable[[], int] = time.time_ns) -> MetricExport:
    """Metrics to the collector of the environment, every `interval` seconds."""
    return MetricExport(exporter=OTLPMetricExporter(), resource=resource, interval=interval, started_ns=clock())


def _client_spans(provider: TracerProvider) -> aiohttp.TraceConfig:
    """The HTTP client instrumentation, for a client session that only traced calls use. No header is recorded."""
    return create_trace_config(
        url_filter=_without_secrets,
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        sem_conv_opt_in_mode=_StabilityMode.HTTP,
        captured_request_headers=[],
        captured_response_headers=[],
    )


def _without_secrets(url: URL) -> str:
    return str(url.with_user(None).with_query(None).with_fragment(None))
