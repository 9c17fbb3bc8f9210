"""Workers that come, die and are replaced: each task is done, ends once, and is paid once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import Hang
from harness.gateway import GatewayProcess
from harness.paying import eventually, paying
from harness.scrape import scrape
from harness.tasks import PRICES, ROUTE, drawn, ended, order, status
from harness.workshop import Studio, queue_is_empty, workshop_of
from harness.world import World
from havuz_contract import keys

pytestmark = pytest.mark.timeout(300)  # some start four processes, one after the other


@pytest.fixture
async def workshop(encryption_keys: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with workshop_of(encryption_keys, tmp_path) as of:
        yield of


async def test_an_order_waits_for_a_worker_and_can_be_cancelled_until_then(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.always(drawn())
    before = (await customer.account()).balance
    first = await order(customer.caller)
    assert (await status(customer.caller, first))["status"] == "PENDING"
    assert (await customer.account()).balance == before - 10**10
    reply = await customer.caller.send("DELETE", f"/api/status?task_id={first}")
    assert (reply.status, reply.json["data"]["status"]) == (200, "FAILED")
    assert (reply.json["data"]["error_message"], reply.json["data"]["consumed_credits"]) == ("it was cancelled", 0)
    assert (await customer.account()).balance == before
    second = await order(customer.caller)
    worker = await workshop.worker()
    assert (await ended(customer.caller, second))["status"] == "SUCCESS"
    assert len(customer.provider.requests) == 1
    assert {event["status"] for event in await customer.closed(2)} == {"cancelled", "ok"}
    assert (await customer.proof()).faults == ()
    await eventually(lambda: queue_is_empty(customer), 10)
    async with calling(worker.base_url, customer.customer.live) as nobody:
        with pytest.raises(OSError):  # noqa: PT011 - whichever it is, nothing listens
            await nobody.get("/livez")
    assert worker.readiness()[0] == 200


async def test_one_key_sent_many_times_at_once_is_one_task_and_one_charge(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.always(drawn())
    named = {"idempotency-key": "the same"}
    replies = await asyncio.gather(
        *(customer.caller.post("/api/generate", {"prompt": "a fox"}, **named) for _ in range(6))
    )
    taken = {reply.json["data"]["task_id"] for reply in replies if reply.status == 200}
    assert len(taken) == 1
    assert {reply.status for reply in replies} <= {200, 402}  # the balance is held for one of them at a time
    await workshop.worker()
    assert (await ended(customer.caller, taken.pop()))["status"] == "SUCCESS"
    (event,) = await customer.closed(1)
    assert (event["cost"], len(customer.provider.requests)) == (str(10**10), 1)
    assert (await customer.proof()).faults == ()


async def test_a_task_whose_worker_died_is_done_by_another_and_paid_once(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.script(Hang(), drawn())
    first = await workshop.worker()
    task_id = await order(customer.caller)
    await customer.provider.received(1)
    workshop.lost(first)
    await workshop.worker()
    assert (await ended(customer.caller, task_id))["status"] == "SUCCESS"
    (event,) = await customer.closed(1)
    assert (event["cost"], len(customer.provider.requests)) == (str(10**10), 2)
    assert (await customer.proof()).faults == ()


async def test_a_task_that_kills_its_workers_is_given_up_for_nothing(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.always(Hang())
    task_id = await order(customer.caller)
    for count in (1, 2):
        worker = await workshop.worker(task_attempts="2")
        await customer.provider.received(count)
        workshop.lost(worker)
    await workshop.worker(task_attempts="2")
    data = await ended(customer.caller, task_id)
    assert (data["status"], data["consumed_credits"]) == ("FAILED", 0)
    assert "after 2 attempts" in data["error_message"]
    (event,) = await customer.closed(1)
    assert event["cost"] == "0"
    assert (await customer.proof()).faults == ()


async def test_a_worker_that_is_told_to_end_ends_what_it_has_begun(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.script(drawn(delay=1.5))
    worker = await workshop.worker()
    task_id = await order(customer.caller)
    await customer.provider.received(1)
    worker.terminate()
    assert await worker.wait() == 0
    assert ((await status(customer.caller, task_id))["status"], len(customer.provider.requests)) == ("SUCCESS", 1)


async def test_an_ended_task_that_was_not_settled_is_settled_by_whoever_finds_it(workshop: Studio) -> None:
    customer = workshop.customer
    customer.provider.script(drawn())
    uid = customer.customer.project.uid
    worker = await workshop.worker()
    task_id = await order(customer.caller)
    await ended(customer.caller, task_id)
    await customer.closed(1)
    workshop.lost(worker)
    redis: Any = customer.world.redis
    await redis.hdel(keys.task(uid, task_id), "settled")  # as if the worker had died before it noted that
    await redis.xadd(keys.TASKS, {"p": uid, "t": task_id})  # which is acknowledged after that
    await workshop.worker()
    await eventually(lambda: queue_is_empty(customer), 10)
    assert await redis.hget(keys.task(uid, task_id), "settled") == b"1"
    (event,) = await customer.closed(1)
    assert event["cost"] == str(10**10)
    assert (await customer.proof()).faults == ()


async def test_while_redis_is_away_nothing_is_ordered(encryption_keys: str, tmp_path: Path) -> None:
    async with workshop_of(encryption_keys, tmp_path, server=("--appendonly", "yes", "--appendfsync", "always")) as of:
        customer = of.customer
        customer.provider.always(drawn())
        task_id = await order(customer.caller)
        of.valkey.stop()

        async def refused() -> bool:
            reply = await customer.caller.post("/api/generate", {"prompt": "a fox"})
            return reply.status == 503 and set(reply.json) == {"code", "message", "data"}

        await eventually(refused, 10)
        assert (await customer.caller.get(f"/api/status?task_id={task_id}")).status == 503
        await asyncio.to_thread(of.valkey.start)
        await customer.world.redis.connection_pool.disconnect()
        await of.worker()
        assert (await ended(customer.caller, task_id))["status"] == "SUCCESS"
        assert (await customer.proof()).faults == ()


async def test_without_an_object_store_nothing_is_ordered(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, prices=PRICES, route=ROUTE) as customer:
        reply = await customer.caller.post("/api/generate", {"prompt": "a fox"})
        assert reply.status == 503
        assert "object store" in reply.json["message"]
        assert (await customer.account()).reserved == 0


async def test_how_much_waits_and_how_long_are_metrics(workshop: Studio) -> None:
    await order(workshop.customer.caller)

    async def shown() -> bool:
        found = {name: family.samples[0].value for name, family in (await scrape(workshop.front)).items()
                 if name.startswith("havuz_tasks_")}  # fmt: skip
        return (
            found["havuz_tasks_open"] == found["havuz_tasks_waiting"] == 1
            and 0 < found["havuz_tasks_oldest_waiting_seconds"] < 60
        )

    await eventually(shown, 15)
