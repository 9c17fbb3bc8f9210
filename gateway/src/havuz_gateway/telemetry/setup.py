"""Telemetry from the standard `OTEL_*` environment: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.

Without an OTLP endpoint nothing is exported and nothing is traced; `/metrics` works all the same.
"""

import os
import random

from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.recorder import Telemetry
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.span_export import Batching

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
    telemetry = Telemetry(metrics=Metrics())
    traces, metrics = _exports("TRACES"), _exports("METRICS")
    if not (traces or metrics):
        return telemetry
    from havuz_gateway.telemetry import exporting  # with the SDK, which costs the others nothing

    resource = exporting.resource_of(instance_id, version)
    if traces:
        dropped = telemetry.metrics.spans_dropped
        telemetry.tracing = exporting.tracing(resource, _sampler(sample_ratio), batching=_batching(), dropped=dropped)
    if metrics:
        interval = _number("OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000
        telemetry.metric_export = exporting.metric_export(resource, interval=interval)
    return telemetry


def _batching() -> Batching:
    batching = Batching()
    limit = max(1, int(_number("OTEL_BSP_MAX_QUEUE_SIZE", batching.limit)))
    size = max(1, int(_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batching.size)))
    delay = _number("OTEL_BSP_SCHEDULE_DELAY", batching.delay * 1000) / 1000
    return Batching(limit=limit, size=min(size, limit), delay=delay)


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
