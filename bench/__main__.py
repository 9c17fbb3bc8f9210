"""`python -m bench`: measure havuz beside its peers in one interleaved session, and print tables in Markdown.

Every target is asked in turn in each round, so that a machine that slows down slows all of them down.
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the harness that starts Valkey and makes configuration

from bench import conversion, cpu, gateways, hot_path, measure, redis_cost, report, sections, sizing, tables
from bench.measure import Book
from bench.peers import PEERS, Missing
from bench.processes import Processes, Target
from bench.sections import Effort
from bench.upstream import Upstream, provider

HAVUZ = "havuz"
_PARTS = ("memory", "peers", "ladder", "soak", "tls", "variants", "redis", "steps", "profile")
_TLS = ", TLS to the provider"
_PROFILE_LINES = 25
_MILLION_SECONDS = 900.0
_SOAK_SECONDS = 5.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each target is measured (default: 3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (default: 2)")
    parser.add_argument("--streams", type=int, default=500, help="paced streams side by side (default: 500)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="targets whose names begin so")
    parser.add_argument("--skip", nargs="+", default=[], metavar="NAME", help="leave out targets whose names begin so")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="parts (default: all)")
    parser.add_argument("--million", action="store_true", help="soak each target with a million requests")
    return parser.parse_args()


class Session:
    """One run: the targets that there are, what is measured of them, and what is said about it."""

    def __init__(self, arguments: argparse.Namespace, processes: Processes) -> None:
        self.book = Book()
        self.effort = Effort(
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            streams=arguments.streams,
            soak_requests=1_000_000 if arguments.million else 100_000,
            soak_seconds=_MILLION_SECONDS if arguments.million else _SOAK_SECONDS,
        )
        self._parts = arguments.parts
        self._only = [name.lower() for name in arguments.only]
        self._skip = [name.lower() for name in arguments.skip]
        self._processes = processes
        self._missing: dict[str, str] = {}
        self.provider = provider(processes)
        self._served = gateways.serve(processes, self.provider.clear)

    def wants(self, name: str) -> bool:
        """Whether a target was asked for."""
        lower = name.lower()
        chosen = not self._only or any(lower.startswith(one) for one in self._only)
        return chosen and not any(lower.startswith(one) for one in self._skip)

    def run(self) -> None:
        """Measure, and print each part as soon as it is there."""
        targets = list(self._peers(self.provider.clear, lambda: gateways.gateway(self._processes, HAVUZ, self._served)))
        print(report.session(f"python -m bench {shlex.join(sys.argv[1:])}".strip(), targets))
        print("".join(f"- missing: {name}, since {why}\n" for name, why in self._missing.items()), flush=True)
        self._beside(targets)
        for name, part in {"tls": self._tls, "variants": self._variants, "redis": self._redis}.items():
            if name in self._parts and (name == "tls" or self.wants(HAVUZ)):
                self._one(name, part, targets)
        if "steps" in self._parts:
            print(f"### The pure steps of a request\n\n| step | µs |\n|---|--:|\n{hot_path.steps()}\n")
            print(f"### Translation, without sockets\n\n{conversion.table()}\n")

    def _one(self, name: str, part: Callable[[list[Target]], None], targets: list[Target]) -> None:
        """A part whose failure is told, and costs no other part."""
        try:
            part(targets)
        except (OSError, RuntimeError) as error:
            print(f"{name} is missing: {error}\n", flush=True)

    def _peers(self, upstream: Upstream, havuz: Callable[[], Target]) -> Iterator[Target]:
        for name, start in {**PEERS, HAVUZ: lambda *_: havuz()}.items():
            if self.wants(name):
                print(f"starting {name}", file=sys.stderr, flush=True)
                try:
                    yield start(self._processes, upstream)
                except (Missing, RuntimeError) as error:
                    self._missing[name] = str(error)

    def _beside(self, targets: list[Target]) -> None:
        book, effort, direct = self.book, self.effort, self.provider.itself.name
        names = [one.name for one in targets]
        if "memory" in self._parts:
            sections.memory(book, targets, effort)
        if "peers" in self._parts:
            sections.peers(book, [self.provider.itself, *targets], effort)
            if "ladder" in self._parts:
                sections.ladder(book, [self.provider.itself, *targets], effort)
            print(f"### Requests\n\n{tables.requests(book, [direct, *names], direct)}\n")
            print(f"### Streams\n\n{tables.streams(book, [direct, *names], direct, effort)}\n")
            print(f"### CPU as ratios\n\n{tables.ratios(book, names, direct, effort)}\n", flush=True)
        if "soak" in self._parts:
            sections.soak(book, targets, effort)
        if {"memory", "soak"} & set(self._parts):
            print(f"### Memory\n\n{tables.memory(book, names)}\n", flush=True)

    def _tls(self, targets: list[Target]) -> None:
        sealed = gateways.serve(self._processes, self.provider.sealed)
        over = list(self._peers(self.provider.sealed, lambda: gateways.gateway(self._processes, HAVUZ, sealed)))
        renamed = [_renamed(one, one.name + _TLS) for one in over]
        turns = sorted([*targets, *renamed], key=lambda one: one.name)  # each beside itself over TLS
        sections.plain(self.book, turns, self.effort, what="tls")
        pairs = [(one.name, one.name + _TLS) for one in over]
        print(f"### TLS to the provider\n\n{tables.pairs(self.book, pairs, 'TLS')}\n", flush=True)
        self._stop(over)

    def _redis(self, _: list[Target]) -> None:
        target = gateways.gateway(self._processes, "reserved and settled", self._served)
        url, seconds = self._served.redis_url, self.effort.seconds
        found, each = redis_cost.table(url, target, connections=measure.CONNECTIONS, seconds=seconds)
        print(f"### Redis\n\n{found}\n", flush=True)
        self._sizing(each)
        self._stop([target])

    def _sizing(self, redis_each: float) -> None:
        book, effort = self.book, self.effort
        costs = sizing.Costs(
            request=book.median(HAVUZ, sections.requests_name(32), "cpu_each"),
            event=book.median(HAVUZ, sections.streams_name(sections.streams_of(book, HAVUZ, effort)), "cpu_each"),
            idle_mib=book.notes.get((HAVUZ, "idle"), float("nan")),
            stream_kib=book.notes.get((HAVUZ, "per stream"), float("nan")),
            redis=redis_each,
        )
        if plan := sizing.table(costs):
            print(f"### What that comes to\n\nHalf of the requests are streams of 200 events, 20 ms apart.\n\n{plan}\n")

    def _stop(self, targets: list[Target]) -> None:
        for one in targets:
            self._processes.stop(one)

    def _variants(self, _: list[Target]) -> None:
        start, served = gateways.gateway, self._served
        targets = [
            start(self._processes, "everything on", served),
            start(self._processes, "usage counted, nothing reserved", served, paying=False),
            start(self._processes, "metering off", served, paying=False, module="bench.uncounted"),
            start(self._processes, "chat to Messages", served, translated=True),
            start(self._processes, "1 % traced", served, traced=0.01),
            start(self._processes, "every request traced", served, traced=1.0),
            start(self._processes, "providers called by aiohttp", served, environment={"HAVUZ_HTTP_CLIENT": "aiohttp"}),
            start(self._processes, "requests read by aiohttp", served, environment={"HAVUZ_HTTP_SERVER": "aiohttp"}),
        ]
        sections.plain(self.book, targets, self.effort, what="variants")
        base, counted, off, *others = (one.name for one in targets)
        print("### havuz in variants\n")
        print(tables.pairs(self.book, [(off, counted), (off, base)], "metering") + "\n")
        print(f"Metering of a request: {tables.share(self.book, with_it=base, without=off)}\n")
        print(tables.pairs(self.book, [(base, other) for other in others], "beside everything on") + "\n", flush=True)
        self._stop(targets)


def _renamed(target: Target, name: str) -> Target:
    return Target(name, target.port, target.pid, target.key, target.model, target.headers, target.version)


def _profiles(processes: Processes, effort: Effort) -> None:
    served = gateways.serve(processes, provider(processes).clear)
    idle, loaded = processes.folder / "idle.prof", processes.folder / "loaded.prof"
    processes.stop(gateways.gateway(processes, "idle", served, profile=idle))
    for what in ("request", "streamed event"):
        target = gateways.gateway(processes, "profiled", served, profile=loaded)
        if what == "request":
            reading = measure.requests(target, connections=32, seconds=2 * effort.seconds, warmed=True)
        else:
            reading = measure.paced(target, streams=25, seconds=2 * effort.seconds)
        processes.stop(target)
        print(f"### A relayed {what} under cProfile, which slows it down\n")
        print(hot_path.profile(loaded, idle, count=reading.total, lines=_PROFILE_LINES), end="\n\n")


def main(arguments: argparse.Namespace) -> int:
    """Measure and print. The exit code is 1 when havuz failed requests."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    chosen, begun = cpu.cores(), time.monotonic()
    if chosen is None:
        print("One core only: load and servers share it, so rates say little.\n")
    else:
        os.sched_setaffinity(0, {chosen[1]})
    core = chosen[0] if chosen else None
    with Processes(core) as processes:
        session = Session(arguments, processes)
        session.run()
    if "profile" in arguments.parts and session.wants(HAVUZ):
        with Processes(core) as processes:
            try:
                _profiles(processes, session.effort)
            except (OSError, RuntimeError) as error:
                print(f"profile is missing: {error}\n")
    print(f"{time.monotonic() - begun:.0f} s in all.")
    return _judged(session.book.failed())


def _judged(failed: dict[str, int]) -> int:
    for target, count in failed.items():
        print(f"{target}: {count} requests were refused, or their answers cut")
    return 1 if any(name.startswith(HAVUZ) for name in failed) else 0


if __name__ == "__main__":
    sys.exit(main(_arguments()))
