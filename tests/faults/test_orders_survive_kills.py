"""The gateway that takes orders is killed at random: what it wrote down is done, and what it held besides is returned.

Between an order's record and its place in the queue is a moment in which it can die, too.
"""

import asyncio
import itertools
import logging
import os
import random
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harness.caller import calling
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import Paying, eventually, paying
from harness.tasks import PRICES, ROUTE, drawn, studio
from harness.valkey import ValkeyServer
from harness.workshop import queue_is_empty
from harness.world import World
from havuz_contract import keys

_log = logging.getLogger(__name__)
KILLS = int(os.environ.get("HAVUZ_FAULT_KILLS", "4"))
ORDERING = 6
PRICE = 10 * 10**9
TASK_SECONDS = 60
SETTINGS = {
    "task_seconds": str(TASK_SECONDS), "reservation_margin": "1", "sweep_interval": "0.5", "task_open": "100000",
    "drain_grace": "5",
}  # fmt: skip


@pytest.mark.timeout(300 + 40 * KILLS)
async def test_what_a_gateway_wrote_down_before_it_died_is_done(encryption_keys: str, tmp_path: Path) -> None:
    rng = random.Random(11)
    with ExitStack() as stack:
        server = stack.enter_context(ValkeyServer())
        await asyncio.to_thread(lambda: asyncio.run(publish_nothing(server, encryption_keys)))
        front, worker = await asyncio.to_thread(_start, stack, server.url, encryption_keys, tmp_path)
        async with (
            World(redis_url=server.url, encryption_keys=encryption_keys, gateways=[front, worker]) as world,
            paying(world, front, prices=PRICES, route=ROUTE, billing=prepaid(1_000_000 * PRICE)) as customer,
        ):
            customer.provider.always(drawn())
            told = await _order_until_killed(customer, front, rng)
            await eventually(lambda: _nothing_is_open(customer), TASK_SECONDS + 60)
            found = await _statuses(customer)
            asked = Counter(request.json["prompt"] for request in customer.provider.requests)
            proof = await customer.proof()
    lost = front.log.count("a task was in no queue") + worker.log.count("a task was in no queue")
    _log.info("orders told %d, written down %s, found in no queue %d", told, dict(found), lost)
    assert set(found) == {"SUCCESS"}
    assert found["SUCCESS"] >= told > 0
    assert set(asked.values()) == {1}
    assert asked.total() == found["SUCCESS"]
    assert proof.faults == ()
    assert proof.account.spent == PRICE * found["SUCCESS"]
    assert proof.account.balance == PRICE * (1_000_000 - found["SUCCESS"])


def _start(stack: ExitStack, url: str, encryption_keys: str, files: Path) -> list[GatewayProcess]:
    roles = ("proxy", "worker")
    return [stack.enter_context(studio(url, encryption_keys, files, role=role, **SETTINGS)) for role in roles]


async def _order_until_killed(customer: Paying, front: GatewayProcess, rng: random.Random) -> int:
    """How many orders were answered with an id."""
    numbers, taken, ended = itertools.count(), Counter[int](), asyncio.Event()

    async def some() -> None:
        async with calling(front.base_url, customer.customer.live) as caller:
            while not ended.is_set():
                try:
                    reply = await caller.post("/api/generate", {"prompt": f"fox {next(numbers)}"})
                except (OSError, aiohttp.ClientError):
                    await asyncio.sleep(0.1)  # it is dead
                else:
                    taken[reply.status] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(ORDERING):
            group.create_task(some())
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.3, 0.8))
            front.kill()
            front.start(wait=False)
            await asyncio.to_thread(front.wait_ready)
        ended.set()
    return taken[200]


async def _nothing_is_open(customer: Paying) -> bool:
    uid = customer.customer.project.uid
    if await customer.world.redis.zcard(keys.open_tasks(uid)) or not await queue_is_empty(customer):
        return False
    return (await customer.proof()).open_requests == 0


async def _statuses(customer: Paying) -> Counter[str]:
    redis: Any = customer.world.redis
    pattern = keys.task(customer.customer.project.uid, "*").replace("[", r"\[")
    return Counter([(await redis.hget(name, "status")).decode() async for name in redis.scan_iter(match=pattern)])
