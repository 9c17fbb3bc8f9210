"""Exports: set up by the environment, sent to a real collector, never in a request's way."""

import os
import random
import threading

import pytest

from harness.otlp_receiver import otlp_receiver
from havuz_gateway.telemetry import setup
from havuz_gateway.telemetry.instruments import CounterSeries
from havuz_gateway.telemetry.recording import INTERNAL, Recorder, SpanRecord
from havuz_gateway.telemetry.span_export import Batching, SpanExport


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


def _build(**changes: float) -> setup.Telemetry:
    return setup.build(instance_id="pod-1", version="1.2.3", **changes)


async def test_without_an_endpoint_nothing_is_exported_and_nothing_traced() -> None:
    telemetry = _build(sample_ratio=1.0)
    telemetry.start()
    assert telemetry.begin({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}, method="POST", path="/") is None
    await telemetry.close()
    assert telemetry.metric_export is None


async def test_spans_and_metrics_reach_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    async with otlp_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
        telemetry = _build()
        telemetry.start()
        request = telemetry.begin({}, method="POST", path="/v1/embeddings")
        assert request is not None
        request.end(status=200, error_type=None)
        telemetry.metrics.attempt_ended(upstream_key="team/key", provider="openai", verdict="ok")
        telemetry.metrics.request_ended(
            operation="chat", model="m", provider="openai", seconds=1.0, status=200,
            error_type=None, usage=None, time_to_first_chunk=None,
        )  # fmt: skip
        telemetry.metrics.observe_in_flight(lambda: 4)
        (attempts,) = await receiver.points("havuz.attempts")
        (duration,) = await receiver.points("gen_ai.client.operation.duration")
        (in_flight,) = await receiver.points("havuz.requests.in_flight")
        await telemetry.close()
        (span,) = await receiver.spans(1)
    assert (attempts.value, attempts.attributes["havuz.upstream_key"]) == (1, "team/key")
    assert (duration.value, in_flight.value) == (1, 4)
    assert span.name == "POST /v1/embeddings"
    assert (
        span.resource.items()
        >= {
            "service.name": "havuz-gateway",
            "service.instance.id": "pod-1",
            "service.version": "1.2.3",
            "deployment.environment.name": "test",
        }.items()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=rf"{name} is '{value}'"):
        _build()


@pytest.mark.parametrize(
    ("sampler", "argument", "own", "expected"),
    [
        ("", "", None, (True, 1.0)),
        ("parentbased_traceidratio", "0.1", None, (True, 0.1)),
        ("traceidratio", "0.1", 0.5, (False, 0.5)),
        ("always_off", "", None, (False, 0.0)),
    ],
)
def test_the_sampler_is_the_environments_and_its_ratio_may_be_replaced(
    monkeypatch: pytest.MonkeyPatch, sampler: str, argument: str, own: float | None, expected: tuple[bool, float]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    telemetry = _build(sample_ratio=own) if own is not None else _build()
    assert telemetry.tracing is not None
    assert (telemetry.tracing.sampler.parent_based, telemetry.tracing.sampler.ratio) == expected
    assert telemetry.metric_export is None


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_tracing_can_be_turned_off_by_the_environment(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert _build().tracing is None


class _Stuck:
    """A collector that takes a batch and does not answer until it is let go."""

    def __init__(self) -> None:
        self.entered, self.free = threading.Event(), threading.Event()
        self.requests: list[bytes] = []

    def __call__(self, request: bytes) -> None:
        self.entered.set()
        self.free.wait(20)
        self.requests.append(request)


def _span() -> SpanRecord:
    made: list[SpanRecord] = []
    recorder = Recorder("test", ended=made.append, rng=random.Random(1), clock=lambda: 1)
    recorder.begin("span", INTERNAL, {}, caller=None).end()
    return made[0]


async def test_a_collector_that_hangs_costs_spans_which_are_counted_and_no_time() -> None:
    stuck, dropped, span = _Stuck(), CounterSeries(), _span()
    export = SpanExport(stuck, resource=b"", batching=Batching(limit=4, size=4), dropped=dropped)
    for _ in range(4):
        export.put(span)
    assert stuck.entered.wait(20)
    for _ in range(10):
        export.put(span)
    assert dropped.value == 6
    await export.close(0.05)
    assert stuck.requests == []
    stuck.free.set()
    await export.close(20)
    assert len(stuck.requests) == 2
