"""Projects take turns at the workers, and a task that is in no queue gets there."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.builders import fresh, make_project
from harness.caller import calling
from harness.metering import prepaid
from harness.redis_cluster import ClusterInstallation
from harness.tasks import drawn, ended, order
from harness.valkey import ValkeyServer
from harness.workshop import queue_is_empty, workshop_of
from havuz_contract import accounts, keys
from havuz_contract.background import Background
from havuz_contract.connection import connect, read_url
from havuz_gateway.metering.address import calls_to
from havuz_gateway.tasks.queue import TaskQueue

CROWD = 10_000


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A queue that nobody else takes from."""
    with ValkeyServer() as made:
        yield made


@asynccontextmanager
async def queue_of(url: str, *names: str) -> AsyncIterator[tuple[Redis, list[TaskQueue]]]:
    """One Redis as several workers see it."""
    link, client = calls_to(read_url(url), timeout=5.0), connect(url, name="test")
    async with Background({"link": link.run}):
        await link.tried.wait()
        yield client, [TaskQueue(link, client, consumer=name) for name in names]
    await client.aclose()


async def test_one_task_does_not_wait_for_ten_thousand_of_another_project(server: ValkeyServer) -> None:
    async with queue_of(server.url, "one", "other") as (redis, (one, other)):
        await asyncio.gather(*(one.add("crowd", f"task{number}") for number in range(CROWD)))
        await one.add("alone", "the-one")
        taken = [await queue.take() for queue in (one, other) * 2]
        assert [entry.task_id for entry in taken if entry is not None] == ["task0", "task1", "the-one", "task2"]
        assert await redis.xlen(keys.TASKS) == 4  # what the workers have; the others lie in the list of their project


async def test_projects_take_turns_and_each_gets_its_oldest_first(server: ValkeyServer) -> None:
    async with queue_of(server.url, "worker") as (redis, (queue,)):
        for project in ("a", "b", "c"):
            for number in range(3):
                await queue.add(project, f"{project}{number}")
        await queue.add("a", "a0")  # once more, which changes nothing
        taken = [entry for _ in range(9) if (entry := await queue.take()) is not None]
        assert [entry.task_id for entry in taken] == ["a0", "a1", "b0", "c0", "a2", "b1", "c1", "b2", "c2"]
        for entry in taken:
            await queue.done(entry)
        assert await redis.exists(keys.TASKS_QUEUED, keys.TASK_TURNS, *map(keys.waiting_tasks, "abc")) == 0


async def test_a_worker_that_waits_is_woken_by_an_order(server: ValkeyServer) -> None:
    async with queue_of(server.url, "worker") as (_, (queue,)):
        assert await queue.take() is None  # after a second in which nothing came
        began = time.monotonic()
        waiting = asyncio.create_task(queue.take(), name="waiting")
        await asyncio.sleep(0.1)  # by now it waits in Redis, though nothing here can see that
        await queue.add("a", "task")
        entry = await waiting or await queue.take()
        assert entry is not None
        assert time.monotonic() - began < 0.9


async def test_the_queue_works_in_a_redis_cluster(cluster: ClusterInstallation) -> None:
    project = fresh("uid-of-tasks")
    async with queue_of(cluster.url, "worker") as (_, (queue,)):
        for number in range(2):
            await queue.add(project, f"task{number}")
        assert await queue.unqueued(project, ["task0", "other", "task1"]) == ["other"]
        for number in range(2):
            entry = await queue.take()
            assert entry is not None
            assert (entry.project_uid, entry.task_id) == (project, f"task{number}")
            assert entry in await queue.claim(idle_seconds=0, most=10)
            await queue.done(entry)
        assert await queue.unqueued(project, ["task0"]) == ["task0"]
        assert await queue.take() is None
        await queue.forget_the_dead()
        await queue.leave()


async def test_two_workers_serve_both_of_two_projects(encryption_keys: str, tmp_path: Path) -> None:
    async with workshop_of(encryption_keys, tmp_path, credit=400) as of:
        crowd = of.customer
        crowd.provider.always(drawn(delay=0.1))
        other = make_project(billing=prepaid(10 * 10**9))
        await crowd.world.apply(other)
        await accounts.apply_credits(crowd.world.redis, [other.project], now=time.time())
        first = [await order(crowd.caller, prompt=f"one of many {number}") for number in range(40)]
        async with calling(of.front.base_url, other.live) as caller:
            alone = await order(caller, prompt="the only one")
            await of.worker(task_slots="1")
            await of.worker(task_slots="1")
            assert (await ended(caller, alone))["status"] == "SUCCESS"
        assert [(await ended(crowd.caller, task_id))["status"] for task_id in first] == ["SUCCESS"] * len(first)
        asked = [request.json["prompt"] for request in crowd.provider.requests]
        assert asked.index("the only one") <= 4
        assert len(asked) == len(first) + 1
        assert (await crowd.proof()).faults == ()


async def test_a_task_that_is_in_no_queue_is_found_and_done(encryption_keys: str, tmp_path: Path) -> None:
    async with workshop_of(encryption_keys, tmp_path) as of:
        customer = of.customer
        customer.provider.always(drawn())
        uid = customer.customer.project.uid
        task_id = await order(customer.caller)
        # as if the gateway had died before it could queue it, or Redis had lost its last second
        queued = (keys.TASKS, keys.TASKS_QUEUED, keys.TASK_TURNS, keys.waiting_tasks(uid))
        redis: Any = customer.world.redis
        assert await redis.delete(*queued) > 0
        await of.worker()
        assert (await ended(customer.caller, task_id))["status"] == "SUCCESS"
        (event,) = await customer.closed(1)
        assert (event["cost"], len(customer.provider.requests)) == (str(10**10), 1)
        assert await queue_is_empty(customer)
        assert "a task was in no queue" in of.front.log + "".join(one.log for one in customer.world.gateways)
