"""Whatever happens in whatever order, no balance is negative and the books balance: after every single step."""

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from harness.metering import Clock, admission, credit, customer, metering, monthly, prepaid, settlement
from harness.valkey import ValkeyServer
from havuz_contract.snapshot.models import Limits
from havuz_gateway.errors import GatewayError
from havuz_gateway.metering.ledger import usage_events, verify
from havuz_gateway.metering.meter import Admitted
from havuz_gateway.metering.redis_meter import RedisMeter

GATEWAYS = 2
amounts = st.one_of(st.integers(0, 20), st.sampled_from([10**9, 2**53 - 1, 2**53 + 1, 2**62]))


@dataclass(eq=False)
class Open:
    """A request that one gateway let in. `cost` is what it was settled with, once it was."""

    gateway: int
    admitted: Admitted
    cost: int | None = None


class Books(RuleBasedStateMachine):
    """Two gateways on one account, and everything that can happen to them."""

    url: str
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.numbers = itertools.count(1)
        self.known: list[Open] = []
        self.crashed: set[int] = set()
        self.run(self.begin())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def begin(self) -> None:
        self.redis = await self.stack.enter_async_context(Redis.from_url(self.url))
        limits = Limits(requests_per_minute=10**6, tokens_per_minute=10**9, concurrency=50, spend_per_day=2**62)
        self.project, self.key = customer(prepaid(0), limits=limits)
        self.credits: dict[str, int] = {}
        self.meters: list[RedisMeter] = [await self.start(number) for number in range(GATEWAYS)]

    async def start(self, number: int) -> RedisMeter:
        made = metering(self.url, owner=f"gateway-{number}", wall=self.clock, clock=self.clock.script_time)
        return await self.stack.enter_async_context(made)

    @rule(amount=st.integers(1, 60))
    def top_up(self, amount: int) -> None:
        self.credits[f"credit-{next(self.numbers)}"] = amount
        self.change_plan(self.project.billing.model_copy(update={"credits": dict(self.credits)}))
        for _ in range(2):  # the operator may ask again
            self.run(credit(self.redis, self.project))

    @rule(amount=st.sampled_from([10**9, 2**53 + 1, 2**61]))
    def top_up_hugely(self, amount: int) -> None:
        self.top_up(amount)

    @rule(
        plan=st.sampled_from(["Prepaid", "Monthly", "Unmetered"]), allowance=st.integers(0, 40), rollover=st.booleans()
    )
    def change_of_plan(self, plan: str, allowance: int, rollover: bool) -> None:
        made = monthly(allowance, rollover=rollover) if plan == "Monthly" else prepaid(0)
        self.change_plan(made.model_copy(update={"plan": plan, "credits": dict(self.credits)}))

    def change_plan(self, billing: Any) -> None:
        self.project = self.project.model_copy(update={"billing": billing})

    @rule(target=requests, gateway=st.integers(0, GATEWAYS - 1), ceiling=amounts, lifetime=st.sampled_from([1.0, 60.0]))
    def admit(self, gateway: int, ceiling: int, lifetime: float) -> Any:
        asked = admission(self.project, self.key, ceiling=ceiling if self.metered else 0, tokens=5,
                          now=self.clock.now, lifetime=lifetime)  # fmt: skip
        try:
            admitted = self.run(self.meters[gateway].admit(asked))
        except GatewayError:
            return multiple()
        self.known.append(Open(gateway, admitted))
        return self.known[-1]

    @property
    def metered(self) -> bool:
        return bool(self.project.billing.plan != "Unmetered")

    @rule(request=requests, cost=amounts, at_most=st.booleans())
    def settle(self, request: Open, cost: int, at_most: bool) -> None:
        if request.cost is None:
            ceiling = request.admitted.admission.ceiling
            request.cost = min(cost, ceiling) if at_most or not ceiling else cost
        self.meters[request.gateway].settle(request.admitted, settlement(request.cost))
        self.run(self.meters[request.gateway].flush())

    @rule(request=requests, cost=amounts, gateway=st.integers(0, GATEWAYS - 1))
    def settle_while_the_connection_is_cut(self, request: Open, cost: int, gateway: int) -> None:
        if request.cost is None:
            request.cost = min(cost, request.admitted.admission.ceiling)
        meter = self.meters[request.gateway]

        async def cut() -> None:
            meter.settle(request.admitted, settlement(request.cost or 0))
            if gateway == 0:
                await asyncio.sleep(0)  # the settle is on its way, and its answer never comes
            wire = meter._link._wire
            if wire is not None:
                wire.abort()
            await meter.flush()

        self.run(cut())

    @rule(request=requests)
    def an_answer_to_its_admission_never_came(self, request: Open) -> None:
        if request.cost is None:
            self.meters[request.gateway]._release(request.admitted.admission)
            self.known.remove(request) if request in self.known else None
            request.cost = 0

    @rule(gateway=st.integers(0, GATEWAYS - 1))
    def crash(self, gateway: int) -> None:
        self.meters[gateway] = self.run(self.start(gateway))  # what the former one let in, nobody settles or all late

    @rule(seconds=st.sampled_from([0.5, 2.0, 70.0, 86_400.0, 32 * 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(gateway=st.integers(0, GATEWAYS - 1))
    def sweep(self, gateway: int) -> None:
        self.run(self.meters[gateway].sweeper.sweep())

    @invariant()
    def the_books_balance(self) -> None:
        proof = self.run(verify(self.redis, self.project.uid))
        assert proof.faults == ()

    def teardown(self) -> None:
        try:
            self.clock.now += 120
            self.run(self.meters[0].sweeper.sweep(everywhere=True))
            self.run(self.nothing_was_billed_twice())
        finally:
            self.run(self.stack.aclose())
            self.run(self.loop.shutdown_asyncgens())
            self.loop.close()

    async def nothing_was_billed_twice(self) -> None:
        billed: dict[str, int] = {}
        async for event in usage_events(self.redis, self.project.uid):
            if event["type"] == "usage":
                billed[event["id"]] = billed.get(event["id"], 0) + int(event["cost"]) + int(event["short"])
        for request in self.known:
            request_id = request.admitted.admission.id
            assert request_id in billed, "a request that was let in is not in the ledger"
            expected = 0 if request.cost is None or not self.pays(request) else request.cost
            assert billed[request_id] == expected
        proof = await verify(self.redis, self.project.uid)
        assert (proof.faults, proof.open_requests, proof.account.reserved) == ((), 0, 0)

    @staticmethod
    def pays(request: Open) -> bool:
        return bool(request.admitted.admission.project.billing.plan != "Unmetered")


def test_no_order_of_events_makes_a_balance_negative_or_the_books_wrong(valkey: ValkeyServer) -> None:
    machine = type("BooksHere", (Books,), {"url": valkey.url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
