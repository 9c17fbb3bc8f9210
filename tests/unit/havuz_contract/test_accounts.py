"""Credits into accounts, in a real Valkey: each id once for ever, and what is refused changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.accounts import Account, Applied, Standing, apply_credits, read_accounts, standing
from havuz_contract.money import MAX_NANOS, parse_amount
from havuz_contract.periods import Period
from havuz_contract.snapshot.models import Billing, Monthly, Project

NOW = 1_795_000_000.5
UNIT = parse_amount("1")


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as running:
        yield running


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Any]:
    client = Redis.from_url(server.socket_url)
    await client.flushall()
    yield client
    await client.aclose()


def shop(lines: Mapping[str, int], *, unit: str = "USD", uid: str = "p1") -> Project:
    return Project(uid=uid, name=f"ai/{uid}", billing=Billing(plan="Prepaid", unit=unit, credits=dict(lines)))


async def apply(redis: Any, project: Project) -> Applied:
    return (await apply_credits(redis, [project], now=NOW))[project.uid]


async def account(redis: Any, uid: str = "p1") -> Account:
    return (await read_accounts(redis, [uid]))[uid]


async def test_a_credit_is_added_to_the_balance_and_to_the_books(redis: Any) -> None:
    assert await apply(redis, shop({"welcome": 25 * UNIT})) == Applied({"welcome": 25 * UNIT})
    assert await account(redis) == Account(unit="USD", balance=25 * UNIT, credited=25 * UNIT)


async def test_a_credit_is_applied_once_whoever_asks_how_often(redis: Any) -> None:
    project = shop({"a": 3, "b": 4})
    outcomes = await asyncio.gather(*(apply(redis, project) for _ in range(20)))
    assert sorted(credit for outcome in outcomes for credit in outcome.credits) == ["a", "b"]
    assert (await account(redis)).balance == 7


async def test_a_credit_that_was_removed_and_comes_back_is_not_applied_again(redis: Any) -> None:
    for lines in ({"a": 5}, {}, {"a": 5}):
        await apply(redis, shop(lines))
    assert (await account(redis)).balance == 5


async def test_another_amount_under_a_used_id_is_refused_and_changes_nothing(redis: Any) -> None:
    await apply(redis, shop({"a": 25 * UNIT}))
    before = await redis.dump(keys.account("p1"))
    outcome = await apply(redis, shop({"a": 30 * UNIT}))
    assert outcome.credits == {}
    assert outcome.conflicts == (
        "credit 'a' was applied as 25 and is 30 now, which changes nothing; "
        "set it back to 25, and give a new top-up a new id",
    )
    assert await redis.dump(keys.account("p1")) == before


async def test_a_refused_credit_keeps_no_other_from_being_applied(redis: Any) -> None:
    await apply(redis, shop({"a": 1}))
    outcome = await apply(redis, shop({"a": 2, "b": 10}))
    assert outcome.credits == {"b": 10}
    assert len(outcome.conflicts) == 1
    assert (await account(redis)).balance == 11


async def test_the_unit_of_an_account_never_changes(redis: Any) -> None:
    await apply(redis, shop({"a": 1}))
    outcome = await apply(redis, shop({"a": 1, "b": 10}, unit="credits"))
    assert outcome.credits == {}
    assert "kept in 'USD'" in outcome.conflicts[0]
    assert await account(redis) == Account(unit="USD", balance=1, credited=1)


async def test_a_credit_beyond_what_an_account_holds_is_refused(redis: Any) -> None:
    outcome = await apply(redis, shop({"most": MAX_NANOS - 1, "too-much": 2, "last": 1}))
    assert outcome.credits == {"most": MAX_NANOS - 1, "last": 1}
    assert "'too-much'" in outcome.conflicts[0]
    assert (await account(redis)).balance == MAX_NANOS


async def test_every_credit_is_an_event_in_the_projects_usage_stream(redis: Any) -> None:
    await apply(redis, shop({"a": 5}))
    await apply(redis, shop({"a": 5}))
    events = [fields for _, fields in await redis.xrange(keys.usage_stream("p1"))]
    assert events == [
        {b"v": b"1", b"type": b"credit", b"id": b"a", b"unit": b"USD", b"nanos": b"5", b"at": b"1795000000500"}
    ]


async def test_the_accounts_of_many_projects_are_told_apart(redis: Any) -> None:
    projects = [shop({"a": number}, uid=f"p{number}") for number in range(250)]
    outcomes = await apply_credits(redis, projects, now=NOW)
    assert all(outcomes[f"p{number}"].credits == {"a": number} for number in range(250))
    accounts = await read_accounts(redis, [project.uid for project in projects])
    assert [one.balance for one in accounts.values()] == list(range(250))


async def test_a_redis_that_forgot_its_scripts_is_told_them_again(redis: Any) -> None:
    await apply(redis, shop({"a": 1}))
    await redis.script_flush()
    assert (await apply(redis, shop({"b": 2}))).credits == {"b": 2}


async def test_an_account_that_nothing_has_happened_to_is_empty(redis: Any) -> None:
    assert await account(redis, "nobody") == Account()


NOVEMBER = Period("2026-11", 1793491200, 1796083200)


def monthly(allowance: int = 100, *, rollover: bool = False) -> Billing:
    return Billing(plan="Monthly", monthly=Monthly(allowance=allowance, rollover=rollover))


def test_a_prepaid_account_is_worth_its_balance() -> None:
    account = Account(unit="USD", balance=5, reserved=2, spent=3, allowance=50, credited=10)
    assert standing(Billing(plan="Prepaid"), account, NOW) == Standing(available=5, reserved=2, spent=3)


def test_within_the_month_what_is_left_of_the_allowance_counts() -> None:
    account = Account(balance=5, allowance=40, period="2026-11", period_granted=100, period_spent=60, spent=500)
    assert standing(monthly(), account, NOW) == Standing(45, 0, 500, 40, NOVEMBER, 60)


@pytest.mark.parametrize(("rollover", "left"), [(False, 100), (True, 140)])
def test_a_new_month_counts_before_its_first_request(rollover: bool, left: int) -> None:
    account = Account(allowance=40, period="2026-10", period_granted=100, period_spent=60, spent=60)
    assert standing(monthly(rollover=rollover), account, NOW) == Standing(left, 0, 60, left, NOVEMBER, 0)


def test_an_allowance_that_was_raised_counts_at_once_and_a_cut_waits() -> None:
    account = Account(allowance=40, period="2026-11", period_granted=100)
    assert standing(monthly(130), account, NOW).allowance == 70
    assert standing(monthly(10), account, NOW).allowance == 40


def test_a_month_that_was_granted_ahead_is_not_granted_again() -> None:
    account = Account(allowance=40, period="2026-12", period_granted=100)
    assert standing(monthly(), account, NOW).allowance == 40
