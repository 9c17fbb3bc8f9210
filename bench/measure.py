"""The measurements, each of one target once, and the book in which the readings of all rounds are kept."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from bench import figures, load, streaming
from bench.load import Window
from bench.processes import Target

CONNECTIONS = (8, 32, 128)
RATE = 200.0  # requests a second of the open loop
SLOW_RATE = 40.0  # the same for a target that can't take the other
PACE = 20  # ms
_OPEN_CONNECTIONS = 64
_WARM_UP_SECONDS = 0.7
_SETTLE_SECONDS = 1.5  # from the order of all streams to the window in which their events are counted
_TAIL_SECONDS = 0.5
_LATE_SHARE = 0.001
_PATIENCE_SECONDS = 10.0  # for slow streams to say something
_FLOODED_STREAMS = 16
_FLOOD_EVENTS = 2000
_QUIET_SECONDS = 0.2
_QUIET_SHARE = 0.1  # of a core
_QUIET_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement. CPU in µs of the target for each answer or event, times in ms, shares between 0 and 1."""

    count: int
    rate: float
    cpu_each: float
    busy: float  # share of its core that the target used
    p50: float
    p99: float
    first_p99: float = 0.0  # until the first piece of a stream
    late: float = 0.0  # share of the events that were under way for longer than a pace
    failures: int = 0
    unfinished: int = 0  # answers and streams that did not end in time
    total: int = 0  # answers or events, those before and after the window included


@dataclass(slots=True)
class Book:
    """The readings by target and measurement, one a round."""

    readings: defaultdict[tuple[str, str], list[Reading]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[tuple[str, str], float] = field(default_factory=dict)  # what is measured once

    def add(self, target: str, what: str, reading: Reading) -> None:
        """Keep what a round has found."""
        self.readings[target, what].append(reading)

    def has(self, target: str, what: str) -> bool:
        """Whether anything was measured."""
        return bool(self.readings.get((target, what)))

    def all(self, target: str, what: str, column: str) -> list[float]:
        """One column, round by round."""
        if column not in {one.name for one in fields(Reading)}:
            raise ValueError(f"a reading has no {column!r}")
        return [getattr(one, column) for one in self.readings.get((target, what), ())]

    def median(self, target: str, what: str, column: str) -> float:
        """The median over the rounds; NaN where nothing was measured."""
        return figures.median(self.all(target, what, column))

    def ratio(self, target: str, other: str, what: str) -> float:
        """CPU of one against that of another, by rounds; NaN where one of them is missing."""
        return figures.ratio(self.all(target, what, "cpu_each"), self.all(other, what, "cpu_each"))

    def failed(self) -> dict[str, int]:
        """The targets that refused a request or cut an answer, with how often."""
        lost: defaultdict[str, int] = defaultdict(int)
        for (target, _), readings in self.readings.items():
            lost[target] += sum(one.failures for one in readings)
        return {target: count for target, count in lost.items() if count}


def requests(target: Target, *, connections: int, seconds: float, warmed: bool = False) -> Reading:
    """Whole answers, one after the other on each connection. `rate` is requests a second."""
    payload = target.request(stream=False)
    warm_up = 0.0 if warmed else min(_WARM_UP_SECONDS, seconds)
    window = asyncio.run(
        load.closed_loop(
            target.port, payload, connections=connections, warm_up=warm_up, seconds=seconds, cpu=target.cpu_seconds
        )
    )
    return _reading(window, window.answers, window.latencies, total=window.all_answers)


def latency(target: Target, *, rate: float, seconds: float) -> Reading:
    """Whole answers to requests that come at a steady rate, whether or not the last one is answered."""
    payload = target.request(stream=False)
    window = asyncio.run(
        load.open_loop(
            target.port, payload, rate=rate, connections=_OPEN_CONNECTIONS, seconds=seconds, cpu=target.cpu_seconds
        )
    )
    return _reading(window, window.answers, window.latencies, total=window.all_answers)


def paced(target: Target, *, streams: int, seconds: float, pace: int = PACE) -> Reading:
    """Paced streams, all ordered at once. Times are those of events from the provider's hand to the client's."""
    settle, tail = min(_SETTLE_SECONDS, 3 * seconds), min(_TAIL_SECONDS, seconds)
    lasts = settle + seconds + tail
    payload = target.request(stream=True, pace=pace, events=int(lasts * 1000 / pace))
    window = asyncio.run(
        streaming.paced(target.port, payload, streams=streams, settle=settle, seconds=seconds, cpu=target.cpu_seconds)
    )
    late = sum(delay > pace / 1000 for delay in window.delays)
    return _reading(window, window.events, window.delays, late=late, total=window.all_events)


def flood(target: Target, *, seconds: float) -> Reading:
    """Streams of a provider that sends as fast as it is read. `rate` is events a second."""
    payload = target.request(stream=True, pace=0, events=_FLOOD_EVENTS)
    window = asyncio.run(
        streaming.flooded(
            target.port, payload, streams=_FLOODED_STREAMS, warm_up=min(_WARM_UP_SECONDS, seconds), seconds=seconds,
            cpu=target.cpu_seconds,
        )
    )  # fmt: skip
    return _reading(window, window.events, window.delays, total=window.all_events)


def open_streams(target: Target, *, streams: int, seconds: float, pace: int) -> tuple[int, float]:
    """How many streams of as many have begun after some seconds or more, and the MiB that are resident then."""
    payload = target.request(stream=True, pace=pace, events=int((seconds + _PATIENCE_SECONDS) * 1000 / pace) + 1)
    look = target.memory_mib
    return asyncio.run(
        streaming.held(target.port, payload, streams=streams, settle=seconds, patience=_PATIENCE_SECONDS, look=look)
    )


def held(target: Target, *, streams: int, seconds: float, pace: int) -> bool:
    """Whether that many paced streams are held: events arrive, all within a pace of when they were written."""
    reading = paced(target, streams=streams, seconds=seconds, pace=pace)
    return is_held(reading, streams=streams, pace=pace)


def is_held(reading: Reading, *, streams: int, pace: int) -> bool:
    """Not one event in a thousand was late, none is missing from the rate, and every stream ended whole."""
    whole = not reading.failures and not reading.unfinished
    return whole and reading.late < _LATE_SHARE and reading.rate > 0.98 * streams * 1000 / pace


def settle(target: Target) -> bool:
    """Wait until the target has done what the last measurement has left it; whether it came to rest in time."""
    until = time.monotonic() + _QUIET_PATIENCE_SECONDS
    before = target.cpu_seconds()
    while time.monotonic() < until:
        time.sleep(_QUIET_SECONDS)
        now = target.cpu_seconds()
        if now - before <= _QUIET_SHARE * _QUIET_SECONDS:
            return True
        before = now
    return False


def _reading(window: Window, count: int, times: Sequence[float], *, total: int, late: int = 0) -> Reading:
    known = [one for one in times if not math.isnan(one)]
    return Reading(
        count=count,
        rate=count / window.seconds,
        cpu_each=window.cpu / count * 1e6 if count else float("nan"),
        busy=window.cpu / window.seconds,
        p50=figures.quantile(known, 0.50) * 1e3,
        p99=figures.quantile(known, 0.99) * 1e3,
        first_p99=figures.quantile(window.first_bytes, 0.99) * 1e3,
        late=late / count if count else 0.0,
        failures=window.failures,
        unfinished=window.unfinished,
        total=total,
    )
