"""What a request costs, through the real gateway: the provider's own usage, or the documented estimate."""

import asyncio
from typing import Any

import pytest

from harness.builders import make_target, make_upstream
from harness.caller import calling
from harness.fake_provider import CutStream, FakeProvider, Hang, Json, Stream, error
from harness.fake_provider_bodies import chat_completion
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import MESSAGES, paying
from harness.world import World
from havuz_contract.snapshot.models import Limits, Price

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}}
COST = 60 * 1_000 + 40 * 500 + 20 * 2_000


def _answer(usage: Any = USAGE) -> Json:
    body = chat_completion({})
    body["usage"] = usage
    return Json(body=body)


async def test_an_answer_is_billed_by_the_providers_usage_and_says_what_it_costs(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(_answer())
        reply = await customer.ask()
        assert reply.headers["x-havuz-cost"] == "0.00012"
        (event,) = await customer.closed(1)
        assert (event["cost"], event["status"], event["input"], event["cache_read"]) == (str(COST), "ok", 100, 40)
        account = await customer.account()
        assert (account.spent, account.balance) == (COST, 10**10 - COST)
        assert (await customer.proof()).faults == ()


async def test_a_stream_is_billed_by_its_usage_event(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(Stream(usage=USAGE))
        reply = await customer.ask(stream=True)
        assert all(event["choices"] for event in reply.events)
        (event,) = await customer.closed(1)
        assert (event["cost"], event["status"], event["flags"]) == (str(COST), "ok", "")


async def test_an_answer_without_usage_is_billed_by_the_documented_estimate(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(_answer(None), Stream(["four", "five"], done=True, finish=False))
        await customer.ask()
        await customer.ask(stream=True)
        whole, streamed = await customer.closed(2)
        assert (whole["flags"], whole["input"], whole["output"]) == ("estimated", 2 + 4, 8)
        assert streamed["flags"] == "estimated"
        assert streamed["output"] >= 2


@pytest.mark.parametrize(
    "usage",
    [
        {"total_tokens": None},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": -5, "completion_tokens": "many"},
    ],
    ids=["empty", "zeros", "impossible"],
)
async def test_usage_that_says_nothing_is_no_free_answer(
    world: World, gateway: GatewayProcess, usage: dict[str, Any]
) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(_answer(usage), Stream(["four", "five"], usage=usage))
        await customer.ask()
        await customer.ask(stream=True)
        for event in await customer.closed(2):
            assert "estimated" in event["flags"]
            assert event["input"] == 2 + 4
            assert event["output"] >= 2


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 10**12},
        {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}},
    ],
)
async def test_absurd_usage_is_clamped_flagged_and_never_credited(
    world: World, gateway: GatewayProcess, usage: dict[str, Any]
) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(_answer(usage))
        await customer.ask()
        (event,) = await customer.closed(1)
        assert "clamped" in event["flags"]
        assert (await customer.account()).balance <= 10**10
        assert (await customer.proof()).faults == ()


