"""A customer who pays: a provider, a priced route, and an account with credits."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from harness.builders import Customer, make_project, make_route, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.world import World
from havuz_contract import accounts
from havuz_contract.snapshot.models import Billing, Price, Route
from havuz_gateway.metering.ledger import Proof, usage_events, verify

# Dollars per million tokens that make one input token 1,000 nanos and one output token 2,000.
PER_TOKEN = Price(unit="USD", input=1_000_000_000, cached_input=500_000_000, output=2_000_000_000)
MESSAGES = [{"role": "user", "content": "Hello!"}]
_CLOSED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Paying:
    """A caller whose project pays for what the route's provider answers."""

    caller: Caller
    world: World
    customer: Customer
    route: Route
    provider: FakeProvider

    async def ask(self, *, stream: bool = False, **fields: Any) -> Reply:
        """One chat call."""
        body = {"model": self.route.model, "stream": stream, "messages": MESSAGES, "max_tokens": 100} | fields
        return await self.caller.post("/v1/chat/completions", {name: v for name, v in body.items() if v is not None})

    async def account(self) -> accounts.Account:
        """The account now."""
        uid = self.customer.project.uid
        return (await accounts.read_accounts(self.world.redis, [uid]))[uid]

    async def closed(self, count: int) -> list[dict[str, Any]]:
        """The usage events with their own fields, oldest first, once there are so many and no request is open."""
        return await closed(self.world, self.customer, count)

    async def proof(self) -> Proof:
        """The books."""
        return await verify(self.world.redis, self.customer.project.uid)


async def closed(world: World, customer: Customer, count: int) -> list[dict[str, Any]]:
    """The usage events of a customer once there are `count` and nothing is open."""
    uid = customer.project.uid

    async def events() -> list[dict[str, Any]]:
        found = [event async for event in usage_events(world.redis, uid) if event["type"] == "usage"]
        return [{**event, **json.loads(event["event"])} for event in found]

    await eventually(lambda: _is_closed(world, uid, count), _CLOSED_SECONDS)
    return await events()


async def _is_closed(world: World, uid: str, count: int) -> bool:
    proof = await verify(world.redis, uid)
    return proof.events >= count and proof.open_requests == 0


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def paying(
    world: World,
    gateway: GatewayProcess,
    *,
    billing: Billing | None = None,
    prices: tuple[Price, ...] = (PER_TOKEN,),
    route: dict[str, Any] | None = None,
    project: dict[str, Any] | None = None,
    upstream: dict[str, Any] | None = None,
) -> AsyncIterator[Paying]:
    """By default with a credit of 10 USD, and prices of `PER_TOKEN`."""
    async with FakeProvider() as provider:
        member = make_upstream(provider.base_url, **(upstream or {}))
        made = make_route(member, prices=prices, **(route or {}))
        customer = make_project(billing=billing or prepaid(10 * 10**9), **(project or {}))
        await world.apply(member, made, customer)
        await accounts.apply_credits(world.redis, [customer.project], now=time.time())
        async with calling(gateway.base_url, customer.live) as caller:
            yield Paying(caller, world, customer, made, provider)
