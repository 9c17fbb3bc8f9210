"""A customer who asks and keeps count, so that the ledger can be held against what was really answered."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from harness.paying import Paying, eventually
from havuz_gateway.metering.ledger import usage_events, verify

SHOPPER_PRICE = 3
AT_ONCE = 10


@dataclass(slots=True)
class Shopper:
    """A customer, and how often it was answered in which way."""

    paying: Paying
    statuses: Counter[int] = field(default_factory=Counter)

    async def ask(self) -> set[int]:
        """The statuses of some requests at once."""
        replies = await asyncio.gather(*(self.paying.ask() for _ in range(AT_ONCE)))
        for reply in replies:
            if reply.status == 503:
                assert (reply.error["type"], reply.headers["retry-after"]) == ("service_unavailable", "1")
        self.statuses.update(reply.status for reply in replies)
        return {reply.status for reply in replies}

    async def asks_until_all_are(self, status: int) -> None:
        """Go on asking until every answer is so."""

        async def so() -> bool:
            return await self.ask() == {status}

        await eventually(so, 20)

    async def prove(self) -> None:
        """Everything that was answered is billed once, and nothing is open."""
        redis, uid = self.paying.world.redis, self.paying.customer.project.uid
        served = self.statuses[200]

        async def settled() -> bool:
            proof = await verify(redis, uid)
            return proof.open_requests == 0 and proof.account.spent == served * SHOPPER_PRICE

        await eventually(settled, 20)
        billed: Counter[str] = Counter()
        async for event in usage_events(redis, uid):
            if event["type"] == "usage":
                billed[event["id"]] += int(event["cost"])
        assert [cost for cost in billed.values() if cost] == [SHOPPER_PRICE] * served
        assert len(self.paying.provider.requests) == served
        assert (await self.paying.proof()).faults == ()
