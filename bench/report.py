"""What was measured, as Markdown."""

import platform
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Reading, Results, median

_HEAD = (
    "| target | requests/s | CPU µs/request | ratio | p50 / p99 ms "
    "| CPU µs/event | ratio | first byte p50 / p99 ms | memory MiB |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def table(results: Sequence[Results]) -> str:
    """One line per target: medians over the rounds, ratios to the last target, the reference."""
    reference = results[-1]
    return "\n".join([_HEAD, *(_line(one, reference) for one in results)])


def machine() -> str:
    """What it was measured on, in one line."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    cpu_name = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{cpu_name}, {len(names) or '?'} cores, {platform.system()}, Python {platform.python_version()}"


def failures(results: Sequence[Results]) -> list[str]:
    """A sentence per target that did not answer everything with 200."""
    lost = {one.target.name: sum(reading.failures for reading in one.requests + one.streams) for one in results}
    return [f"{name}: {count} requests failed, so its figures say nothing" for name, count in lost.items() if count]


def share_of(what: str, *, with_it: str, without: str, results: Sequence[Results]) -> str:
    """A sentence on what makes the difference between two targets: its share of the CPU of a request with it."""
    each = {one.target.name: median(one.requests, "cpu_each") for one in results}
    more = each[with_it] - each[without]
    share, ratio = more / each[with_it], each[with_it] / each[without]
    return f"\n{what}: {more:.0f} µs of CPU a request, which is {share:.0%} of its CPU and {ratio:.2f} times without\n"


def times_of(what: str, *, with_it: str, without: str, results: Sequence[Results]) -> str:
    """A sentence on how many times the CPU of a target without it something costs, by request and by event."""
    of = {one.target.name: one for one in results}
    each = [
        median(getattr(of[with_it], kind), "cpu_each") / median(getattr(of[without], kind), "cpu_each")
        for kind in ("requests", "streams")
    ]
    return f"{what}: {each[0]:.2f} times the CPU of a request, {each[1]:.2f} times that of a streamed event\n"


def _line(one: Results, reference: Results) -> str:
    cells = [
        one.target.name,
        f"{median(one.requests, 'rate'):,.0f}",
        f"{median(one.requests, 'cpu_each'):.0f}",
        _ratio(one.requests, reference.requests),
        f"{median(one.requests, 'p50'):.1f} / {median(one.requests, 'p99'):.1f}",
        f"{median(one.streams, 'cpu_each'):.1f}",
        _ratio(one.streams, reference.streams),
        f"{median(one.streams, 'p50'):.1f} / {median(one.streams, 'p99'):.1f}",
        f"{median(one.streams, 'memory'):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _ratio(readings: list[Reading], reference: list[Reading]) -> str:
    return f"{median(readings, 'cpu_each') / median(reference, 'cpu_each'):.2f}"
