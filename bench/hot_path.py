"""Where the gateway's time goes: a cProfile of a loaded gateway, and the pure steps one by one."""

import pstats
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench.load import request
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_chat.request import read_chat
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.metrics import Metrics

_ROUNDS = 5
_CALLS = 2_000
_PACKAGES = 12
_EVENT_LOOP = "runners.py:"  # uvloop runs inside it: its own time is that of waiting and of what is compiled

_Times = dict[tuple[str, str], tuple[int, float]]  # (package, function) → calls and own seconds


def profile(loaded: Path, idle: Path, *, count: int, lines: int) -> str:
    """Own time by package and by function, per request or event: `count` of them were profiled.

    What a gateway spends on starting and stopping, as `idle` shows, is taken off. Waiting for sockets is left out.
    """
    functions = _difference(_own_times(loaded), _own_times(idle))
    packages: defaultdict[str, float] = defaultdict(float)
    for (package, _), (_, own) in functions.items():
        packages[package] += own
    by_package = sorted(((own, package) for package, own in packages.items()), reverse=True)
    rows = sorted(((own, calls, name) for (_, name), (calls, own) in functions.items()), reverse=True)
    return "\n".join(
        [
            "| package | own µs each |",
            "|---|--:|",
            *(f"| {package} | {own / count * 1e6:.1f} |" for own, package in by_package[:_PACKAGES]),
            "",
            "| function | calls each | own µs each |",
            "|---|--:|--:|",
            *(f"| `{name}` | {calls / count:.1f} | {own / count * 1e6:.1f} |" for own, calls, name in rows[:lines]),
        ]
    )


def _own_times(path: Path) -> _Times:
    stats = pstats.Stats(str(path)).get_stats_profile().func_profiles
    return {
        (_package(one.file_name), f"{Path(one.file_name).name}:{one.line_number} {name}".removeprefix("~:0 ")): (
            int(one.ncalls.partition("/")[0]),
            one.tottime,
        )
        for name, one in stats.items()
    }


def _difference(after: _Times, before: _Times) -> _Times:
    nothing = (0, 0.0)
    return {
        key: (calls - before.get(key, nothing)[0], own - before.get(key, nothing)[1])
        for key, (calls, own) in after.items()
        if not key[1].startswith(_EVENT_LOOP)
    }


def _package(file_name: str) -> str:
    """`havuz_gateway.pipeline`, `aiohttp`, `asyncio`: as fine as helps to see where time goes."""
    parts = Path(file_name).parts
    if "havuz_gateway" in parts:
        return ".".join(Path(file_name).with_suffix("").parts[parts.index("havuz_gateway") :][:2])
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    return "asyncio" if "asyncio" in parts else "built-ins and the standard library"


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
