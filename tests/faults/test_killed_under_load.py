"""Gateways killed at random moments, and Redis restarted, under load: every served request is in the ledger, once.

`HAVUZ_FAULT_KILLS` (default 6) and `HAVUZ_FAULT_RESTARTS` (default 1) scale it.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from harness.caller import calling
from harness.fake_provider import Json
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import MESSAGES, Paying, eventually, paying
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Failover, Price
from havuz_gateway.metering.ledger import usage_events, verify

KILLS = int(os.environ.get("HAVUZ_FAULT_KILLS", "6"))
RESTARTS = int(os.environ.get("HAVUZ_FAULT_RESTARTS", "1"))
GATEWAYS = 2
CLIENTS = 24
PRICE = 1_000
PERSISTENT = ("--appendonly", "yes", "--appendfsync", "everysec")
SETTINGS = {"reservation_margin": "1", "sweep_interval": "0.5", "meter_timeout": "0.5", "drain_grace": "5"}
DEADLINE = Failover(total=2.0, first_token=2.0)


@asynccontextmanager
async def _load(customer: Paying, gateways: list[GatewayProcess]) -> AsyncIterator[Counter[int]]:
    """Clients that ask without a pause until the block is left; counts answers by status, 0 for none."""
    answers: Counter[int] = Counter()
    ending = asyncio.Event()

    async def ask(number: int) -> None:
        body = {"model": customer.route.model, "messages": MESSAGES}
        async with calling(gateways[number % GATEWAYS].base_url, customer.customer.live) as caller:
            while not ending.is_set():
                try:
                    answers[(await caller.post("/v1/chat/completions", body)).status] += 1
                except (aiohttp.ClientError, OSError):
                    answers[0] += 1
                    await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(ask(number), name=f"client {number}")
        try:
            yield answers
        finally:
            ending.set()


@pytest.mark.timeout(120 + 10 * (KILLS + RESTARTS))
async def test_every_request_that_was_served_is_settled_or_abandoned_once(
    start_valkey: type[ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    rng = random.Random(9)
    server = start_valkey(*PERSISTENT)
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        for _ in range(GATEWAYS):
            world.gateways.append(await asyncio.to_thread(start_gateway, redis_url=server.url, **SETTINGS))
        price = (Price(unit="USD", per_request=PRICE),)
        async with paying(
            world, world.gateways[0], billing=prepaid(10**12), prices=price, route={"failover": DEADLINE}
        ) as customer:
            customer.provider.always(Json(delay=0.02))
            async with _load(customer, world.gateways) as answers:
                for fault in _faults(rng):
                    await asyncio.sleep(rng.uniform(0.2, 0.8))
                    await _strike(fault, rng, world, server)
                await asyncio.sleep(0.5)
            await world.redis.connection_pool.disconnect()
            uid = customer.customer.project.uid

            async def all_closed() -> bool:
                return (await verify(world.redis, uid)).open_requests == 0

            await eventually(all_closed, 30)
            await _prove(customer, answers)


def _faults(rng: random.Random) -> list[str]:
    faults = ["kill"] * KILLS + ["restart"] * RESTARTS
    rng.shuffle(faults)
    return faults


async def _strike(fault: str, rng: random.Random, world: World, server: ValkeyServer) -> None:
    if fault == "restart":
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        return
    victim = rng.choice(world.gateways)
    victim.kill()
    await asyncio.to_thread(victim.start)


async def _prove(customer: Paying, answers: Counter[int]) -> None:
    proof = await customer.proof()
    assert proof.faults == ()
    verdicts: dict[str, list[tuple[str, int]]] = {}
    async for event in usage_events(customer.world.redis, customer.customer.project.uid):
        if event["type"] == "usage":
            verdicts.setdefault(event["id"], []).append((event["event"], int(event["cost"])))
    settled = {name for name, events in verdicts.items() if any('"abandoned"' not in told for told, _ in events)}
    abandoned = verdicts.keys() - settled
    assert all(sum(cost for _, cost in events) <= PRICE for events in verdicts.values()), "billed twice"
    served = len(customer.provider.requests)
    paid = sum(any(cost == PRICE for _, cost in verdicts[name]) for name in settled)
    assert paid == proof.account.spent // PRICE
    # what a provider served is in the ledger, and what was billed was served
    assert paid <= served <= len(verdicts)
    assert 0 < answers[200] <= paid + len(abandoned)
    assert abandoned, "no gateway died with a request under way"
