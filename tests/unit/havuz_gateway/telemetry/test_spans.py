"""Spans as the export gets them."""

import itertools
import random
from typing import Any

import pytest
from opentelemetry import trace

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.recorder import RequestTrace, Telemetry, Tracing
from havuz_gateway.telemetry.recording import CLIENT, SERVER, Recorder, SpanRecord
from havuz_gateway.telemetry.sampling import Sampler
from havuz_gateway.telemetry.spans import request_attributes

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def ended() -> list[SpanRecord]:
    return []


@pytest.fixture
def telemetry(ended: list[SpanRecord]) -> Telemetry:
    rng, ticks = random.Random(1), itertools.count(1)
    spans, http_spans = (
        Recorder(scope, ended=ended.append, rng=rng, clock=lambda: next(ticks)) for scope in ("own", "http")
    )
    sampler = Sampler(ratio=1.0, parent_based=True, rng=rng)
    return Telemetry(metrics=Metrics(), tracing=Tracing(sampler=sampler, spans=spans, http_spans=http_spans))


def _begin(telemetry: Telemetry, headers: dict[str, str] | None = None) -> RequestTrace:
    request = telemetry.begin(headers or {}, method="POST", path="/v1/chat/completions")
    assert request is not None
    return request


def _end_call(request: RequestTrace, **changes: Any) -> None:
    defaults: dict[str, Any] = {
        "provider": "openai",
        "response_id": "chatcmpl-1",
        "response_model": "gpt-4o-2024",
        "finish_reasons": ("stop",),
        "usage": Usage(input=10, output=5, cache_read=4, reasoning=2),
        "time_to_first_chunk": 0.5,
        "error_type": None,
    }
    request.end_call(**(defaults | changes))


def _whole(telemetry: Telemetry, *, stream: bool = True) -> None:
    request = _begin(telemetry, {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    request.begin_call(operation="chat", model="gpt-4o", stream=stream, parameters={"temperature": 0.5})
    for number, (status, verdict) in enumerate([(429, "RateLimited"), (200, "ok")], start=1):
        attempt = request.begin_attempt(
            number=number,
            provider="openai",
            url="https://api.example.com/v1",
            upstream_key=f"a/{number}",
            upstream_model="m",
        )
        error = None if verdict == "ok" else verdict
        attempt.end(status=status, verdict=verdict, error_type=error, committed=error is None)
    _end_call(request)
    request.end(status=200, error_type=None)


def _named(ended: list[SpanRecord]) -> dict[str, SpanRecord]:
    return {span.name: span for span in ended}


def test_a_request_is_a_server_span_a_logical_call_and_its_attempts(
    telemetry: Telemetry, ended: list[SpanRecord]
) -> None:
    _whole(telemetry)
    first, second, call, server = ended
    assert (server.name, server.kind) == ("POST /v1/chat/completions", SERVER)
    assert (call.name, call.kind) == ("chat gpt-4o", CLIENT)
    assert (server.parent_id, server.parent_is_remote) == (int(SPAN, 16), True)
    assert (call.parent_id, call.parent_is_remote) == (server.span_id, False)
    assert first.parent_id == second.parent_id == call.span_id
    assert {f"{span.trace_id:032x}" for span in ended} == {TRACE}
    assert len({span.span_id for span in ended}) == 4
    assert all(0 < span.start_ns < span.end_ns for span in ended)


def test_an_attempt_says_whom_it_called_and_what_became_of_it(telemetry: Telemetry, ended: list[SpanRecord]) -> None:
    _whole(telemetry)
    first, second = ended[:2]
    assert first.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 429,
        "server.address": "api.example.com",
        "server.port": 443,
        "error.type": "RateLimited",
        "havuz.attempt": 1,
        "havuz.upstream_key": "a/1",
        "havuz.upstream_model": "m",
        "havuz.verdict": "RateLimited",
        "havuz.committed": False,
    }
    assert first.error
    assert second.attributes.items() >= {
        "http.request.resend_count": 1, "havuz.verdict": "ok", "havuz.committed": True,
    }.items()  # fmt: skip
    assert not second.error


def test_usage_is_on_the_logical_call_alone(telemetry: Telemetry, ended: list[SpanRecord]) -> None:
    _whole(telemetry)
    *others, call, server = ended
    assert call.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-2024",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
    }
    assert not [name for span in (*others, server) for name in span.attributes if "usage" in name]


