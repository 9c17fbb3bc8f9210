"""`python -m bench.soak`: a real gateway under a constant mixed load for an hour, and whether it grows.

Every kind of request in turn (`harness.mixed_load`) and a change of the configuration every few seconds. What the
gateway holds is counted inside of it; growth is the slope of a line through all looks after the first ones, so that two
unlucky moments say nothing. Exits with 1 where it grows beyond the bounds.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the harness that starts Valkey, provider and gateway

from harness.fake_provider import FakeProvider
from harness.mixed_load import MixedLoad, mixed_load
from harness.valkey import ValkeyServer
from harness.watched import WatchedGateway
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring

_WARM_SHARE = 0.25  # of the looks that are not judged: caches, pools and the allocator find their size
_CHANGE_SECONDS = 5.0
_SETTINGS = {"usage_events": "1000"}  # kept in Redis: few, so that what Redis holds becomes steady, too
# How much more there may be at the end of the judged time than at its beginning.
_BOUNDS = {"resident KiB": 3_072.0, "objects": 3_000.0, "descriptors": 4.0, "tasks": 4.0}


@dataclass(frozen=True, slots=True)
class Look:
    """What there was at a moment, `seconds` after the start."""

    seconds: float
    requests: int
    values: dict[str, float]


def growth(looks: Sequence[Look], name: str) -> float:
    """By how much a value grew from the first look to the last, along the line of least squares."""
    times, values = [look.seconds for look in looks], [look.values[name] for look in looks]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (value - mean) for at, value in zip(times, values, strict=True)) / spread
    return slope * (times[-1] - times[0])


async def _look(gateway: WatchedGateway, world: World, requests: int, seconds: float) -> Look:
    held = await asyncio.to_thread(gateway.holdings)
    redis = await world.redis.info("memory")
    values = {
        "resident KiB": float(held.resident),
        "objects": float(sum(held.objects.values())),
        "descriptors": float(held.descriptors),
        "tasks": float(sum(held.tasks.values())),
        "Redis KiB": redis["used_memory"] / 1024,
    }
    shown = " | ".join(f"{value:.0f}" for value in values.values())
    print(f"| {seconds / 60:.1f} | {requests} | {shown} |", flush=True)
    return Look(seconds, requests, values)


async def _load(load: MixedLoad, provider: FakeProvider, *, rate: float) -> None:
    """Rounds at `rate` requests a second, until cancelled; some on new connections."""
    changed = time.monotonic()
    for number in itertools.count():
        began, before = time.monotonic(), load.requests
        await asyncio.gather(load.round(), load.round())
        provider.requests.clear()
        if began - changed > _CHANGE_SECONDS:
            await load.changes(number)
            await load.rest()
            changed = began
        await asyncio.sleep(max(0.0, (load.requests - before) / rate - (time.monotonic() - began)))


async def _soak(options: argparse.Namespace) -> list[Look]:
    ring, looks = Keyring.generate(), []
    with ValkeyServer() as server:
        async with World(redis_url=server.url, encryption_keys=ring) as world, FakeProvider() as provider:
            await world.apply()
            with WatchedGateway(redis_url=server.url, encryption_keys=ring, **_SETTINGS) as gateway:
                world.gateways.append(gateway)
                async with mixed_load(world, gateway, provider) as load:
                    loading = asyncio.create_task(_load(load, provider, rate=options.rate), name="load")
                    began = time.monotonic()
                    while time.monotonic() - began < options.minutes * 60:
                        await asyncio.wait([loading], timeout=options.every)
                        if loading.done():
                            await loading  # it ends by an error only
                        looks.append(await _look(gateway, world, load.requests, time.monotonic() - began))
                    loading.cancel()
                    await asyncio.gather(loading, return_exceptions=True)
    return looks


def _judge(looks: Sequence[Look]) -> int:
    """Print what grew; the exit code."""
    judged = looks[int(len(looks) * _WARM_SHARE) :]
    requests = judged[-1].requests - judged[0].requests
    print(f"\n{requests} requests in the judged {(judged[-1].seconds - judged[0].seconds) / 60:.1f} minutes:")
    failed = False
    for name in judged[0].values:
        more, bound = growth(judged, name), _BOUNDS.get(name)
        beyond = bound is not None and more > bound
        failed = failed or beyond
        limit = "not judged" if bound is None else f"bound {bound:.0f}{', EXCEEDED' if beyond else ''}"
        print(f"- {name}: {more:+.1f} ({limit})")
    return int(failed)


def main() -> int:
    """Soak and judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second (default: 50)")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two looks (default: 30)")
    options = parser.parse_args()
    print("| minutes | requests | resident KiB | objects | descriptors | tasks | Redis KiB |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    return _judge(asyncio.run(_soak(options)))


if __name__ == "__main__":
    sys.exit(main())
