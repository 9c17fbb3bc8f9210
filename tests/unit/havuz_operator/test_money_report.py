"""Money in a Project's status: credits applied once, shown at once; accounts followed without a flood of writes."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.money import parse_amount
from havuz_contract.snapshot.models import Billing, Monthly, Project
from havuz_contract.v1alpha1.conditions import Condition
from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_operator import money_report
from havuz_operator.events import Happening
from havuz_operator.money_report import MoneyReport, Shown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


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


class Watched:
    """A report with a clock that stands still, and the number of times that it had something new."""

    def __init__(self, redis: Any) -> None:
        self.now = NOW
        self.changes = 0
        self.concerned: set[ObjectRef] | None = set()
        self.changed = asyncio.Event()
        self.report = MoneyReport(redis, on_change=self._on_change, clock=lambda: self.now)

    def _on_change(self, refs: Iterable[ObjectRef] | None) -> None:
        self.changes += 1
        self.concerned = None if refs is None else set(refs)
        self.changed.set()

    def shown(self, uid: str = "p1") -> Shown:
        found = self.report.look(uid)
        assert found is not None
        return found

    def condition(self, kind: str, uid: str = "p1") -> Condition:
        return next(one for one in self.shown(uid).conditions if one.type == kind)


@pytest.fixture
def watched(redis: Any) -> Watched:
    return Watched(redis)


@pytest.fixture
async def following(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(money_report, "_ROUND_SECONDS", 0.01)
    task = asyncio.create_task(watched.report.run())
    yield watched
    task.cancel()


def shop(uid: str = "p1", *, unit: str = "USD", **credits_: str) -> Project:
    amounts = {credit: parse_amount(amount) for credit, amount in credits_.items()}
    return Project(uid=uid, name=f"ai/{uid}", billing=Billing(plan="Prepaid", unit=unit, credits=amounts))


def monthly(allowance: str) -> Project:
    plan = Monthly(allowance=parse_amount(allowance), anchor_day=1, time_zone="Europe/Istanbul")
    return Project(uid="p1", name="ai/p1", billing=Billing(plan="Monthly", monthly=plan))


def served(*projects: Project) -> Mapping[str, Project]:
    return {one.uid: one for one in projects}


async def test_a_credit_is_in_the_status_as_soon_as_it_is_applied(watched: Watched) -> None:
    await watched.report.credit(served(shop(welcome="25")))
    assert watched.shown() == Shown(
        (
            Condition("Credited", "True", "Credited", "All 1 credits were applied."),
            Condition("Funded", "True", "Funded", "There is something left to spend."),
        ),
        {"balance": "25", "reserved": "0", "spent": "0"},
    )
    assert watched.changes == 1


async def test_every_credit_is_told_once(watched: Watched) -> None:
    for _ in range(2):
        await watched.report.credit(served(shop(welcome="25", more="0.5")))
    assert watched.report.take_news() == {
        "p1": [
            Happening("Normal", "CreditApplied", "Credit 'welcome' of 25 USD was applied."),
            Happening("Normal", "CreditApplied", "Credit 'more' of 0.5 USD was applied."),
        ]
    }
    assert watched.report.take_news() == {}


async def test_an_operator_that_starts_again_applies_nothing_twice(redis: Any, watched: Watched) -> None:
    await watched.report.credit(served(shop(welcome="25")))
    again = Watched(redis)
    await again.report.credit(served(shop(welcome="25")))
    assert again.shown().fields["balance"] == "25"
    assert again.report.take_news() == {}


async def test_a_used_id_with_another_amount_is_a_condition_and_changes_nothing(watched: Watched) -> None:
    await watched.report.credit(served(shop(welcome="25")))
    await watched.report.credit(served(shop(welcome="30")))
    refusal = watched.condition("Credited")
    assert (refusal.status, refusal.reason) == ("False", "CreditConflict")
    assert "was applied as 25 and is 30 now" in refusal.message
    assert watched.shown().fields["balance"] == "25"
    await watched.report.credit(served(shop(welcome="25")))
    assert watched.condition("Credited").status == "True"


async def test_a_balance_that_is_gone_is_said(watched: Watched) -> None:
    await watched.report.credit(served(shop()))
    gone = watched.condition("Funded")
    assert (gone.status, gone.reason) == ("False", "BalanceGone")
    assert gone.message == "0 USD is left, which does not pay for a request; add a line to spec.billing.credits"


async def test_a_month_shows_its_allowance_before_the_first_request(watched: Watched) -> None:
    await watched.report.credit(served(monthly("100")))
    assert watched.shown().fields == {
        "balance": "100",
        "reserved": "0",
        "spent": "0",
        "period": {"id": "2026-11", "endsAt": "2026-11-30T21:00:00Z", "allowance": "100", "spent": "0"},
    }
    assert watched.condition("Funded").status == "True"


async def test_a_project_that_pays_nothing_shows_nothing(watched: Watched) -> None:
    await watched.report.credit(served(Project(uid="p1", name="ai/free")))
    assert watched.shown() == Shown()


async def test_before_the_first_publication_nothing_is_known(watched: Watched) -> None:
    assert watched.report.look("p1") is None


async def spend(redis: Any, uid: str = "p1", **fields: int) -> None:
    await redis.hset(keys.account(uid), mapping={name: str(value) for name, value in fields.items()})


async def test_what_gateways_settle_reaches_the_status(redis: Any, following: Watched) -> None:
    await following.report.credit(served(shop(welcome="25")))
    following.changed.clear()
    await spend(redis, balance=parse_amount("20"), reserved=parse_amount("1.5"), spent=parse_amount("3.5"))
    await following.changed.wait()
    assert following.shown().fields == {"balance": "20", "reserved": "1.5", "spent": "3.5"}


async def test_a_request_that_the_balance_did_not_pay_for_is_said(redis: Any, following: Watched) -> None:
    await following.report.credit(served(shop(welcome="25")))
    following.changed.clear()
    await spend(redis, balance=parse_amount("0.01"), refused=1)
    await following.changed.wait()
    assert following.condition("Funded").message.startswith("0.01 USD is left, which does not pay for a request")


async def test_a_new_credit_ends_what_was_said_of_the_old_balance(redis: Any, watched: Watched) -> None:
    await watched.report.credit(served(shop(welcome="0.01")))
    await spend(redis, refused=1)
    await watched.report._round()
    assert watched.condition("Funded").status == "False"
    await watched.report.credit(served(shop(welcome="0.01", more="5")))
    assert watched.condition("Funded").status == "True"


async def test_a_refusal_of_last_month_says_nothing_of_this_one(redis: Any, watched: Watched) -> None:
    await watched.report.credit(served(monthly("100")))
    await spend(redis, refused=int(datetime(2026, 10, 31, tzinfo=UTC).timestamp() * 1000))
    await watched.report._round()
    assert watched.condition("Funded").status == "True"


async def test_a_new_month_is_shown_when_it_begins(following: Watched) -> None:
    await following.report.credit(served(monthly("100")))
    following.changed.clear()
    following.now = datetime(2026, 11, 30, 21, tzinfo=UTC)
    await following.changed.wait()
    assert following.shown().fields["period"]["id"] == "2026-12"


async def test_a_busy_fleet_moves_only_so_many_statuses_in_a_round(redis: Any, watched: Watched) -> None:
    shops = [shop(f"p{number}", welcome="1") for number in range(250)]
    await watched.report.credit(served(*shops))
    for number in range(250):
        await spend(redis, f"p{number}", spent=7)
    moved = []
    for _ in range(4):
        await watched.report._round()
        moved.append(sum(watched.shown(one.uid).fields["spent"] != "0" for one in shops))
    assert moved == [100, 200, 250, 250]


async def test_a_redis_that_lost_its_accounts_is_given_the_credits_again(redis: Any, following: Watched) -> None:
    await following.report.credit(served(shop(welcome="25")))
    following.report.take_news()
    following.changed.clear()
    await redis.flushall()
    await following.changed.wait()
    assert await redis.hget(keys.account("p1"), "balance") == b"25000000000"
    assert [one.reason for one in following.report.take_news()["p1"]] == ["CreditApplied"]


async def test_a_project_that_is_gone_is_forgotten(watched: Watched) -> None:
    await watched.report.credit(served(shop(welcome="25")))
    await watched.report.credit({})
    assert watched.shown() == Shown()
    assert watched.report.take_news() == {}
