"""Whom a request is sent to: policies, base URLs that nobody reaches, prompts that do not fit, allowances used up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import DeadPort, FakeProvider, Json, Stream
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Price, Route, Target, Upstream

CHEAP = (Price(unit="USD", input=1_000_000_000, output=1_000_000_000),)
DEAR = (Price(unit="USD", input=9_000_000_000, output=9_000_000_000),)
SPENT = {
    "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s",
}  # fmt: skip


class Asking:
    """A caller of one route."""

    def __init__(self, caller: Caller, route: Route) -> None:
        self._caller = caller
        self._route = route

    async def __call__(self, content: str = "Hello!", **fields: Any) -> Reply:
        body = {"model": self._route.model, "messages": [{"role": "user", "content": content}]}
        return await self._caller.post("/v1/chat/completions", body | fields)


@asynccontextmanager
async def asking(
    world: World, gateway: GatewayProcess, *upstreams: Upstream, targets: list[Target], **fields: Any
) -> AsyncIterator[Asking]:
    route, customer = make_route(*targets, **fields), make_project()
    await world.apply(*upstreams, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield Asking(caller, route)


def over(*upstreams: Upstream, **fields: Any) -> Target:
    return Target(upstreams=tuple(upstream.uid for upstream in upstreams), model="m", **fields)


async def test_twenty_keys_of_a_dead_host_cost_a_request_one_attempt_and_soon_none(
    world: World, gateway: GatewayProcess
) -> None:
    async with FakeProvider() as provider:
        with DeadPort() as nowhere:
            dead, alive = [make_upstream(nowhere.base_url) for _ in range(20)], make_upstream(provider.base_url)
            targets = [over(*dead), over(alive, priority=1)]
            async with asking(world, gateway, *dead, alive, targets=targets) as ask:
                replies = [await ask() for _ in range(8)]
    assert [reply.status for reply in replies] == [200] * 8
    assert [reply.headers["x-havuz-attempts"] for reply in replies] == ["2"] * 5 + ["1"] * 3


async def test_when_nobody_reaches_the_only_host_the_states_say_so(world: World, gateway: GatewayProcess) -> None:
    with DeadPort() as nowhere:
        keys = [make_upstream(nowhere.base_url) for _ in range(3)]
        async with asking(world, gateway, *keys, targets=[over(*keys)]) as ask:
            await ask()
            await ask()
            reply = await ask()
    assert (reply.status, reply.error["type"]) == (503, "service_unavailable")
    assert "3 Unreachable" in reply.error["message"]
    assert 1 <= int(reply.headers["retry-after"]) <= 31


async def test_the_turns_of_a_conversation_meet_one_key(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as provider:
        keys = [make_upstream(provider.base_url) for _ in range(6)]
        async with asking(world, gateway, *keys, targets=[over(*keys)], balance="CacheAffinity") as ask:
            for turn in range(3):
                for talk in range(8):
                    history = [{"role": "user", "content": f"talk {talk}"}]
                    history += [{"role": "assistant", "content": "so?"}, {"role": "user", "content": "and"}] * turn
                    assert (await ask(messages=history)).status == 200
    homes: dict[str, set[str]] = {}
    for request in provider.requests:
        homes.setdefault(request.json["messages"][0]["content"], set()).add(request.credential)
    assert {len(met) for met in homes.values()} == {1}
    assert len(set().union(*homes.values())) > 1


async def test_the_cheapest_target_is_asked_while_it_can_be(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as cheap, FakeProvider() as dear:
        keys = [make_upstream(dear.base_url), make_upstream(cheap.base_url)]
        targets = [over(keys[0], prices=DEAR), over(keys[1], prices=CHEAP)]
        async with asking(world, gateway, *keys, targets=targets, balance="Cheapest") as ask:
            for _ in range(6):
                assert (await ask()).status == 200
            assert (len(cheap.requests), len(dear.requests)) == (6, 0)
            cheap.script(Json(500, {"error": {"message": "no"}}))
            assert (await ask()).headers["x-havuz-attempts"] == "2"


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_the_key_whose_answers_begin_sooner_is_preferred(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with FakeProvider() as quick, FakeProvider() as slow:
        slow.always(Stream(delay=0.5) if stream else Json(delay=0.5))
        keys = [make_upstream(quick.base_url), make_upstream(slow.base_url)]
        async with asking(world, gateway, *keys, targets=[over(*keys)], balance="LowestLatency") as ask:
            for _ in range(30):
                assert (await ask(stream=stream)).status == 200
    assert len(slow.requests) <= 8
    assert len(quick.requests) >= 22


async def test_an_allowance_that_an_answer_used_up_is_left_alone_while_another_key_can_be_asked(
    world: World, gateway: GatewayProcess
) -> None:
    async with FakeProvider() as first, FakeProvider() as second:
        keys = [make_upstream(first.base_url), make_upstream(second.base_url)]
        targets = [over(keys[0]), over(keys[1], priority=1)]
        async with asking(world, gateway, *keys, targets=targets) as ask:
            first.script(Json(headers=SPENT))
            for _ in range(3):
                assert (await ask()).headers["x-havuz-attempts"] == "1"
            assert (len(first.requests), len(second.requests)) == (1, 2)
            second.script(Json(500, {"error": {"message": "no"}}))
            assert (await ask()).status == 200
            assert len(first.requests) == 2, "where nobody else answers it is asked all the same"


async def test_a_prompt_that_clearly_does_not_fit_goes_to_the_larger_window_at_once(
    world: World, gateway: GatewayProcess
) -> None:
    async with FakeProvider() as small, FakeProvider() as large:
        keys = [make_upstream(small.base_url), make_upstream(large.base_url)]
        targets = [over(keys[0], context_window=1_000), over(keys[1], context_window=100_000, priority=1)]
        async with asking(world, gateway, *keys, targets=targets) as ask:
            assert (await ask("word " * 4_000)).headers["x-havuz-attempts"] == "1"
            assert (await ask("word " * 4)).headers["x-havuz-attempts"] == "1"
    assert (len(small.requests), len(large.requests)) == (1, 1)
