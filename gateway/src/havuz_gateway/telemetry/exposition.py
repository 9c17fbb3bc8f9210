"""Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/) from the instruments."""

from collections.abc import Iterable

from havuz_gateway.telemetry.instruments import Counter, Gauge, Histogram, Instrument, Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_UNITS = {"s": "_seconds", "By": "_bytes"}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(instruments: Iterable[Instrument]) -> bytes:
    """Every series as it is now. Instruments without a series are left out."""
    lines: list[str] = []
    for instrument in instruments:
        name = instrument.name.replace(".", "_") + _UNITS.get(instrument.unit, "")
        match instrument:
            case Counter():
                kind, name = "counter", f"{name}_total"
                samples = [f"{name}{_braced(_joined(key))} {series.value}" for key, series in instrument.series.items()]
            case Histogram():
                kind = "histogram"
                samples = _buckets(name, instrument)
            case Gauge():
                kind = "gauge"
                samples = [f"{name}{_braced(_joined(key))} {value}" for key, value in instrument.observe()]
        if samples:
            lines += (f"# HELP {name} {instrument.description}", f"# TYPE {name} {kind}")
            lines += samples
    return ("\n".join(lines) + "\n").encode() if lines else b""


def _buckets(name: str, histogram: Histogram) -> list[str]:
    lines: list[str] = []
    bounds = [f"{bound:.12g}" for bound in histogram.bounds] + ["+Inf"]
    for key, series in histogram.series.items():
        labels = _joined(key)
        comma = "," if labels else ""
        total = 0
        for bound, count in zip(bounds, series.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{labels}{comma}le="{bound}"}} {total}')
        lines += (f"{name}_sum{_braced(labels)} {series.sum}", f"{name}_count{_braced(labels)} {total}")
    return lines


def _joined(labels: Labels) -> str:
    return ",".join(f'{name.replace(".", "_")}="{value.translate(_ESCAPES)}"' for name, value in labels)


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""
