"""A prepaid customer on any form of Redis: what is published, credited, served, settled and proved."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import redis

from harness.builders import Customer, make_project, make_route, make_upstream
from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.metering import UNIT, prepaid
from harness.world import World
from havuz_contract import keys
from havuz_contract.accounts import apply_credits
from havuz_contract.snapshot.models import Price, Route
from havuz_gateway.metering.ledger import Proof, verify

_SETTLE_SECONDS = 15.0
_RETRY_SECONDS = 0.05
_FAILOVER_SECONDS = 30.0
_IN_A_ROW = 10
_ASKERS = 4


@dataclass(frozen=True, slots=True)
class Shop:
    """One customer whose requests cost one USD each, served by the mock."""

    world: World
    customer: Customer
    route: Route

    @property
    def uid(self) -> str:
        """The project's uid."""
        return self.customer.project.uid

    async def ask(self, gateway: GatewayProcess) -> int:
        """The status of one request."""
        async with calling(gateway.base_url, self.customer.live) as caller:
            body = {"model": self.route.model, "messages": [{"role": "user", "content": "hi"}]}
            return (await caller.post("/v1/chat/completions", body)).status

    async def ask_through_a_failover(self, gateway: GatewayProcess) -> list[int]:
        """Statuses of requests, some at a time, until many in a row are served after some were not."""
        statuses: list[int] = []
        deadline = time.monotonic() + _FAILOVER_SECONDS

        async def ask_on() -> None:
            while 503 not in statuses or statuses[-_IN_A_ROW:] != [200] * _IN_A_ROW:
                assert time.monotonic() < deadline, f"no new primary was found: {statuses[-20:]}"
                statuses.append(await self.ask(gateway))

        async with asyncio.TaskGroup() as group:
            for number in range(_ASKERS):
                group.create_task(ask_on(), name=f"asker {number}")
        return statuses

    async def settled(self, requests: int) -> Proof:
        """The proof of the books, once so many requests have been settled."""
        last, seen = b"0", 0
        async with asyncio.timeout(_SETTLE_SECONDS):
            while seen < requests:
                try:
                    answer: Any = await self.world.redis.xread({keys.usage_stream(self.uid): last}, block=1_000)
                except redis.RedisError:  # of a server that is gone or not ready yet; a later call finds the new one
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                for _, entries in answer or ():
                    last = entries[-1][0]
                    seen += sum(fields[b"type"] == b"usage" for _, fields in entries)
        return await verify(self.world.redis, self.uid)


async def open_shop(world: World, *, pays_for: int) -> Shop:
    """Publish a route with a price and a customer whose balance pays for so many requests."""
    upstream = make_upstream()
    route = make_route(upstream, prices=(Price(unit="USD", per_request=UNIT),))
    customer = make_project(billing=prepaid(pays_for * UNIT))
    await world.apply(upstream, route, customer)
    await apply_credits(world.redis, [customer.project], now=time.time())
    return Shop(world, customer, route)
