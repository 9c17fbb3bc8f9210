"""Redis that forgets what it had acknowledged, as a failover to a replica that was behind does, or a power cut.

The server is brought back as it was at its last `SAVE`; the gateways live on, and know better.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from harness.metering import account_of, admission, credit, customer, metering, prepaid, settled, settlement
from harness.paying import eventually
from harness.valkey import ValkeyServer
from havuz_contract.snapshot.models import Project
from havuz_gateway.metering.ledger import usage_events, verify
from havuz_gateway.metering.redis_meter import RedisMeter


@pytest.fixture
def server(start_valkey: type[ValkeyServer]) -> ValkeyServer:
    return start_valkey()


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


async def _come_back(meter: RedisMeter, server: ValkeyServer, redis: Redis) -> None:
    """Lose what was written since the last `SAVE`, and wait until the meter has noticed and done what it can."""
    server.stop()
    await eventually(lambda: _is(meter, up=False), 10)
    await asyncio.to_thread(server.start)
    await redis.connection_pool.disconnect()
    await eventually(lambda: _is(meter, up=True), 10)
    await meter.flush()


async def _is(meter: RedisMeter, *, up: bool) -> bool:
    return meter._link.up is up


async def _billed(redis: Redis, project: Project) -> list[tuple[str, str]]:
    """Verdict and cost of every request, once the books have been proved."""
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.open_requests) == ((), 0)
    events = [event async for event in usage_events(redis, project.uid) if event["type"] == "usage"]
    return [(event["verdict"], event["cost"]) for event in events]


async def test_a_settle_that_was_acknowledged_and_forgotten_is_sent_again(server: ValkeyServer, redis: Redis) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url) as meter:
        await credit(redis, project)
        admitted = await meter.admit(admission(project, key, ceiling=10))
        await redis.save()
        await settled(meter, admitted, 7)
        await _come_back(meter, server, redis)
        assert await _billed(redis, project) == [("settled", "7")]
        assert (await account_of(redis, project)).balance == 93


async def test_a_request_that_redis_forgot_altogether_is_billed_all_the_same(
    server: ValkeyServer, redis: Redis
) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url) as meter:
        await credit(redis, project)
        await redis.save()
        await settled(meter, await meter.admit(admission(project, key, ceiling=10)), 7)
        await _come_back(meter, server, redis)
        assert await _billed(redis, project) == [("late", "7")]


async def test_a_settle_without_an_answer_is_billed_though_its_reservation_was_forgotten(
    server: ValkeyServer, redis: Redis
) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url) as meter:
        await credit(redis, project)
        await redis.save()
        admitted = await meter.admit(admission(project, key, ceiling=10))
        server.pause()
        meter.settle(admitted, settlement(7))
        await _come_back(meter, server, redis)
        assert await _billed(redis, project) == [("late", "7")]


async def test_what_redis_did_not_forget_is_not_billed_again(server: ValkeyServer, redis: Redis) -> None:
    project, key = customer(prepaid(100))
    async with metering(server.url) as meter:
        await credit(redis, project)
        for cost in (7, 8):
            await settled(meter, await meter.admit(admission(project, key, ceiling=10)), cost)
            await redis.save()
            await _come_back(meter, server, redis)
        assert await _billed(redis, project) == [("settled", "7"), ("settled", "8")]
