"""One measurement of one target, and the summary of several."""

import asyncio
import statistics
import time
from dataclasses import dataclass, field

from bench import cpu, load
from bench.targets import Target

_WARM_UP_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of `count` requests or events. CPU in µs of the target's own time, latencies in ms, memory in MiB."""

    count: int
    rate: float
    cpu_each: float
    p50: float
    p99: float
    memory: float
    failures: int


@dataclass(slots=True)
class Results:
    """The readings of one target, one per round."""

    target: Target
    requests: list[Reading] = field(default_factory=list)
    streams: list[Reading] = field(default_factory=list)


def median(readings: list[Reading], name: str) -> float:
    """The median of one column; NaN where nothing was measured."""
    return statistics.median(getattr(one, name) for one in readings) if readings else float("nan")


def requests(target: Target, *, connections: int, seconds: float, warm_up: float = _WARM_UP_SECONDS) -> Reading:
    """Whole answers, one after the other on each connection. `rate` is requests a second."""
    payload = load.request(f"127.0.0.1:{target.port}", key=target.key, model=target.model, stream=False)
    if warm_up:
        asyncio.run(load.run(target.port, payload, connections=connections, seconds=warm_up))
    return _measured(target, payload, connections=connections, seconds=seconds, per_event=False)


def streams(target: Target, *, connections: int, seconds: float) -> Reading:
    """Paced streams side by side. `rate` is events a second, latencies are those to the first byte."""
    payload = load.request(f"127.0.0.1:{target.port}", key=target.key, model=target.model, stream=True)
    return _measured(target, payload, connections=connections, seconds=seconds, per_event=True)


def _measured(target: Target, payload: bytes, *, connections: int, seconds: float, per_event: bool) -> Reading:
    cpu_before, begun = cpu.cpu_seconds(target.pids), time.perf_counter()
    tally = asyncio.run(load.run(target.port, payload, connections=connections, seconds=seconds))
    wall, used = time.perf_counter() - begun, cpu.cpu_seconds(target.pids) - cpu_before
    count = tally.events if per_event else tally.requests
    latencies = tally.first_bytes if per_event else tally.latencies
    return Reading(
        count=count,
        rate=count / wall,
        cpu_each=used / count * 1e6 if count else float("nan"),
        p50=load.quantile(latencies, 0.50) * 1e3,
        p99=load.quantile(latencies, 0.99) * 1e3,
        memory=cpu.memory_mib(target.pids),
        failures=tally.failures,
    )
