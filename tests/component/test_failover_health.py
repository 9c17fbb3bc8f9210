"""What a verdict does to a key: who is passed over, for how long, and how it comes back."""

import asyncio
import json

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import calling
from harness.fake_provider import DeadPort, FakeProvider, Hang, Json, Stream, error
from harness.gateway import GatewayProcess
from harness.pooled import pooled, said
from harness.world import World
from havuz_contract import keys
from havuz_contract.snapshot.models import Breaker, Failover, Target

RATE_LIMITED = error(429, "Rate limit reached", kind="requests", code="rate_limit_exceeded")
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])


@BOTH
async def test_failures_in_a_row_open_the_breaker_and_one_trial_closes_it(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=2, window=30, open_for=0.5)) as pool:
        pool.first.script(error(500), error(500))
        for expected in ((1, 1), (2, 2), (2, 3)):
            assert said(await pool.ask(stream=stream))
            assert pool.asked == expected
        await asyncio.sleep(0.6)
        assert said(await pool.ask(stream=stream))
        assert said(await pool.ask(stream=stream))
        assert pool.asked == (4, 3)


async def test_a_success_between_failures_keeps_the_breaker_closed(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=2)) as pool:
        pool.first.script(error(500), Json(), error(500), Json())
        for _ in range(4):
            await pool.ask()
        assert pool.asked == (4, 2)


async def test_a_half_open_breaker_lets_one_request_through(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1, open_for=0.3)) as pool:
        pool.first.script(error(500), Json(delay=0.5))
        await pool.ask()
        await asyncio.sleep(0.4)
        await asyncio.gather(*(pool.ask() for _ in range(5)))
        assert pool.asked == (2, 5)


@BOTH
async def test_a_429_cools_the_key_down_for_as_long_as_it_says(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(429, headers={"retry-after-ms": "600"}))
        await pool.ask(stream=stream)
        await pool.ask(stream=stream)
        assert pool.asked == (1, 2)
        await asyncio.sleep(0.7)
        assert said(await pool.ask(stream=stream))
        assert pool.asked == (2, 2)