def test_the_time_to_the_first_chunk_is_told_of_streams_only(telemetry: Telemetry, ended: list[SpanRecord]) -> None:
    _whole(telemetry, stream=False)
    assert "gen_ai.response.time_to_first_chunk" not in _named(ended)["chat gpt-4o"].attributes


@pytest.mark.parametrize(
    ("status", "error_type", "error"),
    [(200, None, False), (404, "not_found_error", False), (503, "service_unavailable", True), (499, "cancelled", True)],
)
def test_only_a_fault_of_the_server_or_a_hang_up_marks_the_server_span(
    telemetry: Telemetry, ended: list[SpanRecord], status: int, error_type: str | None, error: bool
) -> None:
    _begin(telemetry).end(status=status, error_type=error_type)
    (server,) = ended
    assert server.error is error
    assert (server.attributes.get("error.type") == error_type) is (error or error_type is None)


def test_ends_may_be_repeated_and_an_open_call_ends_with_its_request(
    telemetry: Telemetry, ended: list[SpanRecord]
) -> None:
    request = _begin(telemetry)
    request.begin_call(operation="chat", model="m", stream=False, parameters={})
    request.end(status=500, error_type="cancelled")
    request.end(status=200, error_type=None)
    _end_call(request)
    assert sorted(span.name for span in ended) == ["POST /v1/chat/completions", "chat m"]
    assert _named(ended)["chat m"].attributes["error.type"] == "cancelled"


def test_an_attempt_is_the_current_span_only_while_it_is_entered(telemetry: Telemetry) -> None:
    request = _begin(telemetry)
    attempt = request.begin_attempt(number=1, provider="openai", url="http://h:1", upstream_key="k", upstream_model="m")
    with attempt:
        assert f"{trace.get_current_span().get_span_context().trace_id:032x}" == request.trace_id
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_unsampled_request_makes_nothing(telemetry: Telemetry, ended: list[SpanRecord]) -> None:
    assert telemetry.begin({"traceparent": f"00-{TRACE}-{SPAN}-00"}, method="POST", path="/v1/x") is None
    telemetry.tracing = None
    assert telemetry.begin({"traceparent": f"00-{TRACE}-{SPAN}-01"}, method="POST", path="/v1/x") is None
    assert ended == []


def test_of_a_body_only_numbers_and_known_words_are_kept() -> None:
    assert request_attributes(
        {
            "messages": [{"role": "user", "content": "a secret"}],
            "model": "whatever",
            "user": "someone",
            "stop": ["a word"],
            "max_completion_tokens": 100,
            "temperature": "hot",
            "top_p": True,
            "seed": 7,
            "reasoning_effort": "high",
            "service_tier": "a secret",
            "response_format": {"type": "json_schema", "json_schema": {"name": "a secret"}},
        }
    ) == {
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.seed": 7,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.output.type": "json",
    }


@pytest.mark.parametrize(
    ("url", "full", "server"),
    [
        (
            "https://api.example.com/v1/chat?key=secret#part",
            "https://api.example.com/v1/chat",
            ("api.example.com", 443),
        ),
        ("http://user:secret@[::1]:8080/v1", "http://[::1]:8080/v1", ("::1", 8080)),
    ],
    ids=["query", "user"],
)
def test_an_http_request_tells_where_it_went_without_what_is_secret_in_a_url(
    telemetry: Telemetry, ended: list[SpanRecord], url: str, full: str, server: tuple[str, int]
) -> None:
    request = _begin(telemetry, {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=value"})
    attempt = request.begin_attempt(number=1, provider="openai", url=url, upstream_key="k", upstream_model="m")
    http = attempt.begin_http("POST", url)
    http.answered(200)
    (span,) = ended
    assert (span.name, span.kind, span.scope, span.error) == ("POST", CLIENT, "http", False)
    assert span.attributes == {
        "http.request.method": "POST",
        "url.full": full,
        "server.address": server[0],
        "server.port": server[1],
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert http.headers == {"traceparent": f"00-{TRACE}-{span.span_id:016x}-01", "tracestate": "vendor=value"}


def test_an_http_request_that_fails_or_is_refused_is_an_error(telemetry: Telemetry, ended: list[SpanRecord]) -> None:
    attempt = _begin(telemetry).begin_attempt(
        number=1, provider="openai", url="http://h", upstream_key="k", upstream_model="m"
    )
    attempt.begin_http("POST", "http://h").failed("reset")
    attempt.begin_http("POST", "http://h").answered(429)
    assert [(span.error, span.attributes["error.type"]) for span in ended] == [(True, "reset"), (True, "429")]
