"""An order whose reply was lost on its way from Redis: its client is told an error, so that nobody may draw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.builders import make_project
from harness.slow_way import SlowWay
from harness.valkey import ValkeyServer
from havuz_contract.background import Background
from havuz_contract.connection import read_url
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.address import calls_to
from havuz_gateway.tasks.record import Order, Terms
from havuz_gateway.tasks.store import TaskSettings, TaskStore

PROJECT = make_project().project
ORDER = Order(
    action="image", body={"model": "m", "prompt": "a fox"}, request={"prompt": "a fox"},
    terms=Terms(project=PROJECT, key=PROJECT.keys[0], model="m"), base_url="", path="/api/generate",
)  # fmt: skip


@asynccontextmanager
async def store_over(way: SlowWay, encryption_keys: str) -> AsyncIterator[TaskStore]:
    link = calls_to(read_url(f"redis://127.0.0.1:{way.port}/0"), timeout=0.3)
    store = TaskStore(link, Keyring.parse(encryption_keys), TaskSettings())
    async with Background({"store": store.run, "doubts": store.doubts.run}):
        yield store


@pytest.fixture
async def way() -> AsyncIterator[SlowWay]:
    with ValkeyServer() as server:
        async with SlowWay(server.port) as made:
            yield made


async def test_an_order_whose_reply_was_lost_is_taken_back(way: SlowWay, encryption_keys: str) -> None:
    released = asyncio.Event()
    async with store_over(way, encryption_keys) as store:
        await store.submit("img0", ORDER, None)
        way.delay = 0.5  # the order arrives, when nobody waits for its reply any more
        with pytest.raises(ServiceUnavailable):
            await store.submit("img1", ORDER, None)
        store.doubts.add(PROJECT.uid, "img1", release=released.set)
        way.delay = 0.0
        async with asyncio.timeout(20):
            await released.wait()
        task = await store.find(PROJECT.uid, "img1")
        assert task is not None
        assert (task.status, task.outcome and task.outcome.error) == (
            "FAILED", "its order was answered with an error: order it again",
        )  # fmt: skip
        assert (await store.begin(PROJECT.uid, "img1", seconds=1)).verdict == "ended"


async def test_an_order_that_never_arrived_is_given_up_and_what_was_held_is_returned(
    way: SlowWay, encryption_keys: str
) -> None:
    released = asyncio.Event()
    async with store_over(way, encryption_keys) as store:
        assert await store.find(PROJECT.uid, "img2") is None
        store.doubts.add(PROJECT.uid, "img2", release=released.set)
        async with asyncio.timeout(30):
            await released.wait()
        assert await store.find(PROJECT.uid, "img2") is None


async def test_what_a_worker_has_is_left_to_it(way: SlowWay, encryption_keys: str) -> None:
    async with store_over(way, encryption_keys) as store:
        await store.submit("img3", ORDER, None)
        assert (await store.begin(PROJECT.uid, "img3", seconds=30)).verdict == "begun"
        others = asyncio.Event()
        store.doubts.add(PROJECT.uid, "img3", release=others.set)
        await store.submit("img4", ORDER, None)
        last = asyncio.Event()
        store.doubts.add(PROJECT.uid, "img4", release=last.set)
        async with asyncio.timeout(20):
            await last.wait()
        task = await store.find(PROJECT.uid, "img3")
        assert task is not None
        assert (task.status, others.is_set()) == ("IN_PROGRESS", False)
