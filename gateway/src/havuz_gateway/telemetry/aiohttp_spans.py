"""Spans of HTTP calls that aiohttp's client makes: by its OpenTelemetry instrumentation, under the current span."""

from collections.abc import Mapping

import aiohttp
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.util.types import AttributeValue
from yarl import URL

from havuz_gateway.telemetry.span_export import SpanExport


def trace_config(export: SpanExport, about: Mapping[str, AttributeValue]) -> aiohttp.TraceConfig:
    """The instrumentation, for a client session that only traced calls use. `about` is whose spans they are.

    No header is recorded.
    """
    provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource(about), shutdown_on_exit=False)
    provider.add_span_processor(_Joining(export))
    return create_trace_config(
        url_filter=_without_secrets,
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        sem_conv_opt_in_mode=_StabilityMode.HTTP,
        captured_request_headers=[],
        captured_response_headers=[],
    )


class _Joining(SpanProcessor):
    """Sends the SDK's spans on beside our own."""

    def __init__(self, export: SpanExport) -> None:
        self._export = export

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is of interest when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a finished span."""
        self._export.put_foreign(encode_spans([span]).SerializePartialToString())


def _without_secrets(url: URL) -> str:
    return str(url.with_user(None).with_query(None).with_fragment(None))
