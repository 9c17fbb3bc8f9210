"""Telemetry from the standard `OTEL_*` environment: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.

Without an OTLP endpoint nothing is exported and nothing is traced; `/metrics` works all the same.
"""

import logging
import os
import random
import time

from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.metric_export import MetricExport
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.otlp_spans import encode_resource
from havuz_gateway.telemetry.recorder import Telemetry, Tracing
from havuz_gateway.telemetry.recording import Recorder
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.span_export import Batching, Send, SpanExport

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
_log = logging.getLogger(__name__)


def build(*, instance_id: str, version: str, sample_ratio: float | None = None) -> Telemetry:
    """Telemetry of this process. `sample_ratio` (0 to 1), where given, replaces the environment's.

    Raises `ValueError` with a sentence for a setting that cannot be followed.
    """
    metrics = Metrics()
    resource = _resource(instance_id, version)
    telemetry = Telemetry(metrics=metrics)
    if _exports("TRACES"):
        telemetry.tracing = _tracing(metrics, resource, sample_ratio)
    if _exports("METRICS"):
        telemetry.metric_export = MetricExport(
            exporter=_metric_exporter(),
            resource=resource,
            interval=_number("OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000,
            started_ns=time.time_ns(),
        )
    return telemetry


def _tracing(metrics: Metrics, resource: Resource, sample_ratio: float | None) -> Tracing:
    sampler, batching = _sampler(sample_ratio), _batching()
    written = encode_resource(resource.attributes)
    export = SpanExport(_span_sender(), resource=written, batching=batching, dropped=metrics.spans_dropped)
    rng = random.Random()  # noqa: S311 - ids are no secret
    spans = Recorder(names.SCOPE, ended=export.put, rng=rng, clock=time.time_ns)
    http_spans = Recorder(names.HTTP_SCOPE, ended=export.put, rng=rng, clock=time.time_ns)
    return Tracing(sampler=sampler, spans=spans, http_spans=http_spans, export=export, about=resource.attributes)


def _batching() -> Batching:
    batching = Batching()
    limit = max(1, int(_number("OTEL_BSP_MAX_QUEUE_SIZE", batching.limit)))
    size = max(1, int(_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batching.size)))
    delay = _number("OTEL_BSP_SCHEDULE_DELAY", batching.delay * 1000) / 1000
    return Batching(limit=limit, size=min(size, limit), delay=delay)


# The exporters bring a second HTTP client: imported where something is exported, they cost the others nothing.


def _span_sender() -> Send:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    client = OTLPSpanExporter()._client  # noqa: SLF001 - its way of sending, without its way of writing

    def send(request: bytes) -> None:
        try:
            client.export(request)
        except Exception:
            _log.exception("spans could not be exported")

    return send


def _metric_exporter() -> MetricExporter:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter()


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
