"""One gateway's meter on a real Valkey, without the gateway around it; its time can be the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from harness.builders import fresh, make_project, make_project_key, make_route
from havuz_contract import accounts
from havuz_contract.connection import read_url
from havuz_contract.money import NANOS_PER_UNIT
from havuz_contract.snapshot.models import Billing, Monthly, Project, ProjectKey
from havuz_gateway.metering.address import calls_to
from havuz_gateway.metering.meter import Admission, Admitted, Settlement
from havuz_gateway.metering.redis_meter import MeterSettings, RedisMeter
from havuz_gateway.protocols.usage import Usage

UNIT = NANOS_PER_UNIT
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class Clock:
    """Unix seconds that stand still until a test moves them."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def script_time(self) -> str:
        """As the scripts want it: unix milliseconds."""
        return str(int(self.now * 1000))


@asynccontextmanager
async def metering(
    url: str,
    *,
    owner: str = "gateway-a",
    wall: Callable[[], float] | None = None,
    clock: Callable[[], str] | None = None,
    timeout: float = 2.0,
    wait: bool = True,
    **settings: Any,
) -> AsyncIterator[RedisMeter]:
    """A meter that runs, connected to `url`. With neither `wall` nor `clock` its time stands still at `NOW`."""
    still = Clock()
    link = calls_to(read_url(url), timeout=timeout)
    meter = RedisMeter(
        link,
        owner=owner,
        wall=wall or still,
        clock=clock or still.script_time,
        settings=MeterSettings(**{"sweep_seconds": 3_600.0, **settings}),
    )
    meter.start()
    try:
        if wait:
            await link.tried.wait()
            assert link.up, "the meter could not connect"
        yield meter
    finally:
        await meter.close()


def prepaid(amount: int, *, unit: str = "USD", **fields: Any) -> Billing:
    """A plan of one credit of so many nanos."""
    return Billing(unit=unit, plan="Prepaid", credits={"first": amount} if amount else {}, **fields)


def monthly(allowance: int, *, credit: int = 0, rollover: bool = False, **fields: Any) -> Billing:
    """A plan with an allowance of so many nanos in each month of UTC."""
    plan = Monthly(allowance=allowance, rollover=rollover)
    return Billing(plan="Monthly", monthly=plan, credits={"first": credit} if credit else {}, **fields)


def customer(billing: Billing, **fields: Any) -> tuple[Project, ProjectKey]:
    """A project with this plan, and its live key."""
    key_fields = fields.pop("key", {})
    key = make_project_key(fresh("pk_live_"), **key_fields)
    return make_project(billing=billing, keys=(key,), **fields).project, key


ROUTE = make_route(name="gpt-test")


def admission(
    project: Project, key: ProjectKey, *, ceiling: int = 0, tokens: int = 0, now: float = NOW, **fields: Any
) -> Admission:
    """A request of this project for `ROUTE`."""
    given: dict[str, Any] = {"id": fresh("req"), "route": ROUTE, "lifetime": 60.0, **fields}
    return Admission(project=project, key=key, ceiling=ceiling, tokens=tokens, now=now, **given)


def settlement(cost: int, *, usage: Usage | None = None, **fields: Any) -> Settlement:
    """A request that went well."""
    given: dict[str, Any] = {"status": "ok", "operation": "chat", "upstream": "default/a", "attempts": 1, **fields}
    return Settlement(cost=cost, usage=usage, **given)


async def credit(redis: Redis, project: Project, now: float = NOW) -> None:
    """Apply the project's credits as the operator does."""
    await accounts.apply_credits(redis, [project], now=now)


async def account_of(redis: Redis, project: Project) -> accounts.Account:
    """The project's account."""
    return (await accounts.read_accounts(redis, [project.uid]))[project.uid]


async def settled(meter: RedisMeter, admitted: Admitted, cost: int, **fields: Any) -> None:
    """Settle, and wait until Redis took it."""
    meter.settle(admitted, settlement(cost, **fields))
    await meter.flush()
