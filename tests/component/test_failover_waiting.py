"""Requests that wait for a key which answers nobody, while another key does."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider, Hang, error
from harness.fake_provider_bodies import TEXT
from harness.gateway import GatewayProcess
from harness.pooled import said
from harness.world import World
from havuz_contract.snapshot.models import Breaker, Failover, Upstream

FIRST_TOKEN_SECONDS = 10.0
NEVER = Breaker(failures=1_000)


@asynccontextmanager
async def _pool(
    world: World, gateway: GatewayProcess, upstreams: Sequence[Upstream], failover: Failover
) -> AsyncIterator[tuple[Caller, str]]:
    route, customer = make_route(make_target(*upstreams), failover=failover), make_project()
    await world.apply(*upstreams, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield caller, route.model


async def _ask(caller: Caller, model: str) -> Reply:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    return await caller.post("/v1/chat/completions", body)


@pytest.mark.timeout(120)
async def test_several_that_wait_in_vain_go_on_before_their_time_is_up(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        silent, well = (make_upstream(provider.base_url, breaker=NEVER) for _ in range(2))
        provider.always(Hang(), key=silent.credential)
        failover = Failover(first_token=FIRST_TOKEN_SECONDS)
        async with _pool(world, gateway, (silent, well), failover) as (caller, model):
            began = time.monotonic()
            replies = await asyncio.gather(*(_ask(caller, model) for _ in range(12)))
            waited = time.monotonic() - began
        assert {said(reply) for reply in replies} == {"".join(TEXT)}
        again = [reply for reply in replies if reply.headers["x-havuz-attempts"] == "2"]
        assert len(again) >= 3
        assert FIRST_TOKEN_SECONDS / 2 <= waited < FIRST_TOKEN_SECONDS


async def test_refusals_do_not_keep_a_request_from_the_one_key_that_is_well(
    world: World, gateway: GatewayProcess
) -> None:
    async with FakeProvider() as provider:
        *refused, well = (make_upstream(provider.base_url) for _ in range(11))
        for upstream in refused:
            provider.always(error(401), key=upstream.credential)
        async with _pool(world, gateway, (*refused, well), Failover()) as (caller, model):
            replies = [await _ask(caller, model) for _ in range(3)]
        assert {said(reply) for reply in replies} == {"".join(TEXT)}
        assert sum(request.credential != well.credential for request in provider.requests) <= len(refused)
