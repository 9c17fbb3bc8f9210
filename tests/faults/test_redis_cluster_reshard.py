"""Redis Cluster: slots that move from node to node while their projects are served."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from harness.fake_provider import Json
from harness.fixtures import StartGateway
from harness.metering import prepaid
from harness.paying import Paying, paying
from harness.redis_cluster import ClusterInstallation
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.models import Price

CUSTOMERS = 3
CALLS_EACH = 4  # at the same time
PRICE = 7
CREDIT = 1_000_000
SERVING_SECONDS = 0.3  # so that requests are under way when their slot begins to move
BETWEEN_SECONDS = 2.5  # longer than a call follows redirections; no script runs in a slot on the move


async def test_slots_that_move_under_load_lose_and_repeat_nothing(
    cluster: ClusterInstallation, cluster_world: World, start_gateway: StartGateway
) -> None:
    gateway = await asyncio.to_thread(start_gateway, redis_url=cluster.url, reservation_margin="30")
    cluster_world.gateways.append(gateway)
    prices = (Price(unit="USD", per_request=PRICE),)
    ending = asyncio.Event()

    async def use(customer: Paying) -> Counter[int]:
        told: Counter[int] = Counter()
        while not ending.is_set():
            told[(await customer.ask()).status] += 1
        return told

    async with AsyncExitStack() as stack:
        customers = [
            await stack.enter_async_context(paying(cluster_world, gateway, billing=prepaid(CREDIT), prices=prices))
            for _ in range(CUSTOMERS)
        ]
        for customer in customers:
            customer.provider.always(Json(delay=SERVING_SECONDS))
        async with asyncio.TaskGroup() as group:
            calls = [[group.create_task(use(each)) for _ in range(CALLS_EACH)] for each in customers]
            for customer in (*customers, customers[0]):  # one of them there, and on or back
                await asyncio.sleep(2 * SERVING_SECONDS)
                account = keys.account(customer.customer.project.uid)
                move = await asyncio.to_thread(cluster.begin_move, account)
                await asyncio.sleep(BETWEEN_SECONDS)
                await asyncio.to_thread(move.end)
            ending.set()
        for customer, tasks in zip(customers, calls, strict=True):
            told = sum((task.result() for task in tasks), Counter[int]())
            assert told.keys() == {200, 503}
            events = await customer.closed(told[200])
            assert [event["cost"] for event in events] == [str(PRICE)] * told[200]
            assert len({event["id"] for event in events}) == len(customer.provider.requests) == told[200]
            proof = await customer.proof()
            assert (proof.faults, proof.account.balance) == ((), CREDIT - PRICE * told[200])
