"""Many clients on several gateways race for the last of one balance: exactly what it pays for is served."""

import asyncio
from contextlib import AsyncExitStack

from harness.caller import Caller, calling
from harness.fixtures import StartGateway
from harness.metering import prepaid
from harness.paying import MESSAGES, paying
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Price

GATEWAYS = 4
CLIENTS = 200
REQUESTS_EACH = 5
PAID_FOR = 100
PRICE = 1_234_567
REST = 1_234_566  # not enough for one more


async def test_exactly_what_the_balance_pays_for_is_served(
    valkey: ValkeyServer, start_gateway: StartGateway, encryption_keys: str
) -> None:
    gateways = [await asyncio.to_thread(start_gateway) for _ in range(GATEWAYS)]
    balance = prepaid(PAID_FOR * PRICE + REST)
    async with (
        World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=gateways) as world,
        paying(world, gateways[0], billing=balance, prices=(Price(unit="USD", per_request=PRICE),)) as customer,
        AsyncExitStack() as stack,
    ):
        callers = [
            await stack.enter_async_context(calling(gateways[number % GATEWAYS].base_url, customer.customer.live))
            for number in range(CLIENTS)
        ]
        body = {"model": customer.route.model, "messages": MESSAGES}

        async def use_it_up(caller: Caller) -> list[int]:
            return [(await caller.post("/v1/chat/completions", body)).status for _ in range(REQUESTS_EACH)]

        statuses = [status for told in await asyncio.gather(*map(use_it_up, callers)) for status in told]
        assert statuses.count(200) == PAID_FOR
        assert statuses.count(402) == CLIENTS * REQUESTS_EACH - PAID_FOR
        assert len(customer.provider.requests) == PAID_FOR
        await customer.closed(PAID_FOR)
        account = await customer.account()
        assert (account.balance, account.spent) == (REST, PAID_FOR * PRICE)
        assert (await customer.proof()).faults == ()
