"""How many pods and Redis primaries some load needs, by what a session has measured. Pure arithmetic."""

import math
from dataclasses import dataclass

_POD_SHARE = 0.6  # of its core that a pod is planned to use: the rest is for bursts, a lost pod and a slow neighbour
_REDIS_SHARE = 0.5  # of its core that a primary is planned to use: scripts wait for each other
_STREAMED = 0.5  # share of the requests that are streams
_EVENTS = 200  # of a stream
_PACE_SECONDS = 0.02
_RATES = (100, 1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured: µs of a gateway's CPU by request and event, MiB and KiB of its memory, µs of Redis by request."""

    request: float
    event: float
    idle_mib: float
    stream_kib: float
    redis: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rate of requests needs."""

    streams: int  # open at once
    pods: int  # of one core each
    pod_mib: float
    primaries: int


def plan(costs: Costs, rate: float) -> Plan:
    """What `rate` requests a second need, half of which are streams of 200 events, 20 ms apart."""
    streams = rate * _STREAMED * _EVENTS * _PACE_SECONDS
    cores = rate * (costs.request + _STREAMED * _EVENTS * costs.event) / 1e6
    pods = max(1, math.ceil(cores / _POD_SHARE))
    return Plan(
        streams=round(streams),
        pods=pods,
        pod_mib=costs.idle_mib + streams / pods * costs.stream_kib / 1024,
        primaries=max(1, math.ceil(rate * costs.redis / 1e6 / _REDIS_SHARE)),
    )


def table(costs: Costs) -> str:
    """Markdown: one line for each rate. Empty where a figure was not measured."""
    if any(math.isnan(one) for one in (costs.request, costs.event, costs.idle_mib, costs.stream_kib, costs.redis)):
        return ""
    rows = [
        "| requests/s | streams open | pods of one core | MiB of each | Redis primaries |",
        "|--:|--:|--:|--:|--:|",
    ]
    for rate in _RATES:
        one = plan(costs, rate)
        rows.append(f"| {rate:,} | {one.streams:,} | {one.pods:,} | {one.pod_mib:.0f} | {one.primaries} |")
    return "\n".join(rows)
