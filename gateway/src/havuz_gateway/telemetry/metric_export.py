"""Metrics to a collector by OTLP, from the same instruments as `/metrics`.

Read on the event loop, so that a reading is consistent; encoded and sent in a thread, so that nothing waits for it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.instruments import Counter, Gauge, Histogram, Instrument
from havuz_gateway.telemetry.metrics import Metrics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricExport:
    """Sends a reading every `interval` seconds. `wall_ns` is unix nanoseconds; sums count from `started_ns` on."""

    exporter: sdk.MetricExporter
    resource: Resource
    interval: float
    started_ns: int
    wall_ns: Callable[[], int] = time.time_ns

    async def run(self, metrics: Metrics) -> None:
        """Export until cancelled. A collector that is away costs a log line."""
        while True:
            await asyncio.sleep(self.interval)
            await self._send(metrics)

    async def close(self, metrics: Metrics, seconds: float) -> None:
        """Export once more and stop, giving up after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._send(metrics)
        except TimeoutError:
            return

    async def _send(self, metrics: Metrics) -> None:
        data = self.read(metrics.instruments)
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def work() -> None:
            try:
                self.exporter.export(data)
            except Exception as error:
                _log.warning("metrics could not be exported", extra={"error_type": type(error).__name__})
            finally:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(done.set)

        # a daemon thread, not the default executor: a collector that hangs must not hold up the exit
        threading.Thread(target=work, name="metric-export", daemon=True).start()
        await done.wait()

    def read(self, instruments: Iterable[Instrument]) -> sdk.MetricsData:
        """One reading of every instrument, in the SDK's own form."""
        now = self.wall_ns()
        metrics = [
            sdk.Metric(name=one.name, description=one.description, unit=one.unit, data=self._points(one, now))
            for one in instruments
        ]
        scope = sdk.ScopeMetrics(scope=InstrumentationScope(names.SCOPE), metrics=metrics, schema_url="")
        resource = sdk.ResourceMetrics(
            resource=self.resource, scope_metrics=[scope], schema_url=self.resource.schema_url
        )
        return sdk.MetricsData(resource_metrics=[resource])

    def _points(self, instrument: Instrument, now: int) -> sdk.Sum | sdk.Histogram | sdk.Gauge:
        cumulative = sdk.AggregationTemporality.CUMULATIVE
        match instrument:
            case Counter():
                sums = [
                    sdk.NumberDataPoint(dict(labels), self.started_ns, now, series.value)
                    for labels, series in instrument.series.items()
                ]
                return sdk.Sum(sums, cumulative, is_monotonic=True)
            case Histogram():
                return sdk.Histogram(self._histogram_points(instrument, now), cumulative)
            case Gauge():
                values = [sdk.NumberDataPoint(dict(labels), 0, now, value) for labels, value in instrument.observe()]
                return sdk.Gauge(values)

    def _histogram_points(self, histogram: Histogram, now: int) -> list[sdk.HistogramDataPoint]:
        return [
            sdk.HistogramDataPoint(
                attributes=dict(labels),
                start_time_unix_nano=self.started_ns,
                time_unix_nano=now,
                count=sum(series.counts),
                sum=series.sum,
                bucket_counts=list(series.counts),
                explicit_bounds=series.bounds,
                min=None,  # type: ignore[arg-type]  # optional on the wire, and not kept here
                max=None,  # type: ignore[arg-type]
            )
            for labels, series in histogram.series.items()
        ]
