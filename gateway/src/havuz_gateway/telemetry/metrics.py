"""What is counted. Labels come from configuration and from tables, never from a request."""

from collections.abc import Callable, Iterable

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.backlogs import CallbacksQueued, TasksQueued, callback_gauges, task_gauges
from havuz_gateway.telemetry.instruments import (
    Counter,
    CounterSeries,
    Gauge,
    Histogram,
    HistogramSeries,
    Instrument,
    Labels,
)
from havuz_gateway.telemetry.money import Backlog, Money, meter_gauges, money_gauges

_Call = tuple[str, str | None, str | None]  # operation, public model, provider


class Metrics:
    """Every instrument of the gateway. Use on the event loop only."""

    def __init__(self) -> None:
        self._duration = Histogram(
            *names.OPERATION_DURATION, "From a request's arrival to the end of its answer.", names.SECOND_BOUNDS
        )
        self._first_chunk = Histogram(
            *names.OPERATION_FIRST_CHUNK, "From a request's arrival to its first content.", names.SECOND_BOUNDS
        )
        self._per_token = Histogram(
            *names.TIME_PER_OUTPUT_TOKEN, "Time per output token after the first.", names.TOKEN_SECOND_BOUNDS
        )
        self._tokens = Histogram(*names.TOKEN_USAGE, "Tokens of a request, input and output.", names.TOKEN_BOUNDS)
        self._requests = Counter(*names.REQUESTS, "Requests by how they ended.")
        self._attempts = Counter(*names.ATTEMPTS, "Calls to upstreams by verdict.")
        self._dropped = Counter(*names.SPANS_DROPPED, "Spans that found the export queue full.")
        self.instruments: list[Instrument] = [
            self._requests, self._duration, self._first_chunk, self._per_token, self._tokens,
            self._attempts, self._dropped,
        ]  # fmt: skip
        self.spans_dropped = self._dropped.at({})
        # series already found, so that a request costs a few look-ups
        self._ended: dict[tuple[_Call, int, str | None], tuple[CounterSeries, HistogramSeries]] = {}
        self._first_chunks: dict[_Call, HistogramSeries] = {}
        self._per_tokens: dict[_Call, HistogramSeries] = {}
        self._usage: dict[_Call, tuple[HistogramSeries, HistogramSeries]] = {}
        self._at_once: dict[tuple[str | None, int], CounterSeries] = {}
        self._attempt_series: dict[tuple[str, str, str], CounterSeries] = {}

    def request_ended(
        self,
        *,
        operation: str,
        model: str | None,
        provider: str | None,
        seconds: float,
        status: int,
        error_type: str | None,
        usage: Usage | None,
        time_to_first_chunk: float | None,
    ) -> None:
        """Count a request. `model` is the route's public id, None before a route is known; times are seconds."""
        call = (operation, model, provider)
        error = names.error_word(error_type)
        ended = self._ended.get((call, status, error)) or self._find_ended(call, status, error)
        ended[0].value += 1
        ended[1].record(seconds)
        if time_to_first_chunk is not None:
            first = self._first_chunks.get(call) or self._find(self._first_chunks, self._first_chunk, call)
            first.record(time_to_first_chunk)
        if usage is not None:
            tokens = self._usage.get(call) or self._find_usage(call)
            tokens[0].record(usage.input)
            tokens[1].record(usage.output)
            if time_to_first_chunk is not None and usage.output > 1:
                pace = self._per_tokens.get(call) or self._find(self._per_tokens, self._per_token, call)
                pace.record((seconds - time_to_first_chunk) / (usage.output - 1))

    def answered_at_once(self, *, route: str | None, status: int) -> None:
        """Count a request that needed no upstream. `route` is a path as it is registered, None where there is none."""
        series = self._at_once.get((route, status))
        if series is None:
            series = self._requests.at({names.HTTP_ROUTE: route, names.HTTP_STATUS: str(status)})
            self._at_once[route, status] = series
        series.value += 1

    def attempt_ended(self, *, upstream_key: str, provider: str, verdict: str) -> None:
        """Count a call to an upstream; `verdict` is "ok" or the reason it failed for."""
        key = (upstream_key, provider, verdict)
        series = self._attempt_series.get(key)
        if series is None:
            labels = {names.UPSTREAM_KEY: upstream_key, names.PROVIDER: provider, names.VERDICT: verdict}
            series = self._attempt_series[key] = self._attempts.at(labels)
        series.value += 1

    def observe_pool(
        self,
        *,
        states: Callable[[], Iterable[tuple[str, str]]],
        usable: Callable[[], Iterable[tuple[str, float]]],
    ) -> None:
        """Show the pool: `states` yields (upstream key, state), `usable` (public model, share of upstreams usable)."""

        def key_states() -> Iterable[tuple[Labels, float]]:
            return (((((names.UPSTREAM_KEY, key), (names.KEY_STATE, state))), 1.0) for key, state in states())

        def shares() -> Iterable[tuple[Labels, float]]:
            return ((((names.REQUEST_MODEL, model),), share) for model, share in usable())

        self.instruments += [
            Gauge(*names.KEY_STATES, "1 for the state an upstream key is in.", key_states),
            Gauge(*names.POOL_USABLE, "Share of a model's upstreams that can be asked now.", shares),
        ]

    def observe_config(self, *, revision: Callable[[], int], age: Callable[[], float]) -> None:
        """Show the configuration in force: its revision, and the seconds since the source was last heard of."""
        self.instruments += [
            Gauge(*names.CONFIG_REVISION, "Revision of the configuration in force.", lambda: [((), revision())]),
            Gauge(*names.CONFIG_AGE, "Seconds since the configuration was known to be current.", lambda: [((), age())]),
        ]

    def observe_meter(self, *, money: Callable[[], Iterable[Money]], backlog: Callable[[], Backlog]) -> None:
        """Show what projects have, and what the meter has still to write down."""
        self.instruments += [*money_gauges(money), *meter_gauges(backlog)]

    def observe_in_flight(self, count: Callable[[], int]) -> None:
        """Show how many requests are being served."""
        self.instruments.append(Gauge(*names.IN_FLIGHT, "Requests being served.", lambda: [((), count())]))

    def observe_backlogs(self, *, tasks: Callable[[], TasksQueued], callbacks: Callable[[], CallbacksQueued]) -> None:
        """Show what waits in Redis for any process of the fleet."""
        self.instruments += [*task_gauges(tasks), *callback_gauges(callbacks)]

    def _find(self, found: dict[_Call, HistogramSeries], histogram: Histogram, call: _Call) -> HistogramSeries:
        series = found[call] = histogram.at(_labels(call))
        return series

    def _find_ended(self, call: _Call, status: int, error: str | None) -> tuple[CounterSeries, HistogramSeries]:
        labels = {**_labels(call), names.ERROR_TYPE: error}
        pair = self._requests.at({**labels, names.HTTP_STATUS: str(status)}), self._duration.at(labels)
        self._ended[call, status, error] = pair
        return pair

    def _find_usage(self, call: _Call) -> tuple[HistogramSeries, HistogramSeries]:
        labels = _labels(call)
        pair = (
            self._tokens.at({**labels, names.TOKEN_TYPE: "input"}),
            self._tokens.at({**labels, names.TOKEN_TYPE: "output"}),
        )
        self._usage[call] = pair
        return pair


def _labels(call: _Call) -> dict[str, str | None]:
    operation, model, provider = call
    return {names.OPERATION: operation, names.REQUEST_MODEL: model, names.PROVIDER: provider}
