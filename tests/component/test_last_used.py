"""When a key was used last: written beside the requests, read for people."""

import asyncio
from collections.abc import Callable

from redis.asyncio import Redis

from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_gateway.metering.last_used import LastUsed


async def test_a_request_says_that_its_key_was_used(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    uid, key = customer.project.uid, customer.project.keys[0]
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "Hello!"}]}
        await caller.post("/v1/chat/completions", body)
    async with asyncio.timeout(20):
        while not (used := await world.redis.hgetall(keys.last_used(uid))):
            await asyncio.sleep(0.05)
    assert list(used) == [key.id.encode()]


async def test_a_key_is_written_once_a_minute_and_waits_for_a_redis_that_is_away(
    start_valkey: Callable[..., ValkeyServer],
) -> None:
    server, clock = start_valkey(), [1_000.0]
    async with Redis.from_url(server.url) as client:
        used = LastUsed(client, wall=lambda: clock[0])
        used.note("p1", "key_1")
        clock[0] += 30
        used.note("p1", "key_1")
        await used.flush()
        assert await used.of("p1") == {"key_1": 1_000.0}
        clock[0] += 31
        used.note("p1", "key_1")
        server.stop()
        await used.close()
        server.start()
        await used.flush()
        assert await used.of("p1") == {"key_1": 1_061.0}
        assert 0 < await client.ttl(keys.last_used("p1")) <= keys.LAST_USED_SECONDS
