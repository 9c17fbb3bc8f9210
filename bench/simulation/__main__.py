"""`python -m bench.simulation`: a fleet in virtual time, as a table in Markdown.

The pool, health, breakers and the choice of keys are the product's own code; requests, providers and Redis are not
there: requests come at random (Poisson), answers take half a second on average, refusals 50 ms, and a verdict reaches
every other pod after `--delay`. The first scenario is played by a whole fleet, to see what it costs to tell everybody;
the longer ones by a sample of it, in which each pod has all of its 100 requests a second and all of the keys, so that
what one pod sees is as in the fleet.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # the harness that makes configuration

from bench.simulation.events import Simulation
from bench.simulation.scenarios import SCENARIOS, Row

_HEAD = (
    "| 30 % of the keys are | pods | requests | errors | attempts/request, worst second | all pods know after "
    "| share is back after | over the limit | told | entries | at most/s | bytes/s into Redis | out of Redis | CPU |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description="A fleet in virtual time.")
    parser.add_argument("--fleet", type=int, default=1_000, help="gateways in the first scenario (default: 1000)")
    parser.add_argument("--pods", type=int, default=10, help="gateways in the others (default: 10)")
    parser.add_argument("--keys", type=int, default=200, help="upstream keys (default: 200)")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second at each gateway (default: 100)")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds until a verdict is heard (default: 0.1)")
    parser.add_argument("--only", choices=SCENARIOS, help="one scenario (default: all)")
    return parser.parse_args()


def main() -> int:
    """Run and print. The exit code is 1 when a dead key was still asked at the end, or did not come back."""
    arguments = _arguments()
    print(
        f"{arguments.keys} keys, {arguments.rate:,.0f} requests a second at each pod, "
        f"verdicts heard after {arguments.delay:g} s\n\n{_HEAD}"
    )
    well = True
    for name, scenario in SCENARIOS.items():
        if arguments.only in (None, name):
            began = time.process_time()
            pods = arguments.fleet if name == "noticed" else arguments.pods
            simulation = Simulation(pods=pods, keys=arguments.keys, rate=arguments.rate, delay=arguments.delay, seed=1)
            row = scenario(simulation)
            print(_line(row, pods, time.process_time() - began), flush=True)
            well = well and float("inf") not in (row.known_after, row.back_after)
    return 0 if well else 1


def _line(row: Row, pods: int, took: float) -> str:
    cells = (
        row.name,
        f"{pods:,}",
        f"{row.requests:,}",
        f"{row.errors / row.requests:.4%}",
        f"{row.attempts_peak:.3f}",
        _seconds(row.known_after),
        _seconds(row.back_after),
        "" if row.overshoot is None else f"{row.overshoot:.1%}",
        f"{row.calls:,}",
        f"{row.messages:,}",
        f"{row.messages_peak:,}",
        _bytes(row.bytes_in_peak),
        _bytes(row.bytes_out_peak * pods),
        f"{took:.0f} s",
    )
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


if __name__ == "__main__":
    sys.exit(main())
