"""Probes bring a refused key back, and do nothing else."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from harness.builders import make_upstream
from harness.fake_provider import DeadPort, FakeProvider, Json, Reset, error
from havuz_contract.snapshot.models import Upstream
from havuz_gateway.pool import classify
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.probe import Probes
from havuz_gateway.pool.types import Member
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.providers.registry import provider_for
from havuz_gateway.transport.base import TransportFailure
from havuz_gateway.transport.client import HttpTransport

REFUSED = classify.classify_response(401, {}, ProviderError("no"), 0)


@dataclass
class Scene:
    """A pool of one upstream at a real provider, and probes whose clock the test moves."""

    provider: FakeProvider
    pool: Pool
    now: float = 0.0

    def __post_init__(self) -> None:
        self.probes = Probes(self.pool, now=lambda: self.now, rng=random.Random(0))

    def sync(self, upstream: Upstream) -> Member:
        self.pool.sync({upstream.uid: upstream})
        return self.pool.members[upstream.uid]

    async def look_at(self, now: float) -> int:
        """Look at a time; returns how many requests the provider has seen so far."""
        self.now = now
        await self.probes.look()
        return len(self.provider.requests)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    transport = HttpTransport()
    async with FakeProvider() as provider:
        yield Scene(provider, Pool(lambda _, __: transport, provider_for))
    await transport.close()


async def test_a_refused_key_is_probed_at_its_interval_until_it_works(scene: Scene) -> None:
    member = scene.sync(make_upstream(scene.provider.base_url, probe_interval=60))
    scene.pool.judge(member, REFUSED, "m", now=0)
    scene.provider.script(error(401), path="/models")
    assert await scene.look_at(0) == 0
    assert await scene.look_at(61) == 1
    assert await scene.look_at(62) == 1
    assert member.health.blocked("m", 62) is not None
    assert await scene.look_at(122) == 2
    assert member.health.blocked("m", 122) is None
    assert await scene.look_at(300) == 2
    assert {(request.method, request.path) for request in scene.provider.requests} == {("GET", "/v1/models")}
    assert scene.provider.requests[0].credential == member.upstream.credential


@pytest.mark.parametrize("answer", [error(403), error(500), error(404), Json(302, headers={"location": "/"}), Reset()])
async def test_anything_but_success_leaves_the_verdict_to_end_by_itself(scene: Scene, answer: Reset) -> None:
    member = scene.sync(make_upstream(scene.provider.base_url, probe_interval=10))
    scene.pool.judge(member, REFUSED, "m", now=0)
    scene.provider.always(answer, path="/models")
    await scene.look_at(0)
    assert await scene.look_at(11) >= 1
    block = member.health.blocked("m", 11)
    assert block is not None
    assert block.until == 600


async def test_one_probe_tells_of_a_base_url_and_any_answer_brings_it_back(scene: Scene) -> None:
    keys = [make_upstream(scene.provider.base_url, probe_interval=10, breaker={"failures": 1}) for _ in range(5)]
    scene.pool.sync({key.uid: key for key in keys})
    members = list(scene.pool.members.values())
    dead = classify.classify_transport(TransportFailure("connect", "refused"))
    for now in (0, 31):
        members[0].begin("m", now)
        scene.pool.judge(members[0], dead, "m", now=now)
    scene.provider.always(error(404), path="/models")
    assert await scene.look_at(32) == 0
    assert members[4].blocked("m", 43) is not None
    assert await scene.look_at(43) == 1
    assert members[4].blocked("m", 43) is None


async def test_a_provider_that_is_away_does_not_stop_the_probes(scene: Scene) -> None:
    with DeadPort() as dead:
        away = scene.sync(make_upstream(dead.base_url, probe_interval=10))
        scene.pool.judge(away, REFUSED, "m", now=0)
        await scene.look_at(0)
        await scene.look_at(11)
    assert away.health.blocked("m", 11) is not None


async def test_a_key_in_rotation_and_one_without_an_interval_are_left_alone(scene: Scene) -> None:
    scene.sync(make_upstream(scene.provider.base_url, probe_interval=1))
    await scene.look_at(0)
    assert await scene.look_at(10) == 0
    silent = scene.sync(make_upstream(scene.provider.base_url, probe_interval=None))
    scene.pool.judge(silent, REFUSED, "m", now=10)
    await scene.look_at(10)
    assert await scene.look_at(500) == 0


async def test_the_background_work_probes_by_itself(scene: Scene) -> None:
    member = scene.sync(make_upstream(scene.provider.base_url, probe_interval=0.0))
    scene.pool.judge(member, REFUSED, "m", now=0)
    task = asyncio.create_task(scene.probes.run())
    await scene.provider.received(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert scene.provider.requests[0].path == "/v1/models"
