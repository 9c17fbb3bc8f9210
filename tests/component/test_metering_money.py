"""Reservations and settles against a real Valkey: what is held, what is taken, and what is refused."""

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from harness.metering import (
    NOW,
    UNIT,
    Clock,
    account_of,
    admission,
    credit,
    customer,
    metering,
    monthly,
    prepaid,
    settled,
    settlement,
)
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.money import MAX_NANOS
from havuz_gateway.errors import InsufficientBalance, PermissionDenied
from havuz_gateway.metering.ledger import usage_events, verify
from havuz_gateway.metering.redis_meter import RedisMeter
from havuz_gateway.protocols.usage import Usage

DAY = 86_400.0


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
async def meter(valkey: ValkeyServer) -> AsyncIterator[RedisMeter]:
    async with metering(valkey.url) as made:
        yield made


async def test_a_request_holds_its_ceiling_and_is_billed_its_cost(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(10 * UNIT))
    await credit(redis, project)
    admitted = await meter.admit(admission(project, key, ceiling=4 * UNIT))
    held = await account_of(redis, project)
    assert (held.balance, held.reserved, held.spent) == (6 * UNIT, 4 * UNIT, 0)
    await settled(meter, admitted, 3 * UNIT, usage=Usage(input=100, output=20))
    after = await account_of(redis, project)
    assert (after.balance, after.reserved, after.spent) == (7 * UNIT, 0, 3 * UNIT)
    assert (await verify(redis, project.uid)).faults == ()


async def test_settling_twice_changes_nothing(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(10 * UNIT))
    await credit(redis, project)
    admitted = await meter.admit(admission(project, key, ceiling=UNIT))
    for _ in range(3):
        await settled(meter, admitted, UNIT)
    assert (await account_of(redis, project)).spent == UNIT
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.events) == ((), 1)


async def test_a_balance_that_is_too_small_refuses_and_changes_nothing(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(UNIT))
    await credit(redis, project)
    with pytest.raises(InsufficientBalance, match=r"balance of 1 USD .* up to 1.000000001 USD") as refused:
        await meter.admit(admission(project, key, ceiling=UNIT + 1))
    assert refused.value.status == 402
    assert refused.value.headers["x-should-retry"] == "false"
    assert (await account_of(redis, project)).balance == UNIT
    assert (await meter.admit(admission(project, key, ceiling=UNIT))).reserved


@pytest.mark.parametrize("balance", [UNIT, 2**53 + 1, MAX_NANOS])
async def test_amounts_are_exact_to_the_last_nano_at_any_size(meter: RedisMeter, redis: Redis, balance: int) -> None:
    project, key = customer(prepaid(balance))
    await credit(redis, project)
    admitted = await meter.admit(admission(project, key, ceiling=balance - 1))
    assert (await account_of(redis, project)).balance == 1
    await settled(meter, admitted, balance - 2)
    after = await account_of(redis, project)
    assert (after.balance, after.reserved, after.spent) == (2, 0, balance - 2)
    assert (await verify(redis, project.uid)).faults == ()


async def test_what_a_request_costs_above_its_reservation_is_taken_as_far_as_the_money_reaches(
    meter: RedisMeter, redis: Redis
) -> None:
    project, key = customer(prepaid(5))
    await credit(redis, project)
    admitted = await meter.admit(admission(project, key, ceiling=2))
    await settled(meter, admitted, 9)
    after = await account_of(redis, project)
    assert (after.balance, after.spent) == (0, 5)
    proof = await verify(redis, project.uid)
    assert (proof.faults, proof.short) == ((), 4)
    *_, event = [event async for event in usage_events(redis, project.uid)]
    assert event["verdict"] == "over"


