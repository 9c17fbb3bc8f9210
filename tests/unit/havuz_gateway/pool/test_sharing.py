"""Verdicts between gateways over a real Valkey."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from harness.builders import make_upstream
from harness.valkey import ValkeyServer
from havuz_contract import keys
from havuz_contract.snapshot.models import Upstream
from havuz_gateway.pool import classify
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.sharing import Sharing
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.providers.registry import provider_for
from havuz_gateway.transport.base import TransportFailure
from havuz_gateway.transport.client import HttpTransport

_PATIENCE_SECONDS = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as made:
        yield made


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process brings about and nobody here is told of."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


class Gateway:
    """A pool with its sharing, as one process has them."""

    def __init__(self, url: str, name: str) -> None:
        transport = HttpTransport()
        self.redis = Redis.from_url(url)
        self.pool = Pool(lambda _, __: transport, provider_for)
        self.sharing = Sharing(self.redis, self.pool, name)
        self._task: asyncio.Task[None] | None = None

    def sync(self, upstream: Upstream) -> None:
        self.pool.sync({upstream.uid: upstream})

    def refuse(self, upstream: Upstream, status: int, message: str = "no", **headers: str) -> None:
        said = classify.classify_response(status, headers, ProviderError(message), time.time())
        self.pool.judge(self.pool.members[upstream.uid], said, "m", now=time.monotonic())

    def state(self, upstream: Upstream, model: str = "m") -> str | None:
        block = self.pool.members[upstream.uid].blocked(model, time.monotonic())
        return None if block is None else block.state

    async def becomes(self, upstream: Upstream, state: str | None) -> None:
        await until(lambda: self.state(upstream) == state)

    def start(self) -> None:
        self._task = asyncio.create_task(self.sharing.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.redis.aclose()


Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start(server: ValkeyServer) -> AsyncIterator[Start]:
    made: list[Gateway] = []

    async def begin(*upstreams: Upstream, name: str | None = None, url: str | None = None) -> Gateway:
        gateway = Gateway(url or server.url, name or f"gateway-{len(made)}")
        made.append(gateway)
        for upstream in upstreams:
            gateway.sync(upstream)
        gateway.start()
        return gateway

    yield begin
    for gateway in made:
        await gateway.stop()


def key(**fields: object) -> Upstream:
    return make_upstream("http://127.0.0.1:1/v1", **fields)


async def entries(server: ValkeyServer, upstream: Upstream, count: int) -> list[dict[str, object]]:
    """The entries on one upstream, once there are so many."""
    async with asyncio.timeout(_PATIENCE_SECONDS), Redis.from_url(server.url) as redis:
        while True:
            stream: Any = await redis.xrange(keys.VERDICTS)
            texts = (fields.get(b"verdict", b"") for _, fields in stream)
            mine = [json.loads(text) for text in texts if upstream.uid.encode() in text]
            if len(mine) >= count:
                return mine
            await asyncio.sleep(0.005)


async def test_a_verdict_reaches_the_other_gateways_within_a_second(start: Start) -> None:
    upstream = key()
    one, other = await start(upstream), await start(upstream)
    began = time.monotonic()
    one.refuse(upstream, 429, **{"retry-after": "30"})
    await other.becomes(upstream, "CoolingDown")
    assert time.monotonic() - began < 1
    assert other.state(upstream, "another model") is None
    one.refuse(upstream, 401)
    await other.becomes(upstream, "Rejected")


async def test_a_lifted_rejection_is_lifted_everywhere(start: Start) -> None:
    upstream = key()
    one, other = await start(upstream), await start(upstream)
    one.refuse(upstream, 401)
    await other.becomes(upstream, "Rejected")
    other.pool.lift(other.pool.members[upstream.uid], now=time.monotonic())
    await one.becomes(upstream, None)


async def test_a_gateway_that_starts_learns_what_is_in_force_even_before_its_configuration(
    start: Start, server: ValkeyServer
) -> None:
    upstream = key()
    one = await start(upstream, name="same")
    one.refuse(upstream, 403)
    await entries(server, upstream, 1)
    late, again = await start(), await start(upstream, name="same")
    await again.becomes(upstream, "Rejected")
    later = key()
    one.sync(later)
    one.refuse(later, 403)
    await until(lambda: any(late.sharing._heard.of(later.uid)))
    late.pool.sync({upstream.uid: upstream, later.uid: later})
    assert late.state(upstream) == "Rejected"
    assert late.state(later) == "Rejected"


async def test_a_new_credential_is_not_judged_by_the_old_ones_faults(start: Start) -> None:
    upstream, marker = key(), key()
    one, other = await start(upstream), await start(upstream.model_copy(update={"credential": "sk-rotated"}))
    both = {upstream.uid: upstream, marker.uid: marker}
    one.pool.sync(both)
    other.pool.sync(both | {upstream.uid: upstream.model_copy(update={"credential": "sk-rotated"})})
    one.refuse(upstream, 401)
    one.refuse(marker, 401)
    await other.becomes(marker, "Rejected")
    assert other.state(upstream) is None
    other.sync(upstream)
    assert other.state(upstream) == "Rejected"


async def test_an_entry_says_everything_but_the_credential(start: Start, server: ValkeyServer) -> None:
    upstream = key(credential="mysecret", breaker={"failures": 1})
    one = await start(upstream, name="writer")
    one.refuse(upstream, 429, "no more of mysecret", **{"retry-after": "30"})
    one.refuse(upstream, 500)
    cooling, opened = await entries(server, upstream, 2)
    assert cooling.pop("until") == pytest.approx(time.time() + 30, abs=5)
    assert len(str(cooling.pop("connection"))) == 4
    assert cooling == {
        "gateway": "writer", "upstream": upstream.uid, "name": upstream.name, "scope": "key-model", "model": "m",
        "state": "CoolingDown", "reason": "RateLimited", "status": 429, "message": "no more of […]",
    }  # fmt: skip
    assert (opened["state"], opened["scope"], opened["model"]) == ("Open", "key", None)


async def test_an_open_breaker_is_told_but_not_taken_over(start: Start) -> None:
    upstream, marker = key(breaker={"failures": 1}), key()
    one, other = await start(), await start()
    for gateway in (one, other):
        gateway.pool.sync({upstream.uid: upstream, marker.uid: marker})
    one.refuse(upstream, 503)
    one.refuse(marker, 401)
    await other.becomes(marker, "Rejected")
    assert one.state(upstream) == "Open"
    assert other.state(upstream) is None


async def test_a_base_url_that_one_gateway_does_not_reach_is_told_but_not_taken_over(
    start: Start, server: ValkeyServer
) -> None:
    upstream, marker = key(breaker={"failures": 1}), key()
    one, other = await start(), await start()
    for gateway in (one, other):
        gateway.pool.sync({upstream.uid: upstream, marker.uid: marker})
    dead = classify.classify_transport(TransportFailure("connect", "refused"))
    one.pool.judge(one.pool.members[upstream.uid], dead, "m", now=time.monotonic())
    one.refuse(marker, 401)
    (told,) = await entries(server, upstream, 1)
    assert (told["scope"], told["state"], told["reason"], told["model"]) == ("upstream", "Unreachable", "Connect", None)
    await other.becomes(marker, "Rejected")
    assert one.state(upstream) == "Unreachable"
    assert other.state(upstream) is None


async def test_rubbish_in_the_stream_is_passed_over(start: Start, server: ValkeyServer) -> None:
    upstream = key()
    one, other = await start(upstream), await start(upstream)
    async with Redis.from_url(server.url) as redis:
        for field, text in (("verdict", "{"), ("other", "x"), ("verdict", "[1]"), ("verdict", '{"gateway": 1}')):
            await redis.xadd(keys.VERDICTS, {field: text})
    one.refuse(upstream, 401)
    await other.becomes(upstream, "Rejected")


async def test_without_redis_a_gateway_decides_alone_and_tells_the_others_afterwards() -> None:
    with ValkeyServer() as server:
        upstream = key()
        one, other = Gateway(server.url, "one"), Gateway(server.url, "other")
        for gateway in (one, other):
            gateway.sync(upstream)
            gateway.start()
        server.stop()
        one.refuse(upstream, 401)
        assert one.state(upstream) == "Rejected"
        await asyncio.sleep(0.3)  # long enough for attempts that fail
        assert other.state(upstream) is None
        server.start()
        await other.becomes(upstream, "Rejected")
        await one.stop()
        await other.stop()


async def test_what_two_gateways_find_at_the_same_time_is_told_once(start: Start, server: ValkeyServer) -> None:
    upstream, marker = key(), key()
    one, other = await start(), await start()
    for gateway in (one, other):  # before either has heard of anything
        gateway.pool.sync({upstream.uid: upstream, marker.uid: marker})
        gateway.refuse(upstream, 401)
    one.refuse(marker, 401)
    await other.becomes(marker, "Rejected")
    assert len(await entries(server, upstream, 1)) == 1


async def test_what_lasts_clearly_longer_is_told_again(start: Start, server: ValkeyServer) -> None:
    upstream = key()
    one, other = await start(upstream), await start(upstream)
    one.refuse(upstream, 429, **{"retry-after": "30"})
    await other.becomes(upstream, "CoolingDown")
    other.refuse(upstream, 429, **{"retry-after": "31"})
    other.refuse(upstream, 429, **{"retry-after": "60"})
    told = await entries(server, upstream, 2)
    assert [float(str(entry["until"])) for entry in told] == pytest.approx([time.time() + 30, time.time() + 60], abs=5)


async def test_a_key_that_was_lifted_may_be_refused_again_at_once(start: Start) -> None:
    upstream = key()
    one, other = await start(upstream), await start(upstream)
    one.refuse(upstream, 401)
    await other.becomes(upstream, "Rejected")
    one.pool.lift(one.pool.members[upstream.uid], now=time.monotonic())
    one.refuse(upstream, 401)
    late = await start(upstream)
    await late.becomes(upstream, "Rejected")


async def test_who_missed_entries_reads_what_is_in_force(start: Start, server: ValkeyServer) -> None:
    upstream, marker = key(), key()
    one, other = await start(), Gateway(server.url, "other")
    for gateway in (one, other):
        gateway.pool.sync({upstream.uid: upstream, marker.uid: marker})
    await other.sharing.catch_up()
    for refused in (upstream, marker):
        one.refuse(refused, 401)
        await entries(server, refused, 1)
    async with Redis.from_url(server.url) as redis:
        await redis.xtrim(keys.VERDICTS, maxlen=1, approximate=False)
    other.start()
    await other.becomes(upstream, "Rejected")
    await other.becomes(marker, "Rejected")
    await other.stop()


async def test_what_is_in_force_is_forgotten_when_it_has_ended(start: Start, server: ValkeyServer) -> None:
    upstream, marker = key(), key()
    one = await start()
    one.pool.sync({upstream.uid: upstream, marker.uid: marker})
    one.refuse(upstream, 429, **{"retry-after": "1"})
    await entries(server, upstream, 1)
    await asyncio.sleep(1.1)
    one.refuse(marker, 401)
    await entries(server, marker, 1)
    async with Redis.from_url(server.url) as redis:
        subjects = b" ".join(await redis.hkeys(keys.VERDICTS_IN_FORCE))
        assert upstream.uid.encode() not in subjects
        assert 0 < await redis.ttl(keys.VERDICTS_IN_FORCE) <= keys.VERDICTS_KEPT_SECONDS
        assert 0 < await redis.ttl(keys.VERDICTS_ENDS) <= keys.VERDICTS_KEPT_SECONDS
