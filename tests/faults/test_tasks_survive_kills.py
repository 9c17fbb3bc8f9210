"""Workers killed at random and Redis restarted while orders are drawn: each one ends, is paid once, and is told.

`HAVUZ_FAULT_TASKS` (default 300), `HAVUZ_FAULT_KILLS` (default 6) and `HAVUZ_FAULT_RESTARTS` (default 1) scale it.
"""

import asyncio
import json
import logging
import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from harness.caller import Caller, calling
from harness.fixtures import publish_nothing
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import Paying, eventually, paying
from harness.strange_server import StrangeServer, fixed
from harness.tasks import PRICES, ROUTE, drawn, status, studio
from harness.valkey import ValkeyServer
from harness.webhooks import verifies
from harness.world import World
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.signing import WebhookSecrets, shown
from havuz_gateway.metering.ledger import usage_events

_log = logging.getLogger(__name__)
TASKS = int(os.environ.get("HAVUZ_FAULT_TASKS", "300"))
KILLS = int(os.environ.get("HAVUZ_FAULT_KILLS", "6"))
RESTARTS = int(os.environ.get("HAVUZ_FAULT_RESTARTS", "1"))
WORKERS = 4
SLOTS = 4
ORDERING = 8
PRICE = 10 * 10**9
# A worker that was killed is started again at once; ten attempts leave no task to chance.
SETTINGS = {
    "task_lease": "2", "task_slots": str(SLOTS), "task_attempts": "10", "task_open": "100000",
    "sweep_interval": "0.5", "meter_timeout": "0.5", "drain_grace": "5", "callback_delays": "1 1 2 2 5 5 10 10",
}  # fmt: skip
PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always")
START_SECONDS = 90.0
END_SECONDS = 60.0 + TASKS / 5
TOLD_SECONDS = 240.0  # a callback that was under way when its process died is told a minute later, or two


@pytest.mark.timeout(420 + TASKS / 2 + 30 * (KILLS + RESTARTS))
async def test_every_order_ends_is_paid_once_and_is_told(encryption_keys: str, tmp_path: Path) -> None:
    rng = random.Random(7)
    with ExitStack() as stack:
        server = stack.enter_context(ValkeyServer(*PERSISTENT))
        await asyncio.to_thread(lambda: asyncio.run(publish_nothing(server, encryption_keys)))
        front, *workers = await asyncio.to_thread(_start, stack, server.url, encryption_keys, tmp_path)
        async with (
            World(redis_url=server.url, encryption_keys=encryption_keys, gateways=[front, *workers]) as world,
            paying(world, front, prices=PRICES, route=ROUTE, billing=prepaid(TASKS * PRICE)) as customer,
            StrangeServer() as web,
        ):
            web.answers["/hook"] = fixed(b"ok")
            customer.provider.always(drawn(delay=0.05))
            async with asyncio.TaskGroup() as group:
                ordering = group.create_task(_order_all(customer, front, web.url("/hook")))
                group.create_task(_strike(rng, workers, server))
            ids = ordering.result()
            await world.redis.connection_pool.disconnect()
            statuses = await _all_ended(customer.caller, ids)
            await _prove(customer, ids, statuses)
            await _all_told(web, ids, secret=_secret(customer, encryption_keys))


def _start(stack: ExitStack, url: str, encryption_keys: str, files: Path) -> list[GatewayProcess]:
    roles = ["proxy", *["worker"] * WORKERS]
    return [stack.enter_context(studio(url, encryption_keys, files, role=role, **SETTINGS)) for role in roles]


async def _order_all(customer: Paying, front: GatewayProcess, hook: str) -> dict[str, str]:
    """The ids of all tasks by their prompt; each order is sent until it is taken, under one name."""
    numbers = iter(range(TASKS))
    ids: dict[str, str] = {}

    async def some(caller: Caller) -> None:
        for number in numbers:
            prompt = f"fox {number}"
            while prompt not in ids:
                body = {"prompt": prompt, "callback_url": hook}
                reply = await caller.post("/api/generate", body, **{"idempotency-key": prompt})
                if reply.status == 200:
                    ids[prompt] = reply.json["data"]["task_id"]
                else:
                    assert reply.status == 503, reply.body
                    await asyncio.sleep(0.2)

    async with calling(front.base_url, customer.customer.live) as caller, asyncio.TaskGroup() as group:
        for _ in range(ORDERING):
            group.create_task(some(caller))
    return ids


async def _strike(rng: random.Random, workers: list[GatewayProcess], server: ValkeyServer) -> None:
    faults = ["kill"] * KILLS + ["restart"] * RESTARTS
    rng.shuffle(faults)
    for fault in faults:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        if fault == "restart":
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            continue
        victim = rng.choice(workers)
        victim.kill()
        victim.start(wait=False)
        await asyncio.to_thread(victim.wait_ready, START_SECONDS)


async def _all_ended(caller: Caller, ids: dict[str, str]) -> Counter[str]:
    deadline = time.monotonic() + END_SECONDS
    statuses: Counter[str] = Counter()
    for task_id in ids.values():
        while (told := (await status(caller, task_id))["status"]) not in ("SUCCESS", "FAILED"):
            assert time.monotonic() < deadline, f"{task_id} has not ended; so far {statuses}"
            await asyncio.sleep(0.1)
        statuses[told] += 1
    return statuses


async def _prove(customer: Paying, ids: dict[str, str], statuses: Counter[str]) -> None:
    async def all_settled() -> bool:
        try:
            return (await customer.proof()).open_requests == 0
        except RedisError:
            return False

    await eventually(all_settled, END_SECONDS)
    proof = await customer.proof()
    rows: dict[str, list[dict[str, Any]]] = {}
    async for event in usage_events(customer.world.redis, customer.customer.project.uid):
        if event["type"] == "usage":
            rows.setdefault(event["id"], []).append({**json.loads(event["event"]), "cost": int(event["cost"])})
    drawn_for = Counter(request.json["prompt"] for request in customer.provider.requests)
    again = drawn_for.total() - len(drawn_for)
    _log.info("tasks %s, drawn again %d of %d calls", dict(statuses), again, drawn_for.total())
    assert proof.faults == ()
    assert set(rows) == set(ids.values())
    assert {len(told) for told in rows.values()} == {1}, "a task was settled twice"
    assert statuses["SUCCESS"] == sum(told[0]["cost"] == PRICE for told in rows.values())
    assert proof.account.spent == PRICE * statuses["SUCCESS"]
    assert proof.account.balance == PRICE * (TASKS - statuses["SUCCESS"])
    # only what was under way when its worker died, or when Redis did, may be drawn once more
    assert again <= SLOTS * (KILLS + RESTARTS * WORKERS)


async def _all_told(web: StrangeServer, ids: dict[str, str], *, secret: str) -> None:
    async def all_told() -> bool:
        return {json.loads(one.body)["data"]["task_id"] for one in web.heard} >= set(ids.values())

    await eventually(all_told, TOLD_SECONDS)
    assert all(verifies(secret, one.headers, one.body, now=time.time(), tolerance=3600) for one in web.heard)
    _log.info("callbacks %d for %d tasks", len(web.heard), len(ids))


def _secret(customer: Paying, encryption_keys: str) -> str:
    (secret,) = WebhookSecrets(Keyring.parse(encryption_keys)).of(customer.customer.project.uid, [1])
    return shown(secret)
