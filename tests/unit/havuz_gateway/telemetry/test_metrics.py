"""Counting requests and attempts, and showing the counts as Prometheus text."""

from prometheus_client.parser import text_string_to_metric_families

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.exposition import render
from havuz_gateway.telemetry.instruments import Counter, Histogram
from havuz_gateway.telemetry.metrics import Metrics


def _samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = render(metrics.instruments).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _end(metrics: Metrics, **changes: object) -> None:
    defaults: dict[str, object] = {
        "operation": "chat",
        "model": "gpt-4o",
        "provider": "openai",
        "seconds": 2.1,
        "status": 200,
        "error_type": None,
        "usage": Usage(input=100, output=21),
        "time_to_first_chunk": 0.1,
    }
    metrics.request_ended(**(defaults | changes))  # type: ignore[arg-type]


CALL = frozenset(
    {("gen_ai_operation_name", "chat"), ("gen_ai_request_model", "gpt-4o"), ("gen_ai_provider_name", "openai")}
)


def test_a_request_is_counted_timed_and_its_tokens_recorded() -> None:
    metrics = Metrics()
    _end(metrics)
    seen = _samples(metrics)
    assert seen["havuz_requests_total", CALL | {("http_response_status_code", "200")}] == 1
    assert seen["gen_ai_client_operation_duration_seconds_sum", CALL] == 2.1
    assert seen["gen_ai_client_operation_time_to_first_chunk_seconds_count", CALL] == 1
    assert seen["gen_ai_client_token_usage_sum", CALL | {("gen_ai_token_type", "input")}] == 100
    assert seen["gen_ai_client_token_usage_sum", CALL | {("gen_ai_token_type", "output")}] == 21
    assert round(seen["gen_ai_server_time_per_output_token_seconds_sum", CALL], 9) == 0.1


def test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket() -> None:
    metrics = Metrics()
    for seconds in (0.01, 0.02, 0.021, 1e6):
        _end(metrics, seconds=seconds, usage=None, time_to_first_chunk=None)
    seen = _samples(metrics)
    name = "gen_ai_client_operation_duration_seconds_bucket"
    assert [seen[name, CALL | {("le", bound)}] for bound in ("0.01", "0.02", "0.04", "81.92", "+Inf")] == [
        1,
        2,
        3,
        3,
        4,
    ]


def test_a_request_refused_before_its_route_was_known_has_no_model() -> None:
    metrics = Metrics()
    _end(metrics, model=None, provider=None, status=401, error_type="authentication_error", usage=None)
    labels = {("gen_ai_operation_name", "chat"), ("error_type", "authentication_error")}
    assert _samples(metrics)["havuz_requests_total", frozenset(labels | {("http_response_status_code", "401")})] == 1


def test_a_providers_own_error_word_makes_no_series() -> None:
    metrics = Metrics()
    for number in range(50):
        _end(metrics, status=400, error_type=f"word-{number}")
    requests = {key: value for key, value in _samples(metrics).items() if key[0] == "havuz_requests_total"}
    assert list(requests.values()) == [50]
    assert ("error_type", "_OTHER") in next(iter(requests))[1]


def test_attempts_are_counted_by_verdict() -> None:
    metrics = Metrics()
    for verdict in ("ok", "RateLimited", "ok"):
        metrics.attempt_ended(upstream_key="team/key-1", provider="openai", verdict=verdict)
    labels = {("havuz_upstream_key", "team/key-1"), ("gen_ai_provider_name", "openai")}
    seen = _samples(metrics)
    assert seen["havuz_attempts_total", frozenset(labels | {("havuz_verdict", "ok")})] == 2
    assert seen["havuz_attempts_total", frozenset(labels | {("havuz_verdict", "RateLimited")})] == 1


def test_what_is_observed_is_asked_for_at_each_reading() -> None:
    metrics = Metrics()
    states = [("team/key-1", "Usable")]
    metrics.observe_pool(states=lambda: states, usable=lambda: [("gpt-4o", 0.5)])
    metrics.observe_config(revision=lambda: 7, age=lambda: 1.5)
    metrics.observe_in_flight(lambda: 3)
    states[0] = ("team/key-1", "Rejected")
    seen = _samples(metrics)
    key = frozenset({("havuz_upstream_key", "team/key-1"), ("havuz_upstream_key_state", "Rejected")})
    assert seen["havuz_upstream_key_status", key] == 1
    assert seen["havuz_pool_usable", frozenset({("gen_ai_request_model", "gpt-4o")})] == 0.5
    assert seen["havuz_config_revision", frozenset()] == 7
    assert seen["havuz_config_age_seconds", frozenset()] == 1.5
    assert seen["havuz_requests_in_flight", frozenset()] == 3


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics.attempt_ended(upstream_key='a"b\\c\nd', provider="openai", verdict="ok")
    assert any(("havuz_upstream_key", 'a"b\\c\nd') in labels for _, labels in _samples(metrics))


def test_past_its_limit_a_family_grows_no_more() -> None:
    counter = Counter("c", "1", "d", limit=3)
    histogram = Histogram("h", "s", "d", (1.0,), limit=3)
    for number in range(10):
        counter.at({"label": str(number)}).value += 1
        histogram.at({"label": str(number)}).record(0.5)
    overflow = (("otel.metric.overflow", "true"),)
    assert len(counter.series) == len(histogram.series) == 4
    assert counter.series[overflow].value == 7
    assert histogram.series[overflow].counts == [7, 0]
