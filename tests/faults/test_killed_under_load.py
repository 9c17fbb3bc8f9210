"""Gateways killed at random moments, and Redis restarted, under load: every served request is in the ledger, once.

`HAVUZ_FAULT_KILLS` (default 6) and `HAVUZ_FAULT_RESTARTS` (default 1) scale it.
"""

import asyncio
import json
import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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

_log = logging.getLogger(__name__)
KILLS = int(os.environ.get("HAVUZ_FAULT_KILLS", "6"))
RESTARTS = int(os.environ.get("HAVUZ_FAULT_RESTARTS", "1"))
GATEWAYS = 2
CLIENTS = 24
PAUSE = 0.2  # a gateway that starts needs a share of the processor, too
SERVING_SECONDS = 0.1
PRICE = 1_000
# With `everysec` a write may wait two seconds for the disk after it was acknowledged. A gateway makes up for that,
# unless it is killed in the same seconds, as it may well be here.
PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always")
START_SECONDS = 90.0
SETTINGS = {"reservation_margin": "1", "sweep_interval": "0.5", "meter_timeout": "0.5", "drain_grace": "5"}
DEADLINE = Failover(total=2.0, first_token=2.0)


@asynccontextmanager
async def _load(customer: Paying, gateways: list[GatewayProcess]) -> AsyncIterator[set[str]]:
    """Clients that ask again and again until the block is left; collects the ids of the requests that were answered."""
    answered: set[str] = set()
    ending = asyncio.Event()

    async def ask(number: int) -> None:
        body = {"model": customer.route.model, "messages": MESSAGES}
        async with calling(gateways[number % GATEWAYS].base_url, customer.customer.live) as caller:
            while not ending.is_set():
                try:
                    reply = await caller.post("/v1/chat/completions", body)
                    if reply.status == 200:
                        answered.add(reply.headers["x-request-id"])
                except (aiohttp.ClientError, OSError):
                    pass  # its gateway was killed
                await asyncio.sleep(PAUSE)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(ask(number), name=f"client {number}")
        try:
            yield answered
        finally:
            ending.set()


@pytest.mark.timeout(120 + 30 * (KILLS + RESTARTS))
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
            customer.provider.always(Json(delay=SERVING_SECONDS))
            async with _load(customer, world.gateways) as answered:
                for fault in _faults(rng):
                    await asyncio.sleep(rng.uniform(0.2, 0.8))
                    await _strike(fault, rng, world, server)
                await asyncio.sleep(0.5)
            await world.redis.connection_pool.disconnect()
            uid = customer.customer.project.uid

            async def all_closed() -> bool:
                return (await verify(world.redis, uid)).open_requests == 0

            await eventually(all_closed, 30)
            await _prove(customer, answered)


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
    victim.start(wait=False)
    await asyncio.to_thread(victim.wait_ready, START_SECONDS)


async def _prove(customer: Paying, answered: set[str]) -> None:
    proof = await customer.proof()
    assert proof.faults == ()
    rows: dict[str, list[dict[str, Any]]] = {}
    async for event in usage_events(customer.world.redis, customer.customer.project.uid):
        if event["type"] == "usage":
            rows.setdefault(event["id"], []).append({**json.loads(event["event"]), "cost": int(event["cost"])})
    settled = {name: told[-1] for name, told in rows.items() if told[-1]["status"] != "abandoned"}
    abandoned = rows.keys() - settled.keys()
    assert abandoned, "no gateway died with a request under way"
    assert max(sum(row["cost"] for row in told) for told in rows.values()) <= PRICE, "a request was billed twice"
    assert answered <= rows.keys(), "a request that was answered is not in the ledger"
    assert {settled[name]["cost"] for name in answered & settled.keys()} == {PRICE}
    called = sum(row["attempts"] for row in settled.values())
    served = len(customer.provider.requests)
    # what a dead gateway had let in was served or not: nobody but the provider knows
    assert called <= served <= called + len(abandoned)
    assert proof.account.spent == PRICE * sum(row["cost"] == PRICE for row in settled.values())
    _log.info("served %d, settled %d, abandoned %d", served, len(settled), len(abandoned))
