"""Telemetry from the standard `OTEL_*` environment: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.

Without an OTLP endpoint nothing is exported and nothing is traced; `/metrics` works all the same.
"""

import os
import random
import time

import aiohttp
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from yarl import URL

from havuz_gateway.telemetry.metric_export import MetricExport
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.recorder import Telemetry
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.span_export import SpanExport

_SAMPLERS = {
    # name → (parent based, ratio; None: from OTEL_TRACES_SAMPLER_ARG)
    "always_on": (False, 1.0),
    "always_off": (False, 0.0),
    "traceidratio": (False, None),
    "parentbased_always_on": (True, 1.0),
    "parentbased_always_off": (True, 0.0),
    "parentbased_traceidratio": (True, None),
}
_PROTOCOL = "http/protobuf"


def build(*, instance_id: str, version: str, sample_ratio: float | None = None) -> Telemetry:
    """Telemetry of this process. `sample_ratio` (0 to 1), where given, replaces the environment's.

    Raises `ValueError` with a sentence for a setting that cannot be followed.
    """
    metrics = Metrics()
    resource = _resource(instance_id, version)
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    telemetry = Telemetry(metrics=metrics, provider=provider)
    if _exports("TRACES"):
        limit = _number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)
        telemetry.span_export = SpanExport(_span_exporter(), limit=int(limit), dropped=metrics.spans_dropped)
        provider.add_span_processor(telemetry.span_export)
        telemetry.sampler = _sampler(sample_ratio)
    if _exports("METRICS"):
        telemetry.metric_export = MetricExport(
            exporter=_metric_exporter(),
            resource=resource,
            interval=_number("OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000,
            started_ns=time.time_ns(),
        )
    return telemetry


def traced_trace_config(telemetry: Telemetry) -> aiohttp.TraceConfig:
    """The HTTP client instrumentation, for a client session that only traced calls use. No header is recorded."""
    return create_trace_config(
        url_filter=_without_secrets,
        tracer_provider=telemetry.provider,
        meter_provider=NoOpMeterProvider(),
        sem_conv_opt_in_mode=_StabilityMode.HTTP,
        captured_request_headers=[],
        captured_response_headers=[],
    )


# The exporters bring a second HTTP client: imported where something is exported, they cost the others nothing.


def _span_exporter() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _metric_exporter() -> MetricExporter:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter()


def _without_secrets(url: URL) -> str:
    return str(url.with_user(None).with_query(None).with_fragment(None))


def _resource(instance_id: str, version: str) -> Resource:
    own = {"service.name": "havuz-gateway", "service.instance.id": instance_id, "service.version": version}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def _exports(signal: str) -> bool:
    """Whether a signal ("TRACES", "METRICS") goes to a collector. Raises `ValueError`."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip() or "otlp"
    if exporter == "none":
        return False
    if exporter != "otlp":
        raise ValueError(f"OTEL_{signal}_EXPORTER is {exporter!r}: set 'otlp' or 'none'")
    named = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    if not (os.environ.get(named) or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        return False
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(name) or _PROTOCOL
        if protocol != _PROTOCOL:
            raise ValueError(f"{name} is {protocol!r}: set {_PROTOCOL!r}, the one this gateway speaks (port 4318)")
    return True


def _sampler(ratio: float | None) -> Sampler:
    name = os.environ.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on"
    if name not in _SAMPLERS:
        raise ValueError(f"OTEL_TRACES_SAMPLER is {name!r}: set one of {', '.join(_SAMPLERS)}")
    parent_based, fixed = _SAMPLERS[name]
    if ratio is None:
        ratio = fixed if fixed is not None else _number("OTEL_TRACES_SAMPLER_ARG", 1.0)
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"the sampling ratio is {ratio:g}: set a number from 0 to 1")
    return Sampler(ratio=ratio, parent_based=parent_based, rng=random.Random())  # noqa: S311 - no secret


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        raise ValueError(f"{name} is {text!r}: set a number") from None
    if value < 0:
        raise ValueError(f"{name} is {text!r}: set a number that is not negative")
    return value
