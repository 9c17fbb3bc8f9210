"""Following Redis: single changes, gaps, lost data and outages, against a real Valkey."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from harness.builders import make_project, make_route
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_contract.background import Background
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.redis_source import RedisSource
from havuz_gateway.config.state import Decoder, State
from havuz_gateway.config.view import View

ENCRYPTION_KEYS = Keyring.generate()


class Follower:
    """A source and its holder in this process, with the views it went through."""

    def __init__(self, url: str, kept: State | None = None) -> None:
        self.redis = Redis.from_url(url, socket_timeout=5)
        self.holder = Holder(wall=time.time)
        self.states: list[State] = []
        self._kept = kept
        self.source = RedisSource(
            self.redis,
            Decoder(Keyring.parse(ENCRYPTION_KEYS)),
            self.holder,
            kept=self._read_kept,
            on_state=self.states.append,
            now=time.monotonic,
            rng=random.Random(1),
        )
        self._swapped = asyncio.Event()
        self.holder.listen(lambda _: self._swapped.set())

    async def _read_kept(self) -> State | None:
        return self._kept

    async def until(self, condition: Callable[[View], bool]) -> View:
        async with asyncio.timeout(10):
            while not condition(self.holder.view()):
                self._swapped.clear()
                await self._swapped.wait()
        return self.holder.view()


@asynccontextmanager
async def following(url: str, kept: State | None = None) -> AsyncIterator[Follower]:
    follower = Follower(url, kept)
    background = Background({"configuration": follower.source.run})
    background.start()
    try:
        yield follower
    finally:
        await background.stop()
        await follower.redis.aclose()


@pytest.fixture
def server(start_valkey: Callable[..., ValkeyServer]) -> ValkeyServer:
    return start_valkey()


@pytest.fixture
async def published(server: ValkeyServer) -> AsyncIterator[World]:
    """One project and one route, published."""
    async with World(redis_url=server.url, encryption_keys=ENCRYPTION_KEYS) as world:
        await world.apply(make_route(model="first"), make_project())
        yield world


def serves(*models: str) -> Callable[[View], bool]:
    return lambda view: sorted(route.model for route in view.snapshot.routes.values()) == sorted(models)


async def test_a_change_arrives_as_one_step_of_the_revision(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        before = await follower.until(serves("first"))
        await published.apply(make_route(model="second"))
        after = await follower.until(serves("first", "second"))
        assert after.revision == before.revision + 1
        project = next(iter(after.snapshot.projects))
        assert after.snapshot.projects[project] is before.snapshot.projects[project], "it was loaded anew"


async def test_a_deleted_object_leaves_the_view(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        view = await follower.until(serves("first"))
        await published.remove(*view.snapshot.routes)
        await follower.until(serves())


async def test_many_changes_in_a_burst_end_at_the_newest(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        await follower.until(serves("first"))
        for number in range(100):
            await published.apply(make_route(name="burst", model=f"burst-{number}"))
        view = await follower.until(serves("first", "burst-99"))
        assert view.revision == published.revision


async def test_a_trimmed_stream_leads_to_a_whole_load(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        await follower.until(serves("first"))
        async with published.redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.ROUTES, "uid-x", make_route(uid="uid-x", model="missed").model_dump_json())
            pipe.hincrby(keys.META, "revision", 3)
            pipe.xadd(keys.CHANGES, {"change": "{}"})
            pipe.xtrim(keys.CHANGES, maxlen=1, approximate=False)
            await pipe.execute()
        view = await follower.until(serves("first", "missed"))
        assert view.revision == published.revision + 3


async def test_a_revision_that_went_back_is_loaded_as_a_whole(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        for model in ("second", "third"):
            await published.apply(make_route(model=model))
        await follower.until(serves("first", "second", "third"))
        await published.redis.flushall()
        async with World(redis_url=server.url, encryption_keys=ENCRYPTION_KEYS) as again:
            await again.apply(make_route(model="restored"))
            view = await follower.until(serves("restored"))
            assert view.revision == again.revision == 1


async def test_an_emptied_redis_changes_nothing_until_something_is_published(
    server: ValkeyServer, published: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(server.url) as follower:
        view = await follower.until(serves("first"))
        await published.redis.flushall()
        async with asyncio.timeout(10):
            while "holds no configuration" not in str([record.__dict__.get("reason") for record in caplog.records]):
                await asyncio.sleep(0.05)
        assert follower.holder.view() is view
        assert follower.source.problem == ""


async def test_a_lost_redis_is_followed_again_when_it_is_back(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as follower:
        await follower.until(serves("first"))
        server.stop()
        server.start()
        async with World(redis_url=server.url, encryption_keys=ENCRYPTION_KEYS) as again:
            await again.apply(make_route(model="after"))
            await follower.until(serves("after"))


async def test_an_unknown_schema_version_keeps_the_last_good_revision(
    server: ValkeyServer, published: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(server.url) as follower:
        view = await follower.until(serves("first"))
        async with published.redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.ROUTES, "uid-x", make_route(uid="uid-x", model="from-the-future").model_dump_json())
            pipe.hset(keys.META, "schema_version", "99")
            pipe.hincrby(keys.META, "revision", 1)
            pipe.xadd(keys.CHANGES, {"change": f'{{"{keys.ROUTES}": {{"set": ["uid-x"], "del": []}}}}'})
            await pipe.execute()
        async with asyncio.timeout(10):
            while "schema version '99'" not in str([record.__dict__.get("reason") for record in caplog.records]):
                await asyncio.sleep(0.05)
        assert follower.holder.view() is view


async def test_the_copy_on_disk_is_served_while_redis_is_away(server: ValkeyServer, published: World) -> None:
    async with following(server.url) as first:
        await first.until(serves("first"))
        kept = first.states[-1]
    server.stop()
    async with following(server.url, kept) as second:
        view = await second.until(serves("first"))
        assert (view.revision, second.source.problem, second.states) == (kept.revision, "", [])


async def test_without_redis_and_without_a_copy_the_problem_is_a_sentence(server: ValkeyServer) -> None:
    server.stop()
    async with following(server.url) as follower:
        async with asyncio.timeout(10):
            while "not been loaded yet" in follower.source.problem:
                await asyncio.sleep(0.02)
        assert follower.source.problem.startswith("Redis is not reachable")
        assert not follower.holder.loaded.is_set()