async def test_a_429_is_about_that_model_alone(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        upstream, customer = make_upstream(provider.base_url), make_project()
        limited, other = (make_route(Target(upstreams=(upstream.uid,), model=model)) for model in ("big", "small"))
        await world.apply(upstream, limited, other, customer)
        provider.script(error(429, headers={"retry-after": "60"}))
        async with calling(gateway.base_url, customer.live) as caller:
            body = {"messages": [{"role": "user", "content": "x"}]}
            first = await caller.post("/v1/chat/completions", {"model": limited.model} | body)
            second = await caller.post("/v1/chat/completions", {"model": other.model} | body)
        assert (first.status, second.status) == (429, 200)


@BOTH
async def test_when_rate_limits_alone_stand_in_the_way_the_answer_is_429(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(429, headers={"retry-after": "7"}))
        pool.second.script(error(429, headers={"retry-after": "30"}))
        for attempts in ("2", None):
            reply = await pool.ask(stream=stream)
            assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
            assert reply.headers.get("x-havuz-attempts") == attempts
            assert 5 <= int(reply.headers["retry-after"]) <= 7


@BOTH
async def test_when_anything_else_stands_in_the_way_the_answer_is_503(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(429, headers={"retry-after": "7"}))
        pool.second.script(error(401))
        for _ in range(2):
            reply = await pool.ask(stream=stream)
            assert (reply.status, reply.error["type"], reply.error["code"]) == (503, "service_unavailable", 503)
            assert int(reply.headers["retry-after"]) >= 1
        assert pool.asked == (1, 1)


@BOTH
@pytest.mark.parametrize(("status", "code"), [(429, "insufficient_quota"), (401, "invalid_api_key"), (403, None)])
async def test_a_key_without_quota_or_refused_is_out_as_a_whole(
    world: World, gateway: GatewayProcess, status: int, code: str | None, stream: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(status, "the provider's words", kind=code or "x", code=code))
        for _ in range(3):
            assert said(await pool.ask(stream=stream))
        assert pool.asked == (1, 3)


async def test_a_refused_key_is_told_to_the_fleet_without_the_key(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        secret = pool.upstreams[0].credential
        pool.first.script(error(401, f"Incorrect API key provided: {secret}"))
        await pool.ask()
        entry: dict[str, object] = {}
        async with asyncio.timeout(5):
            while entry.get("upstream") != pool.upstreams[0].uid:
                await asyncio.sleep(0.02)
                entries = await world.redis.xrevrange(keys.VERDICTS, count=1)
                entry = json.loads(entries[0][1][b"verdict"]) if entries else {}
        assert entry["state"] == "Rejected"
        assert secret not in json.dumps(entry)
        assert secret not in gateway.log


async def test_a_new_credential_brings_a_refused_key_back(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(401))
        await pool.ask()
        await world.apply(pool.upstreams[0].model_copy(update={"credential": "sk-new"}))
        assert said(await pool.ask())
        assert pool.first.requests[-1].credential == "sk-new"


async def test_a_probe_brings_a_refused_key_back(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, upstream_fields={"probe_interval": 0.2}) as pool:
        pool.first.script(error(401), path="/chat/completions")
        pool.first.script(error(401), path="/models")
        await pool.ask()
        probes = await pool.first.received(3)
        await probes[2].answered.wait()
        async with asyncio.timeout(5):
            while pool.first.requests[-1].method != "POST":
                assert said(await pool.ask())
        assert [request.path for request in probes[1:3]] == ["/v1/models", "/v1/models"]


@BOTH
async def test_a_missing_model_moves_on_to_the_next_target_and_is_remembered(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    missing = error(404, "The model `gone` does not exist", code="model_not_found")
    async with FakeProvider() as first, FakeProvider() as second:
        upstreams = [make_upstream(first.base_url), make_upstream(first.base_url), make_upstream(second.base_url)]
        targets = (
            Target(upstreams=(upstreams[0].uid, upstreams[1].uid), model="gone"),
            Target(upstreams=(upstreams[2].uid,), model="here", priority=1),
        )
        route, customer = make_route(*targets), make_project()
        await world.apply(*upstreams, route, customer)
        first.always(missing)
        body = {"model": route.model, "stream": stream, "messages": [{"role": "user", "content": "x"}]}
        async with calling(gateway.base_url, customer.live) as caller:
            for _ in range(4):
                assert said(await caller.post("/v1/chat/completions", body))
        assert len(second.requests) == 4
        assert len(first.requests) == 2, "each key is asked for the missing model once"


async def test_a_deadline_that_passed_is_a_504_that_is_not_worth_a_retry(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1)) as pool:
        pool.first.script(Hang(), Hang())
        for stream in (False, True):
            reply = await pool.ask(stream=stream, timeout=1)
            assert (reply.status, reply.error["type"]) == (504, "timeout_error")
            assert reply.headers["x-should-retry"] == "false"
        for request in pool.first.requests:
            await asyncio.wait_for(request.gone.wait(), 5)
        assert "timeout" not in pool.first.requests[0].json
        assert said(await pool.ask()), "a client's short timeout must not speak against the key"
        assert pool.asked == (3, 0)


async def test_the_routes_deadline_bounds_all_attempts_together(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(total=0.8, first_token=0.5)) as pool:
        pool.first.script(Hang())
        pool.second.script(Hang())
        reply = await pool.ask(stream=True)
        assert (reply.status, reply.error["type"]) == (504, "timeout_error")
        assert pool.asked == (1, 1)


async def test_a_stream_longer_than_its_deadline_ends_with_an_error_event(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(Stream(["a"] * 100, pace=0.05))
        reply = await pool.ask(stream=True, timeout=1)
        assert reply.status == 200
        assert b"[DONE]" not in reply.body
        assert b"timeout_error" in reply.body


async def test_no_more_attempts_are_made_than_the_route_allows(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        provider.always(error(500))
        upstreams = [make_upstream(provider.base_url) for _ in range(5)]
        target = Target(upstreams=tuple(upstream.uid for upstream in upstreams), model="m")
        route, customer = make_route(target, failover=Failover(attempts=3)), make_project()
        await world.apply(*upstreams, route, customer)
        async with calling(gateway.base_url, customer.live) as caller:
            body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
            reply = await caller.post("/v1/chat/completions", body)
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (503, "3")
        assert len({request.credential for request in provider.requests}) == 3


async def test_traffic_follows_weights_and_the_less_busy_key(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        heavy, light = make_upstream(provider.base_url, weight=3), make_upstream(provider.base_url, weight=1)
        target = Target(upstreams=(heavy.uid, light.uid), model="m")
        route, customer = make_route(target), make_project()
        await world.apply(heavy, light, route, customer)
        body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
        async with calling(gateway.base_url, customer.live) as caller:
            for _ in range(120):
                assert (await caller.post("/v1/chat/completions", body)).status == 200
            share = sum(request.credential == heavy.credential for request in provider.requests) / 120
            assert 0.6 < share < 0.9
            provider.always(Hang(), key=heavy.credential)
            hung = []
            for number in range(12):
                hung.append(asyncio.create_task(caller.post("/v1/chat/completions", body), name=f"call {number}"))
                newest = (await provider.received(121 + number))[-1]
                if newest.credential == light.credential:
                    await hung[-1]
            left_hanging = [task for task in hung if not task.done()]
            assert len(left_hanging) <= 2, "with calls hanging on one key, the idle one takes the traffic"
            for task in left_hanging:
                task.cancel()
            await asyncio.gather(*left_hanging, return_exceptions=True)


async def test_a_route_without_any_upstream_is_a_503(world: World, gateway: GatewayProcess) -> None:
    route, customer = make_route(Target(upstreams=(), model="m")), make_project()
    await world.apply(route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
        reply = await caller.post("/v1/chat/completions", body)
    assert (reply.status, reply.error["type"]) == (503, "service_unavailable")


async def test_one_dead_key_of_two_costs_the_client_nothing(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        with DeadPort() as nowhere:
            alive, dead = make_upstream(provider.base_url), make_upstream(nowhere.base_url)
            route, customer = make_route(Target(upstreams=(alive.uid, dead.uid), model="m")), make_project()
            await world.apply(alive, dead, route, customer)
            body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
            async with calling(gateway.base_url, customer.live) as caller:
                replies = await asyncio.gather(*(caller.post("/v1/chat/completions", body) for _ in range(40)))
    assert {reply.status for reply in replies} == {200}