async def test_the_allowance_is_spent_before_credits(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(monthly(10, credit=100))
    await credit(redis, project)
    admitted = await meter.admit(admission(project, key, ceiling=30))
    held = await account_of(redis, project)
    assert (held.allowance, held.balance, held.reserved, held.period) == (0, 80, 30, "2027-01")
    await settled(meter, admitted, 12)
    after = await account_of(redis, project)
    assert (after.allowance, after.balance, after.period_spent) == (0, 98, 12)
    assert (await verify(redis, project.uid)).faults == ()


@pytest.mark.parametrize(("rollover", "allowance", "lapsed"), [(False, 10, 7), (True, 17, 0)])
async def test_a_new_month_brings_a_new_allowance(
    valkey: ValkeyServer, redis: Redis, rollover: bool, allowance: int, lapsed: int
) -> None:
    clock = Clock()
    async with metering(valkey.url, wall=clock, clock=clock.script_time) as meter:
        project, key = customer(monthly(10, rollover=rollover))
        await settled(meter, await meter.admit(admission(project, key, ceiling=5)), 3)
        clock.now += 31 * DAY
        await settled(meter, await meter.admit(admission(project, key, ceiling=1, now=clock.now)), 0)
    after = await account_of(redis, project)
    assert (after.allowance, after.lapsed, after.granted, after.period_spent) == (allowance, lapsed, 20, 0)
    assert (await verify(redis, project.uid)).faults == ()


async def test_what_a_request_held_of_last_months_allowance_does_not_go_into_the_new_month(
    valkey: ValkeyServer, redis: Redis
) -> None:
    clock = Clock()
    async with metering(valkey.url, wall=clock, clock=clock.script_time) as meter:
        project, key = customer(monthly(10))
        slow = await meter.admit(admission(project, key, ceiling=8))
        clock.now += 31 * DAY
        await settled(meter, await meter.admit(admission(project, key, ceiling=1, now=clock.now)), 1)
        await settled(meter, slow, 3)
    after = await account_of(redis, project)
    assert (after.allowance, after.lapsed, after.spent, after.period_spent) == (9, 2 + 5, 4, 1)
    assert (await verify(redis, project.uid)).faults == ()


async def test_a_raised_allowance_counts_at_once_and_a_cut_from_the_next_month(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(monthly(10))
    for allowance, held in ((10, 10), (25, 25), (5, 25), (10, 25)):
        plan = monthly(allowance)
        changed = project.model_copy(update={"billing": plan})
        await settled(meter, await meter.admit(admission(changed, key, ceiling=1)), 0)
        assert (await account_of(redis, project)).allowance == held
    assert (await verify(redis, project.uid)).faults == ()


async def test_a_prepaid_project_does_not_spend_an_allowance_of_its_former_plan(
    meter: RedisMeter, redis: Redis
) -> None:
    project, key = customer(monthly(10, credit=3))
    await credit(redis, project)
    await settled(meter, await meter.admit(admission(project, key, ceiling=1)), 1)
    now_prepaid = project.model_copy(update={"billing": prepaid(3)})
    with pytest.raises(InsufficientBalance):
        await meter.admit(admission(now_prepaid, key, ceiling=4))
    assert (await meter.admit(admission(now_prepaid, key, ceiling=3))).reserved


async def test_a_plan_in_another_unit_than_the_account_is_refused(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(10))
    await credit(redis, project)
    other = project.model_copy(update={"billing": prepaid(10, unit="credits")})
    with pytest.raises(InsufficientBalance, match="kept in 'USD' and its plan is in 'credits'"):
        await meter.admit(admission(other, key, ceiling=1))


async def test_a_suspended_account_admits_nothing(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(10))
    await credit(redis, project)
    await redis.hset(keys.account(project.uid), "suspended", "1")
    with pytest.raises(PermissionDenied):
        await meter.admit(admission(project, key, ceiling=1))


async def test_an_unmetered_project_without_limits_asks_nobody_and_still_has_its_usage_written(
    meter: RedisMeter, redis: Redis
) -> None:
    project, key = customer(prepaid(0).model_copy(update={"plan": "Unmetered"}))
    admitted = await meter.admit(admission(project, key))
    assert not admitted.reserved
    await settled(meter, admitted, 0, usage=Usage(input=7, output=5, cache_read=2))
    events = [event async for event in usage_events(redis, project.uid)]
    assert [event["cost"] for event in events] == ["0"]
    assert await redis.hgetall(keys.used_in_day(project.uid, "20270115")) == {
        f"{key.id}|gpt-test|default/a".encode(): b"1,0,7,5,2,0,0"
    }
    assert await redis.exists(keys.account(project.uid)) == 0


async def test_roll_ups_count_pieces_from_the_first_one_on(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(0).model_copy(update={"plan": "Unmetered"}))
    used = (
        Usage(input=1, output=0),
        Usage(input=1, output=0, images=2, audio_ms=1_500),
        Usage(input=1, output=0),
        Usage(input=0, output=0, images=1, characters=4_096),
    )
    for usage in used:
        await settled(meter, await meter.admit(admission(project, key)), 0, usage=usage)
    field = f"{key.id}|gpt-test|default/a"
    assert await redis.hget(keys.used_in_day(project.uid, "20270115"), field) == b"4,0,3,0,0,0,0,3,4096,1500"
    told = [json.loads(event["event"]) async for event in usage_events(redis, project.uid)]
    names = ("images", "characters", "audio_ms")
    assert [[event.get(name) for name in names] for event in told] == [
        [None, None, None], [2, 0, 1_500], [None, None, None], [1, 4_096, 0],
    ]  # fmt: skip


async def test_roll_ups_sum_hours_and_days_and_end_by_themselves(valkey: ValkeyServer, redis: Redis) -> None:
    clock = Clock()
    async with metering(valkey.url, wall=clock, clock=clock.script_time, days_kept=400) as meter:
        project, key = customer(prepaid(1_000))
        await credit(redis, project)
        for cost, hours in ((3, 0), (4, 0), (5, 1)):
            clock.now = NOW + hours * 3_600
            admitted = await meter.admit(admission(project, key, ceiling=10, now=clock.now))
            await settled(meter, admitted, cost, usage=Usage(input=10, output=1))
    field = f"{key.id}|gpt-test|default/a"
    assert await redis.hget(keys.used_in_hour(project.uid, "2027011508"), field) == b"2,0,20,2,0,0,7"
    assert await redis.hget(keys.used_in_hour(project.uid, "2027011509"), field) == b"1,0,10,1,0,0,5"
    assert await redis.hget(keys.used_in_day(project.uid, "20270115"), field) == b"3,0,30,3,0,0,12"
    assert 399 * DAY < await redis.ttl(keys.used_in_day(project.uid, "20270115")) <= 400 * DAY
    assert 34 * DAY < await redis.ttl(keys.used_in_hour(project.uid, "2027011508")) <= 35 * DAY


async def test_a_usage_event_says_what_happened(meter: RedisMeter, redis: Redis) -> None:
    project, key = customer(prepaid(1_000))
    await credit(redis, project)
    asked = admission(project, key, ceiling=10)
    meter.settle(
        await meter.admit(asked),
        settlement(
            7, usage=Usage(input=10, output=5, cache_read=4, cache_write=1, reasoning=2), provider="openai",
            upstream_model="gpt-4o-2024", attempts=2, flags=("estimated",), status="cancelled",
        ),
    )  # fmt: skip
    await meter.flush()
    *_, event = [event async for event in usage_events(redis, project.uid)]
    assert {name: event[name] for name in ("v", "type", "id", "cost", "short", "verdict")} == {
        "v": "1", "type": "usage", "id": asked.id, "cost": "7", "short": "0", "verdict": "settled",
    }  # fmt: skip
    assert event["event"] == (
        f'{{"key":"{key.id}","model":"gpt-test","status":"cancelled","operation":"chat","upstream":"default/a",'
        '"provider":"openai","upstream_model":"gpt-4o-2024","input":10,"output":5,"cache_read":4,"cache_write":1,'
        '"reasoning":2,"attempts":2,"flags":"estimated"}'
    )
