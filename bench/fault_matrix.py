"""`python -m bench.fault_matrix`: every way in which keys fail, under load, as a table in Markdown.

What clients see of it, and the wait that failing over adds. Exits with 1 where a client saw an error although one key
was well, where a stream ended as if it were whole, or a request was answered twice. A stream that breaks after its
content was sent on is the one fault that must be seen. Waits are only worth something on a quiet machine.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the harness that starts Valkey, gateways and providers

from bench import report
from harness.fault_cell import FIRST_TOKEN_SECONDS, Cell, Outcome, run_cell
from harness.fault_kinds import FAULT_KINDS, FaultKind
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring

_POOLS = ((1, 1), (2, 1), (8, 1), (8, 7))  # keys, and how many of them fail
_HEAD = "| fault | stream | keys (failing) | requests | errors | seen as | p50 | p99 | added to p99 |"
_LINE = "|---|---|--:|--:|--:|---|--:|--:|--:|"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fault_matrix", description="A pool whose keys fail.")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one cell (default: 2)")
    parser.add_argument("--clients", type=int, default=32, help="clients at once (default: 32)")
    parser.add_argument("--only", default="", metavar="TEXT", help="kinds whose name holds this text (default: all)")
    return parser.parse_args()


def _for(seconds: float) -> Callable[[int], bool]:
    until = time.monotonic() + seconds
    return lambda _: time.monotonic() < until


async def _measure(arguments: argparse.Namespace) -> list[str]:
    """Print a line for each cell; what was not as it must be."""
    encryption_keys = Keyring.generate()
    wrong: list[str] = []
    kinds = [kind for kind in FAULT_KINDS if arguments.only in kind.name]
    with ValkeyServer() as valkey:
        async with World(redis_url=valkey.url, encryption_keys=encryption_keys) as world:
            await world.apply()
            with GatewayProcess(redis_url=valkey.url, encryption_keys=encryption_keys, log_level="error") as gateway:
                world.gateways.append(gateway)
                usual: dict[tuple[bool, int], float] = {}
                for cell in _cells(kinds, arguments.clients):
                    outcome = await run_cell(world, gateway, cell, more=_for(arguments.seconds))
                    if cell.kind is None:
                        usual[cell.stream, cell.keys] = outcome.wait(0.99)
                    print(_row(cell, outcome, usual[cell.stream, cell.keys]), flush=True)
                    wrong += _faults(cell, outcome)
    return wrong


def _cells(kinds: list[FaultKind], clients: int) -> Iterator[Cell]:
    for keys, _ in groupby(_POOLS, key=lambda pool: pool[0]):
        for stream in (False, True):
            yield Cell(None, stream, keys, 0, clients)
    for kind in kinds:
        for stream in (False, True):
            for keys, bad in _POOLS:
                yield Cell(kind, stream, keys, bad, clients)


def _row(cell: Cell, outcome: Outcome, usual: float) -> str:
    name = "none" if cell.kind is None else cell.kind.name
    seen = ", ".join(f"{count}x {what}" for what, count in outcome.errors.most_common())
    p50, p99 = (f"{outcome.wait(share) * 1000:.0f} ms" if outcome.answers else "" for share in (0.5, 0.99))
    added = f"{(outcome.wait(0.99) - usual) * 1000:.0f} ms" if outcome.answers and cell.kind is not None else ""
    asked = outcome.answers + sum(outcome.errors.values())
    pool = f"{cell.keys} ({cell.bad})"
    share = f"{outcome.error_share:.1%}"
    return (
        f"| {name} | {'yes' if cell.stream else 'no'} | {pool} | {asked} | {share} | {seen} | {p50} | {p99} | {added} |"
    )


def _faults(cell: Cell, outcome: Outcome) -> Iterator[str]:
    kind = cell.kind
    where = f"{'no fault' if kind is None else kind.name!r}, stream {cell.stream}, {cell.bad} of {cell.keys} keys"
    must_be_seen = kind is not None and kind.reaches_client and cell.stream
    if outcome.errors and cell.bad < cell.keys and not must_be_seen:
        yield f"{where}: clients saw {dict(outcome.errors)}"
    if outcome.false_ends:
        yield f"{where}: {outcome.false_ends} partial answers ended as if they were whole"
    if outcome.twice:
        yield f"{where}: {outcome.twice} requests were answered more than once, or unseen"


def main() -> int:
    """Measure and print."""
    arguments = _arguments()
    logging.basicConfig(level=logging.ERROR)
    print(f"{report.machine()}\n\nFirst-token timeout {FIRST_TOKEN_SECONDS:g} s; {arguments.clients} clients.\n")
    print(f"{_HEAD}\n{_LINE}")
    wrong = asyncio.run(_measure(arguments))
    print("\n" + ("\n".join(f"- {one}" for one in wrong) if wrong else "Everything is as it must be."))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
