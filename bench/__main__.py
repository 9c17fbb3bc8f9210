"""`python -m bench`: measure, and print tables in Markdown.

Every target is asked in turn in each round, so that a machine that slows down slows all of them down.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the harness that starts Valkey and makes configuration

from bench import conversion, cpu, hot_path, measure, report
from bench.targets import Bench, Target

_PACE_SECONDS = 0.02
_EVENTS = 100
_PROFILE_LINES = 25
_RELAYED = "havuz"
_METERED = "havuz, metered"
_UNCOUNTED = "havuz, metering off"
_TRANSLATED = "havuz, chat to Messages"
_BY_AIOHTTP = "havuz, providers called by aiohttp"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3, help="how often each target is measured (default: 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement (default: 5)")
    parser.add_argument("--connections", type=int, default=32, help="requests under way at once (default: 32)")
    parser.add_argument("--streams", type=int, default=100, help="paced streams side by side (default: 100)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only the table of these targets")
    parser.add_argument("--no-profile", action="store_true", help="skip the profile")
    return parser.parse_args()


def _traced(provider: int, share: float) -> dict[str, str]:
    """Environment of a gateway that traces a share of its requests. The provider answers as collector, too."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{provider}", "HAVUZ_TRACE_RATIO": str(share)}


def _targets(bench: Bench, provider: int) -> list[Target]:
    served = bench.configuration(provider)
    targets = [
        bench.gateway(_RELAYED, served, environment=_traced(provider, 0.0)),
        bench.gateway(_BY_AIOHTTP, served, environment={**_traced(provider, 0.0), "HAVUZ_HTTP_CLIENT": "aiohttp"}),
        bench.gateway(_TRANSLATED, served, environment=_traced(provider, 0.0), translated=True),
        bench.gateway(_METERED, served, environment=_traced(provider, 0.0), paying=True),
        bench.gateway(_UNCOUNTED, served, environment=_traced(provider, 0.0), module="bench.uncounted"),
        bench.gateway("havuz, every request traced", served, environment=_traced(provider, 1.0)),
        bench.plain_proxy(provider),
    ]
    nginx = bench.nginx(provider)
    if nginx is None:
        print("nginx is not installed: its line is missing, and the plain proxy is the reference\n")
        return targets
    return [*targets, nginx]


def _measure(bench: Bench, arguments: argparse.Namespace) -> list[measure.Results]:
    provider = bench.provider(pace=_PACE_SECONDS, events=_EVENTS)
    targets = _targets(bench, provider)
    results = [measure.Results(one) for one in targets if arguments.only is None or one.name in arguments.only]
    chosen = cpu.cores()
    for one in results:
        for pid in one.target.pids if chosen else ():
            cpu.pin(pid, chosen[0] if chosen else 0)
    for number in range(1, arguments.rounds + 1):
        for one in results:
            print(f"round {number}: {one.target.name}", file=sys.stderr)
            seconds = arguments.seconds
            one.requests.append(measure.requests(one.target, connections=arguments.connections, seconds=seconds))
            one.streams.append(measure.streams(one.target, connections=arguments.streams, seconds=seconds))
    return results


def _profiles(bench: Bench, arguments: argparse.Namespace) -> None:
    provider = bench.provider(pace=_PACE_SECONDS, events=_EVENTS)
    served = bench.configuration(provider)
    idle, loaded = bench.folder / "idle.prof", bench.folder / "loaded.prof"
    bench.stop(bench.gateway("idle", served, environment=_traced(provider, 0.0), profile=idle))
    for what in ("request", "streamed event"):
        target = bench.gateway("profiled", served, environment=_traced(provider, 0.0), profile=loaded)
        if what == "request":
            reading = measure.requests(
                target, connections=arguments.connections, seconds=arguments.seconds, warm_up=0.0
            )
        else:
            reading = measure.streams(target, connections=arguments.streams // 4, seconds=arguments.seconds)
        bench.stop(target)
        print(f"A relayed {what} under cProfile, which slows it down:\n")
        print(hot_path.profile(loaded, idle, count=reading.count, lines=_PROFILE_LINES), end="\n\n")


def main() -> int:
    """Measure and print. The exit code is 1 when a target failed requests."""
    arguments = _arguments()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    chosen = cpu.cores()
    print(f"{report.machine()}\n")
    if chosen is None:
        print("one core only: load and servers share it, so rates say little\n")
    else:
        os.sched_setaffinity(0, {chosen[1]})
    with Bench() as bench:
        results = _measure(bench, arguments)
    print(report.table(results))
    failures = report.failures(results)
    print("".join(f"\n{line}" for line in failures))
    if arguments.only is None:
        _more(results, arguments)
    return 1 if failures else 0


def _more(results: list[measure.Results], arguments: argparse.Namespace) -> None:
    """What is made of the table, and where the time goes."""
    print(report.share_of("Metering", with_it=_METERED, without=_UNCOUNTED, results=results))
    print(report.times_of("Translating", with_it=_TRANSLATED, without=_RELAYED, results=results))
    print(f"| step | µs |\n|---|--:|\n{hot_path.steps()}\n")
    print(f"{conversion.table()}\n")
    if not arguments.no_profile:
        with Bench() as bench:
            _profiles(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
