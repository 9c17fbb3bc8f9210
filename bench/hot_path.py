"""Where the gateway's time goes: a cProfile of a loaded gateway, and the pure steps one by one."""

import pstats
import time
from collections.abc import Callable
from pathlib import Path

from bench.load import request
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_chat.request import read_chat
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.metrics import Metrics

_ROUNDS = 5
_CALLS = 2_000
_EVENT_LOOP = "runners.py:"  # uvloop runs inside it: its own time is that of waiting and of what is compiled


def profile(loaded: Path, idle: Path, *, count: int, lines: int) -> str:
    """The functions that took most time of their own, per request or event: `count` of them were profiled.

    What a gateway spends on starting and stopping, as `idle` shows, is taken off. Waiting for sockets is left out.
    """
    before = _own_times(idle)
    rows = []
    for name, (calls, own) in _own_times(loaded).items():
        calls_before, own_before = before.get(name, (0, 0.0))
        if not name.startswith(_EVENT_LOOP):
            rows.append(((own - own_before) / count * 1e6, (calls - calls_before) / count, name))
    rows.sort(reverse=True)
    shown = [f"| `{name}` | {calls:.1f} | {own:.1f} |" for own, calls, name in rows[:lines]]
    return "\n".join(["| function | calls each | own µs each |", "|---|--:|--:|", *shown])


def _own_times(path: Path) -> dict[str, tuple[int, float]]:
    """Calls and own seconds by function."""
    stats = pstats.Stats(str(path)).get_stats_profile().func_profiles
    return {
        f"{Path(one.file_name).name}:{one.line_number} {name}".removeprefix("~:0 "): (
            int(one.ncalls.partition("/")[0]),
            one.tottime,
        )
        for name, one in stats.items()
    }


def steps() -> str:
    """Microseconds of each pure step of a relayed request, the best of a few rounds."""
    raw = request("bench", key="none", model="bench", stream=False).partition(b"\r\n\r\n")[2]
    body = Body.decode(raw)
    metrics, usage = Metrics(), Usage(input=180, output=190)

    def count() -> None:
        metrics.request_ended(
            operation="chat", model="bench", provider="openai", seconds=0.3, status=200,
            error_type=None, usage=usage, time_to_first_chunk=None,
        )  # fmt: skip
        metrics.attempt_ended(upstream_key="bench/key", provider="openai", verdict="ok")

    rows = {
        f"decode a body of {len(raw)} bytes": lambda: Body.decode(raw),
        "check a chat request": lambda: read_chat(body.fields),
        "rename the model": lambda: body.edited({"model": "upstream-model"}),
        "all metrics of a request": count,
    }
    return "\n".join(f"| {name} | {_microseconds(call):.1f} |" for name, call in rows.items())


def _microseconds(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        for _ in range(_CALLS):
            call()
        best = min(best, (time.perf_counter() - begun) / _CALLS)
    return best * 1e6
