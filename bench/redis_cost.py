"""What a request costs in Redis, as the server itself counts it: commands, microseconds and bytes of each request."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from bench import measure
from bench.processes import Target

_SCRIPTS = ("evalsha", "eval", "fcall")


@dataclass(frozen=True, slots=True)
class _Count:
    """What a server has done since it started. Seconds and bytes."""

    scripts: int
    script_seconds: float
    cpu: float
    bytes_in: int
    bytes_out: int


def table(url: str, target: Target, *, connections: Sequence[int], seconds: float) -> tuple[str, float]:
    """Markdown with a line for each number of connections, and µs of Redis by request in the last of them.

    The target is one whose requests are reserved and settled.
    """
    each = float("nan")
    rows = [
        "| connections | requests/s | scripts a request | µs a script | CPU µs of Redis a request | bytes in, out |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    with redis.Redis.from_url(url) as client:
        for count in connections:
            before = _count(client)
            reading = measure.requests(target, connections=count, seconds=seconds, warmed=True)
            measure.settle(target)
            after = _count(client)
            rows.append(f"| {count} | {reading.rate:,.0f} | {_line(before, after, reading.total)} |")
            each = (after.cpu - before.cpu) / reading.total * 1e6
    return "\n".join(rows), each


def _line(before: _Count, after: _Count, requests: int) -> str:
    scripts = after.scripts - before.scripts
    cells = [
        f"{scripts / requests:.2f}",
        f"{(after.script_seconds - before.script_seconds) / scripts * 1e6:.1f}" if scripts else "–",
        f"{(after.cpu - before.cpu) / requests * 1e6:.0f}",
        f"{(after.bytes_in - before.bytes_in) / requests:,.0f}, {(after.bytes_out - before.bytes_out) / requests:,.0f}",
    ]
    return " | ".join(cells)


def _count(client: "redis.Redis") -> _Count:
    commands, used, stats = (client.info(section) for section in ("commandstats", "cpu", "stats"))
    told = [commands[f"cmdstat_{name}"] for name in _SCRIPTS if f"cmdstat_{name}" in commands]
    return _Count(
        scripts=sum(one["calls"] for one in told),
        script_seconds=sum(one["usec"] for one in told) / 1e6,
        cpu=used["used_cpu_sys"] + used["used_cpu_user"],
        bytes_in=stats["total_net_input_bytes"],
        bytes_out=stats["total_net_output_bytes"],
    )
