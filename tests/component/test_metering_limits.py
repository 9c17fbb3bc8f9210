"""Limits of the whole fleet against a real Valkey: of a project, of a key, and of an upstream."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from harness.builders import make_upstream
from harness.metering import (
    NOW,
    Clock,
    account_of,
    admission,
    credit,
    customer,
    metering,
    prepaid,
    settled,
)
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.snapshot.models import Limits
from havuz_gateway.errors import RateLimited
from havuz_gateway.metering.ledger import verify
from havuz_gateway.metering.meter import Claim, LimitReached
from havuz_gateway.metering.redis_meter import RedisMeter
from havuz_gateway.protocols.usage import Usage

FREE = prepaid(0).model_copy(update={"plan": "Unmetered"})


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def meter(valkey: ValkeyServer, clock: Clock) -> AsyncIterator[RedisMeter]:
    async with metering(valkey.url, wall=clock, clock=clock.script_time) as made:
        yield made


@pytest.mark.parametrize("whose", ["project", "key"])
async def test_requests_over_the_rate_wait_until_it_has_refilled(meter: RedisMeter, clock: Clock, whose: str) -> None:
    limits = Limits(requests_per_minute=3)
    project, key = customer(FREE, **({"limits": limits} if whose == "project" else {"key": {"limits": limits}}))
    remaining = []
    for _ in range(3):
        admitted = await meter.admit(admission(project, key))
        remaining.append(admitted.headers["x-ratelimit-remaining-requests"])
    assert remaining == ["2", "1", "0"]
    with pytest.raises(RateLimited, match=f"the {whose}'s limit of 3 requests a minute is reached") as refused:
        await meter.admit(admission(project, key))
    assert refused.value.retry_after == pytest.approx(20.0)
    assert refused.value.headers == {
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "20s",
    }
    clock.now += 20
    assert (await meter.admit(admission(project, key, now=clock.now))).reserved
    with pytest.raises(RateLimited):
        await meter.admit(admission(project, key, now=clock.now))


async def test_the_tightest_limit_is_shown(meter: RedisMeter) -> None:
    project, key = customer(
        FREE,
        limits=Limits(requests_per_minute=100, tokens_per_minute=1_000),
        key={"limits": Limits(requests_per_minute=5)},
    )
    headers = (await meter.admit(admission(project, key, tokens=400))).headers
    assert headers == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-reset-requests": "12s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "600",
        "x-ratelimit-reset-tokens": "24s",
    }


async def test_a_token_rate_is_corrected_by_what_was_used(meter: RedisMeter) -> None:
    project, key = customer(FREE, limits=Limits(tokens_per_minute=1_000))
    admitted = await meter.admit(admission(project, key, tokens=900))
    with pytest.raises(RateLimited):
        await meter.admit(admission(project, key, tokens=200))
    await settled(meter, admitted, 0, usage=Usage(input=60, output=40))
    headers = (await meter.admit(admission(project, key, tokens=200))).headers
    assert headers["x-ratelimit-remaining-tokens"] == "700"


async def test_a_request_larger_than_the_token_rate_is_told_not_to_come_back(meter: RedisMeter) -> None:
    project, key = customer(FREE, limits=Limits(tokens_per_minute=1_000))
    with pytest.raises(RateLimited, match="alone asks for more") as refused:
        await meter.admit(admission(project, key, tokens=1_001))
    assert refused.value.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("whose", ["project", "key"])
async def test_no_more_requests_are_under_way_than_allowed(meter: RedisMeter, whose: str) -> None:
    limits = Limits(concurrency=2)
    project, key = customer(FREE, **({"limits": limits} if whose == "project" else {"key": {"limits": limits}}))
    first = await meter.admit(admission(project, key))
    await meter.admit(admission(project, key))
    with pytest.raises(RateLimited, match=f"the {whose} has 2 requests under way"):
        await meter.admit(admission(project, key))
    await settled(meter, first, 0)
    assert (await meter.admit(admission(project, key))).reserved


async def test_a_request_whose_gateway_died_counts_until_its_reservation_expires(
    meter: RedisMeter, clock: Clock
) -> None:
    project, key = customer(FREE, limits=Limits(concurrency=1))
    await meter.admit(admission(project, key, lifetime=30.0))
    clock.now += 29
    with pytest.raises(RateLimited):
        await meter.admit(admission(project, key, now=clock.now))
    clock.now += 2
    assert (await meter.admit(admission(project, key, now=clock.now))).reserved


async def test_spending_of_a_day_is_bounded_by_what_is_settled_and_reserved(
    meter: RedisMeter, clock: Clock, redis: Redis
) -> None:
    project, key = customer(prepaid(1_000), limits=Limits(spend_per_day=100))
    await credit(redis, project)
    first = await meter.admit(admission(project, key, ceiling=80))
    with pytest.raises(RateLimited, match="the project's spending of today") as refused:
        await meter.admit(admission(project, key, ceiling=21))
    assert refused.value.retry_after == 86_400 - NOW % 86_400
    assert refused.value.headers["x-should-retry"] == "false"
    await settled(meter, first, 30)
    second = await meter.admit(admission(project, key, ceiling=70))
    await settled(meter, second, 70)
    with pytest.raises(RateLimited):
        await meter.admit(admission(project, key, ceiling=1))
    clock.now += 86_400
    assert (await meter.admit(admission(project, key, ceiling=100, now=clock.now))).reserved


async def test_a_refused_request_uses_up_nothing(meter: RedisMeter, redis: Redis) -> None:
    limits = Limits(requests_per_minute=2, tokens_per_minute=100, concurrency=5, spend_per_day=50)
    project, key = customer(prepaid(10), limits=limits)
    await credit(redis, project)
    for ceiling, tokens in ((11, 1), (51, 1), (1, 101)):
        with pytest.raises(Exception, match=r"balance|spending|tokens"):
            await meter.admit(admission(project, key, ceiling=ceiling, tokens=tokens))
    headers = (await meter.admit(admission(project, key, ceiling=10, tokens=10))).headers
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-remaining-tokens"]) == ("1", "90")
    assert (await account_of(redis, project)).reserved == 10
    assert (await verify(redis, project.uid)).faults == ()


async def test_a_limit_counts_for_all_gateways_together(valkey: ValkeyServer, meter: RedisMeter, clock: Clock) -> None:
    project, key = customer(FREE, limits=Limits(requests_per_minute=4))
    async with metering(valkey.url, owner="gateway-b", wall=clock, clock=clock.script_time) as other:
        for gateway in (meter, other, meter, other):
            await gateway.admit(admission(project, key))
        for gateway in (meter, other):
            with pytest.raises(RateLimited):
                await gateway.admit(admission(project, key))


async def _claim(meter: RedisMeter, upstream_limits: Limits, *, uid: str, number: int, tokens: int = 0,
                 ceiling: int = 0) -> Claim | LimitReached | None:  # fmt: skip
    upstream = make_upstream(uid=uid, name=uid, limits=upstream_limits)
    return await meter.claim(upstream, attempt_id=f"{uid}:{number}", tokens=tokens, ceiling=ceiling, lifetime=60.0)


@pytest.mark.parametrize(
    ("limits", "each", "limit"),
    [
        (Limits(requests_per_minute=2), {}, "requests"),
        (Limits(tokens_per_minute=100), {"tokens": 50}, "tokens"),
        (Limits(concurrency=2), {}, "concurrency"),
        (Limits(spend_per_day=100), {"ceiling": 50}, "spend"),
    ],
)
async def test_an_upstream_at_its_limit_says_which_and_for_how_long(
    meter: RedisMeter, limits: Limits, each: dict[str, int], limit: str
) -> None:
    uid = f"upstream-{limit}-a"
    for number in range(2):
        assert isinstance(await _claim(meter, limits, uid=uid, number=number, **each), Claim)
    refused = await _claim(meter, limits, uid=uid, number=3, **each)
    assert isinstance(refused, LimitReached)
    assert refused.limit == limit
    assert refused.wait > 0


async def test_a_place_on_an_upstream_is_given_back_once(meter: RedisMeter, redis: Redis) -> None:
    limits = Limits(concurrency=1, tokens_per_minute=100, spend_per_day=100)
    first = await _claim(meter, limits, uid="upstream-back", number=1, tokens=90, ceiling=90)
    assert isinstance(first, Claim)
    for _ in range(2):
        meter.unclaim(first, tokens=20, cost=30)
    second = await _claim(meter, limits, uid="upstream-back", number=2, tokens=80, ceiling=70)
    assert isinstance(second, Claim)
    assert await redis.hget(keys.upstream_spend("upstream-back", "20270115"), "spent") == b"100"


async def test_an_upstream_without_limits_is_not_asked_for(meter: RedisMeter, redis: Redis) -> None:
    assert await _claim(meter, Limits(), uid="upstream-free", number=1) is None
    assert await redis.exists(keys.upstream_leases("upstream-free")) == 0
