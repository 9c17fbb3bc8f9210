"""Requests whose gateway died, late settles, and usage events too old to keep."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from redis.asyncio import Redis

from harness.caller import calling
from harness.fake_provider import Hang
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.metering import Clock, account_of, admission, credit, customer, metering, prepaid, settled
from harness.paying import MESSAGES, eventually, paying
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.models import Failover
from havuz_gateway.metering.ledger import usage_events, verify
from havuz_gateway.metering.meter import Admitted
from havuz_gateway.metering.redis_meter import RedisMeter


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as client:
        await client.delete(keys.METERED_PROJECTS, keys.SWEEPER)
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def meter(redis: Redis, valkey: ValkeyServer, clock: Clock) -> AsyncIterator[RedisMeter]:
    async with metering(valkey.url, wall=clock, clock=clock.script_time, events_kept=3) as made:
        yield made


async def _costs(redis: Redis, uid: str) -> list[tuple[str, int]]:
    return [(event["verdict"], int(event["cost"])) async for event in usage_events(redis, uid) if "verdict" in event]


@pytest.mark.parametrize("abandoned", [0, 4])
async def test_an_abandoned_request_is_closed_once_and_shows_in_the_ledger(
    meter: RedisMeter, redis: Redis, clock: Clock, abandoned: int
) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    await meter.admit(admission(project, key, ceiling=10, lifetime=30.0, abandoned=abandoned))
    assert await meter.sweeper.sweep() == 0
    clock.now += 31
    assert await meter.sweeper.sweep() == 1
    assert await meter.sweeper.sweep() == 0
    account = await account_of(redis, project)
    assert (account.balance, account.reserved, account.spent) == (100 - abandoned, 0, abandoned)
    (event,) = [event async for event in usage_events(redis, project.uid) if event["type"] == "usage"]
    assert '"status":"abandoned"' in event["event"]
    assert (await verify(redis, project.uid)).faults == ()


@pytest.mark.parametrize(("abandoned", "cost", "more"), [(0, 7, 7), (4, 7, 3), (9, 7, 0)])
async def test_a_settle_that_comes_after_the_sweep_bills_only_what_is_missing(
    meter: RedisMeter, redis: Redis, clock: Clock, abandoned: int, cost: int, more: int
) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    slow = await meter.admit(admission(project, key, ceiling=10, lifetime=30.0, abandoned=abandoned))
    clock.now += 31
    await meter.sweeper.sweep()
    for _ in range(2):
        await settled(meter, slow, cost)
    assert await _costs(redis, project.uid) == [("settled", abandoned), ("late", more)]
    assert (await account_of(redis, project)).spent == abandoned + more
    assert (await verify(redis, project.uid)).faults == ()


@pytest.mark.parametrize("told_again", [False, True])
async def test_a_reservation_that_arrives_after_its_settle_costs_nothing_more(
    meter: RedisMeter, redis: Redis, clock: Clock, told_again: bool
) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    asked = admission(project, key, ceiling=10, lifetime=30.0, abandoned=4)
    served = Admitted(asked, reserved=False, day="20270115")
    await settled(meter, served, 7)
    await meter.admit(asked)
    if told_again:
        await settled(meter, served, 7)
        assert (await verify(redis, project.uid)).open_requests == 0
    clock.now += 31
    await meter.sweeper.sweep()
    assert await _costs(redis, project.uid) == [("settled", 7)]
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.open_requests, proof.account.balance) == ((), 0, 93)


async def test_a_reservation_that_arrives_after_its_refusal_costs_nothing(
    meter: RedisMeter, redis: Redis, clock: Clock
) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    asked = admission(project, key, ceiling=10, lifetime=30.0, abandoned=4)
    meter._release(asked)
    await meter.admit(asked)
    clock.now += 31
    await meter.sweeper.sweep()
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.open_requests, proof.account.balance) == ((), 0, 100)


async def test_old_and_surplus_events_are_trimmed_and_the_books_still_balance(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(100))
    await credit(redis, project)
    for _ in range(6):
        await settled(meter, await meter.admit(admission(project, key, ceiling=5)), 5)
    await meter.sweeper.sweep()
    assert len(await _costs(redis, project.uid)) == 3
    assert await redis.hget(keys.account(project.uid), "archived") == b"15"
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.settled, proof.events) == ((), 30, 3)


async def test_one_gateway_of_the_fleet_sweeps_and_another_takes_over_when_it_is_gone(
    valkey: ValkeyServer, redis: Redis
) -> None:
    owners = set()

    async def swept_by() -> bool:
        owner = await redis.get(keys.SWEEPER)
        owners.add(owner)
        return owner is not None

    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        await first.enter_async_context(metering(valkey.url, owner="gateway-a", sweep_seconds=0.1))
        await eventually(swept_by, 5)
        await stack.enter_async_context(metering(valkey.url, owner="gateway-b", sweep_seconds=0.1))
        await asyncio.sleep(0.5)
        await swept_by()
        assert owners - {None} == {b"gateway-a"}
        await first.aclose()

        async def taken_over() -> bool:
            return await redis.get(keys.SWEEPER) == b"gateway-b"

        await eventually(taken_over, 5)


async def test_a_project_that_is_not_used_any_more_is_forgotten_by_the_sweep(
    meter: RedisMeter, redis: Redis, clock: Clock
) -> None:
    project, key = customer(prepaid(0).model_copy(update={"plan": "Unmetered"}))
    await settled(meter, await meter.admit(admission(project, key)), 0)

    async def known() -> bool:
        return await redis.zscore(keys.METERED_PROJECTS, project.uid) is not None

    await eventually(known, 5)
    await redis.delete(keys.usage_stream(project.uid))
    clock.now += 3 * 86_400
    await meter.sweeper.sweep(everywhere=True)
    assert not await known()


@pytest.mark.parametrize("policy", ["Release", "BillInput"])
async def test_the_route_says_what_a_request_costs_whose_gateway_was_killed(
    world: World, gateway: GatewayProcess, valkey: ValkeyServer, start_gateway: StartGateway, policy: str
) -> None:
    brief = {"on_abandoned": policy, "failover": Failover(total=1.0, first_token=1.0)}
    async with paying(world, gateway, route=brief) as customer:
        customer.provider.script(Hang())
        victim = await asyncio.to_thread(start_gateway, reservation_margin="0")
        async with calling(victim.base_url, customer.customer.live) as caller:
            body = {"model": customer.route.model, "messages": MESSAGES}
            asking = asyncio.create_task(caller.post("/v1/chat/completions", body), name="asking")
            await customer.provider.received(1)
            victim.kill()
            with pytest.raises(aiohttp.ClientError):
                await asking
        async with metering(valkey.url, wall=time.time, clock=lambda: "0") as other:

            async def swept() -> bool:
                await other.sweeper.sweep()
                return (await customer.proof()).open_requests == 0

            await eventually(swept, 10)
        (event,) = await customer.closed(1)
        spent = (await customer.account()).spent
    assert (event["status"], event["flags"]) == ("abandoned", "estimated")
    assert spent == (0 if policy == "Release" else int(event["cost"]))
    assert (spent > 0) is (policy == "BillInput")
