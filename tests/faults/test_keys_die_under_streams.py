"""Three of ten keys die at once under hundreds of streams: no client notices, the others share the load, all come back.

`HAVUZ_FAULT_STREAMS` (default 500) is how many streams run at once.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply
from harness.fake_provider import Default, FakeProvider, Json, Reset, Stream, error
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.pooled import said
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.models import Balance, Breaker, Route, Upstream

STREAMS = int(os.environ.get("HAVUZ_FAULT_STREAMS", "500"))
WEIGHTS = (1, 1, 1, 1, 1, 1, 1, 1, 2, 2)  # the first three die
OPEN_SECONDS = 2.0
PROBE_SECONDS = 1.0
SCHEDULING_SECONDS = 10.0  # what a busy machine may add to a wait of a second or two
MESSAGES = [{"role": "user", "content": "Hi"}]
TEXT = "Hello! How can I help you today?"


class _Pool:
    """A route over keys of one provider, and a client without a limit of its own."""

    def __init__(self, caller: Caller, route: Route, upstreams: Sequence[Upstream], provider: FakeProvider) -> None:
        self.upstreams = upstreams
        self._caller = caller
        self._route = route
        self._provider = provider

    async def ask(self, *, stream: bool) -> Reply:
        return await self._caller.post(
            "/v1/chat/completions", {"model": self._route.model, "stream": stream, "messages": MESSAGES}
        )

    def asked(self, since: int = 0) -> Counter[str]:
        """How often each key was asked for a chat, not counting the first so many requests of all."""
        return Counter(one.credential for one in self._provider.requests[since:] if one.method == "POST")

    async def ask_until(self, end: float, *, clients: int) -> None:
        """Ask without pause, so many at once, until a monotonic time."""

        async def client() -> None:
            while time.monotonic() < end:
                assert said(await self.ask(stream=False)) == TEXT

        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(client(), name=f"client {number}")


@asynccontextmanager
async def _pool(
    world: World,
    gateway: GatewayProcess | StartGateway,
    provider: FakeProvider,
    weights: Sequence[int],
    balance: Balance,
) -> AsyncIterator[_Pool]:
    """`gateway` runs already, or is started now: to it the keys are none that join others."""
    breaker = Breaker(failures=2, window=30, open_for=OPEN_SECONDS)
    upstreams = [
        make_upstream(provider.base_url, weight=weight, breaker=breaker, probe_interval=PROBE_SECONDS)
        for weight in weights
    ]
    route, customer = make_route(make_target(*upstreams), balance=balance), make_project()
    await world.apply(*upstreams, route, customer)
    running = gateway if isinstance(gateway, GatewayProcess) else gateway()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield _Pool(Caller(session, running.base_url, customer.live), route, upstreams, provider)


@pytest.mark.timeout(240)
async def test_nobody_notices_that_keys_die_the_others_share_the_load_and_the_dead_come_back(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    provider.always(Stream(pace=0.3))
    async with _pool(world, gateway, provider, WEIGHTS, "LeastBusy") as pool:
        dead, alive = pool.upstreams[:3], pool.upstreams[3:]
        first = [asyncio.create_task(pool.ask(stream=True)) for _ in range(STREAMS)]
        await _received(provider, STREAMS // 2)
        for upstream, death in zip(dead, (error(401), error(500), Reset()), strict=True):
            provider.always(death, key=upstream.credential)
            provider.always(error(401), key=upstream.credential, path="/models")
        await _received(provider, STREAMS)
        before = len(provider.requests)
        second = [asyncio.create_task(pool.ask(stream=True)) for _ in range(STREAMS)]
        replies = await asyncio.gather(*first, *second)
        assert {said(reply) for reply in replies} == {TEXT}

        load = pool.asked(before)
        by_weight = [load[upstream.credential] / upstream.weight for upstream in alive]
        assert max(by_weight) / min(by_weight) <= 1.3
        assert sum(load[upstream.credential] for upstream in dead) < STREAMS / 10

        provider.always(Stream())
        revived_at, revived = time.monotonic(), len(provider.requests)
        for upstream in dead:
            provider.always(Stream(), key=upstream.credential)
            provider.always(Json(), key=upstream.credential, path="/models")
        wanted = {upstream.credential for upstream in dead}
        limit = OPEN_SECONDS + PROBE_SECONDS + SCHEDULING_SECONDS
        while not wanted <= pool.asked(revived).keys():
            assert time.monotonic() - revived_at < limit
            assert {said(reply) for reply in await asyncio.gather(*(pool.ask(stream=True) for _ in range(20)))} == {
                TEXT
            }


@pytest.mark.timeout(120)
async def test_a_key_that_is_back_takes_its_share_step_by_step(
    world: World, start_gateway: StartGateway, provider: FakeProvider
) -> None:
    async with _pool(world, start_gateway, provider, (1, 1), "Weighted") as pool:
        failing = pool.upstreams[0].credential
        provider.always(error(500), key=failing)
        for _ in range(20):
            assert said(await pool.ask(stream=False)) == TEXT
        assert pool.asked()[failing] == 2
        provider.always(Default(), key=failing)
        while pool.asked()[failing] == 2:
            assert said(await pool.ask(stream=False)) == TEXT
        back_at, start = time.monotonic(), len(provider.requests)
        await pool.ask_until(back_at + 2.0, clients=4)
        early = pool.asked(start)
        await pool.ask_until(back_at + 11.0, clients=1)
        start = len(provider.requests)
        await pool.ask_until(time.monotonic() + 2.0, clients=4)
        late = pool.asked(start)
        assert early.total() >= 20
        assert early[failing] / early.total() < 0.3  # by weight 0.09 at first, 0.22 after two seconds
        assert 0.35 < late[failing] / late.total() < 0.65


async def test_the_mistakes_of_clients_never_speak_against_a_key(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with _pool(world, gateway, provider, (1, 1, 1), "LeastBusy") as pool:
        before = await world.redis.xlen(keys.VERDICTS)
        provider.always(error(400, "'temperature' must be at most 2", param="temperature"))
        rng = random.Random(4)
        replies = await asyncio.gather(*(pool.ask(stream=rng.random() < 0.5) for _ in range(90)))
        assert {reply.status for reply in replies} == {400}
        provider.always(Stream())
        await asyncio.gather(*(pool.ask(stream=True) for _ in range(60)))
        asked = pool.asked(90)
        assert asked.total() == 60
        assert min(asked[upstream.credential] for upstream in pool.upstreams) >= 60 / 3 * 0.5
        assert await world.redis.xlen(keys.VERDICTS) == before


async def _received(provider: FakeProvider, count: int) -> None:
    """Wait for so many requests on a machine that may be busy."""
    async with asyncio.timeout(60):
        while len(provider.requests) < count:
            await asyncio.sleep(0.05)
