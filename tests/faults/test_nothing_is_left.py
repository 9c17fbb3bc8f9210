"""After any number of requests a gateway holds what it held before: descriptors, tasks, objects of every type, keys."""

import asyncio
import re
from collections import Counter

import pytest

from harness.fake_provider import FakeProvider
from harness.mixed_load import MixedLoad, mixed_load
from harness.valkey import ValkeyServer
from harness.watched import Holdings, WatchedGateway
from harness.world import World

_WARM_ROUNDS = 5
_ROUNDS = 40
_AT_A_TIME = 4
# What is kept for one request or one connection grows by one a round at least; caches and pools stay far below.
_FEW = _ROUNDS // 2
_LOOKS = 12
_LOOK_SECONDS = 2.0


@pytest.mark.timeout(180)
async def test_a_gateway_holds_no_more_after_many_requests_than_after_a_few(
    valkey: ValkeyServer, encryption_keys: str, provider: FakeProvider
) -> None:
    gateway = WatchedGateway(redis_url=valkey.url, encryption_keys=encryption_keys)
    try:
        await gateway.launch()
        async with (
            World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as world,
            mixed_load(world, gateway, provider) as load,
        ):
            await _rounds(load, _WARM_ROUNDS)
            before, keys_before = await _at_rest(gateway, load), await _kinds(world)
            await _rounds(load, _ROUNDS)
            after, keys_after = await _at_rest(gateway, load, before), await _kinds(world)
    finally:
        gateway.__exit__()

    assert _has_grown(after, before) == {}
    assert {kind: count - keys_before[kind] for kind, count in keys_after.items() if count > keys_before[kind]} == {}


async def _rounds(load: MixedLoad, count: int) -> None:
    for number in range(count // _AT_A_TIME + 1):
        await asyncio.gather(*(load.round() for _ in range(_AT_A_TIME)))
        await load.changes(number)
    await load.rest()


async def _at_rest(gateway: WatchedGateway, load: MixedLoad, before: Holdings | None = None) -> Holdings:
    """What it holds once its clients' ends were noticed and settles need not be remembered any more (15 seconds).

    What is still too much after the last look is what the test is about.
    """
    for _ in range(_LOOKS):
        held = await asyncio.to_thread(gateway.holdings)
        if before is not None and _has_grown(held, before) == {}:
            break
        before = before or held
        await asyncio.sleep(_LOOK_SECONDS)
        await load.whole()  # with every settle, old ones are forgotten
        await load.rest()
    return held


def _has_grown(held: Holdings, before: Holdings) -> dict[str, int]:
    """What there is more of, and how much: tasks, descriptors, objects of one type."""
    grown = {name: more for name, more in held.grown(before).items() if more >= _FEW}
    if held.descriptors > before.descriptors:
        grown["descriptors"] = held.descriptors - before.descriptors
    tasks = {f"task {name!r}": count - before.tasks.get(name, 0) for name, count in held.tasks.items()}
    return grown | {name: more for name, more in tasks.items() if more > 0}


async def _kinds(world: World) -> Counter[str]:
    """How many keys that never expire are in Redis, by their names without ids."""
    found: Counter[str] = Counter()
    async for key in world.redis.scan_iter(count=1_000):
        if await world.redis.ttl(key) == -1:
            found[re.sub(r"\{[^}]*\}|[0-9a-f]{8,}|\d+", "…", key.decode())] += 1
    return found
