"""A gateway's clock that jumps: days, billing months and expiries go by Redis's clock, whoever asks."""

import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from harness.metering import Clock, account_of, admission, credit, customer, metering, monthly, prepaid, settlement
from harness.paying import eventually
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.snapshot.models import Limits, Project
from havuz_gateway.errors import RateLimited
from havuz_gateway.metering.ledger import verify
from havuz_gateway.metering.redis_meter import RedisMeter

DAY = 86_400.0
JUMPS = pytest.mark.parametrize("jump", [-400 * DAY, -DAY, DAY, 400 * DAY], ids=["-400d", "-1d", "+1d", "+400d"])


def servers_time() -> str:
    """The scripts ask the server."""
    return "0"


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as client:
        yield client


async def _spend(meter: RedisMeter, clock: Clock, project: Project, cost: int) -> None:
    key = project.keys[0]
    admitted = await meter.admit(admission(project, key, ceiling=cost, now=clock.now))
    assert admitted.reserved
    meter.settle(admitted, settlement(cost))
    await meter.flush()


@JUMPS
async def test_an_allowance_is_granted_once_however_the_clock_jumps(
    valkey: ValkeyServer, redis: Redis, jump: float
) -> None:
    project, _ = customer(monthly(100))
    clock = Clock(time.time())
    async with metering(valkey.url, wall=clock, clock=servers_time) as meter:
        await _spend(meter, clock, project, 10)
        clock.now += jump
        await _spend(meter, clock, project, 20)
        clock.now -= jump
        await _spend(meter, clock, project, 30)
    account = await account_of(redis, project)
    assert (account.granted, account.allowance, account.spent) == (100, 40, 60)
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.open_requests) == ((), 0)


@JUMPS
async def test_a_days_spending_is_limited_by_the_real_day(valkey: ValkeyServer, redis: Redis, jump: float) -> None:
    project, key = customer(prepaid(100), limits=Limits(spend_per_day=25))
    await credit(redis, project)
    clock = Clock(time.time())
    async with metering(valkey.url, wall=clock, clock=servers_time) as meter:
        await _spend(meter, clock, project, 20)
        clock.now += jump
        with pytest.raises(RateLimited):
            await meter.admit(admission(project, key, ceiling=20, now=clock.now))
        await _spend(meter, clock, project, 5)


@JUMPS
async def test_a_dead_gateways_reservation_expires_by_the_real_time(
    valkey: ValkeyServer, redis: Redis, jump: float
) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    clock = Clock(time.time() + jump)
    async with metering(valkey.url, wall=clock, clock=servers_time) as dying:
        await dying.admit(admission(project, key, ceiling=10, now=clock.now, lifetime=0.5))
        await dying.admit(admission(project, key, ceiling=10, now=clock.now, lifetime=60.0))
    async with metering(valkey.url, owner="gateway-b", wall=time.time, clock=servers_time) as other:

        async def swept() -> bool:
            await other.sweeper.sweep(everywhere=True)
            return (await verify(redis, project.uid)).open_requests == 1

        await eventually(swept, 10)
    assert (await account_of(redis, project)).balance == 90


async def test_use_is_booked_in_the_real_hour(valkey: ValkeyServer, redis: Redis) -> None:
    project, _ = customer(prepaid(100))
    await credit(redis, project)
    clock = Clock(time.time() + 3 * DAY)
    async with metering(valkey.url, wall=clock, clock=servers_time) as meter:
        began = time.gmtime()
        await _spend(meter, clock, project, 10)
        ended = time.gmtime()
    hours = {time.strftime("%Y%m%d%H", moment) for moment in (began, ended)}
    assert any([await redis.exists(keys.used_in_hour(project.uid, hour)) for hour in hours])