async def test_a_request_that_nobody_answered_costs_nothing(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(error(400, "bad"), error(500))
        assert (await customer.ask()).status == 400
        assert (await customer.ask()).status == 503
        events = await customer.closed(2)
        assert [(event["cost"], event["status"]) for event in events] == [("0", "error")] * 2
        assert (await customer.account()).balance == 10**10


async def test_failed_attempts_cost_the_project_nothing(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as broken:
        broken.always(error(500))
        bad = make_upstream(broken.base_url)
        await world.apply(bad)
        async with paying(world, gateway) as customer:
            good = customer.route.targets[0]
            targets = (make_target(bad, priority=0), good.model_copy(update={"priority": 1}))
            await world.apply(customer.route.model_copy(update={"targets": targets}))
            customer.provider.script(_answer())
            assert (await customer.ask()).headers["x-havuz-attempts"] == "2"
            (event,) = await customer.closed(1)
            assert (event["cost"], event["attempts"]) == (str(COST), 2)


async def test_a_model_without_a_price_in_the_projects_unit_answers_402_and_asks_nobody(
    world: World, gateway: GatewayProcess
) -> None:
    for prices in ((), (Price(unit="credits", per_request=1),), (Price(unit="USD", input=1),)):
        async with paying(world, gateway, prices=prices) as customer:
            reply = await customer.ask()
            assert (reply.status, reply.error["type"]) == (402, "price_missing")
            assert "has no price in USD" in reply.error["message"]
            assert reply.headers["x-should-retry"] == "false"
            assert customer.provider.requests == []


async def test_an_empty_balance_answers_402_and_asks_nobody(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(100)) as customer:
        reply = await customer.ask()
        assert (reply.status, reply.error["type"], reply.error["code"]) == (402, "insufficient_balance", 402)
        assert reply.headers["x-should-retry"] == "false"
        assert customer.provider.requests == []


async def test_the_dearest_target_it_may_fail_over_to_is_reserved(world: World, gateway: GatewayProcess) -> None:
    dear = Price(unit="USD", input=10**12, output=10**12)
    async with FakeProvider() as other:
        second = make_upstream(other.base_url)
        await world.apply(second)
        async with paying(world, gateway, billing=prepaid(10**9)) as customer:
            assert (await customer.ask(max_tokens=10)).status == 200
            targets = (*customer.route.targets, make_target(second, priority=1, prices=(dear,)))
            await world.apply(customer.route.model_copy(update={"targets": targets}))
            assert (await customer.ask(max_tokens=10)).status == 402


async def test_a_test_key_costs_nothing(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(0)) as customer:
        async with calling(gateway.base_url, customer.customer.test) as caller:
            reply = await caller.post("/v1/chat/completions", {"model": customer.route.model, "messages": MESSAGES})
        assert reply.status == 200
        assert (await customer.proof()).events == 0


async def test_a_flat_price_is_taken_once_a_request(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(20), prices=(Price(unit="USD", per_request=7),)) as customer:
        statuses = [(await customer.ask(max_tokens=None)).status for _ in range(3)]
        assert statuses == [200, 200, 402]
        await customer.closed(2)
        assert (await customer.account()).balance == 6


async def test_rate_limits_show_on_every_answer(world: World, gateway: GatewayProcess) -> None:
    limits = Limits(requests_per_minute=2)
    async with paying(world, gateway, project={"limits": limits}) as customer:
        customer.provider.script(error(400, "bad"))
        bad, good, over = [await customer.ask() for _ in range(3)]
        assert [reply.status for reply in (bad, good, over)] == [400, 200, 429]
        assert [reply.headers["x-ratelimit-remaining-requests"] for reply in (bad, good, over)] == ["1", "0", "0"]
        assert over.error["type"] == "rate_limit_error"
        assert 20 <= int(over.headers["retry-after"]) <= 31


async def test_more_output_than_a_request_may_ask_for_is_refused_and_none_asked_for_is_bounded(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway, project={"limits": Limits(max_tokens_per_request=50)}) as customer:
        reply = await customer.ask(max_tokens=51)
        assert (reply.status, reply.error["param"]) == (400, "max_tokens")
        assert (await customer.ask(max_tokens=25, n=3)).status == 400
        assert (await customer.ask(max_tokens=None)).status == 200
        assert customer.provider.requests[0].json["max_tokens"] == 50


async def test_an_upstream_at_its_limit_is_passed_over(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider() as other:
        second = make_upstream(other.base_url)
        await world.apply(second)
        limits = {"limits": Limits(requests_per_minute=2)}
        async with paying(world, gateway, upstream=limits) as customer:
            targets = (customer.route.targets[0], make_target(second, priority=1))
            await world.apply(customer.route.model_copy(update={"targets": targets}))
            replies = [await customer.ask() for _ in range(4)]
            assert [reply.status for reply in replies] == [200] * 4
            assert {reply.headers["x-havuz-attempts"] for reply in replies} == {"1"}
            assert (len(customer.provider.requests), len(other.requests)) == (2, 2)


async def test_a_pool_of_upstreams_at_their_limits_answers_429(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, upstream={"limits": Limits(concurrency=1)}) as customer:
        customer.provider.script(Hang())
        held = asyncio.create_task(customer.ask(), name="held")
        await customer.provider.received(1)
        reply = await customer.ask()
        assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        await customer.closed(2)
        assert (await customer.ask()).status == 200


async def test_a_broken_stream_is_billed_for_what_came(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(CutStream(after=3))
        await customer.ask(stream=True)
        (event,) = await customer.closed(1)
        assert (event["status"], event["flags"]) == ("error", "estimated")
        assert event["output"] >= 3
        assert int(event["cost"]) == event["input"] * 1_000 + event["output"] * 2_000


async def test_prices_are_not_asked_of_an_unmetered_project(world: World, gateway: GatewayProcess) -> None:
    free = prepaid(0).model_copy(update={"plan": "Unmetered"})
    async with paying(world, gateway, billing=free, prices=()) as customer:
        reply = await customer.ask()
        assert reply.status == 200
        assert "x-havuz-cost" not in reply.headers
        (event,) = await customer.closed(1)
        assert (event["cost"], event["status"]) == ("0", "ok")
