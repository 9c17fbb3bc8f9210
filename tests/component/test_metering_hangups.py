"""Clients that go away: billed for what the provider reports, or at least for what was delivered.

`HAVUZ_FAULT_STREAMS` (default 60) is the number of streams that are hung up at random points.
"""

import asyncio
import os
import random

import aiohttp
import openai
import pytest

from harness.fake_provider import Hang, Json, Stream
from harness.fake_provider_bodies import chat_completion
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import MESSAGES, Paying, paying
from harness.world import World

STREAMS = int(os.environ.get("HAVUZ_FAULT_STREAMS", "60"))
AT_ONCE = 100
PIECES = 40
USAGE = {"prompt_tokens": 100, "completion_tokens": 20}
EXACT = 100 * 1_000 + 20 * 2_000
DRAINING = prepaid(10**10, on_disconnect="Drain", drain_seconds=5.0)


async def _hang_up(customer: Paying, session: aiohttp.ClientSession, contents: int) -> tuple[str, int]:
    """Read a stream up to so many events with content, then cut the connection: its id, and how many were read."""
    body = {"model": customer.route.model, "stream": True, "messages": MESSAGES, "max_tokens": 100}
    headers = {"authorization": f"Bearer {customer.customer.live}"}
    url = f"{customer.world.gateways[0].base_url}/v1/chat/completions"
    async with session.post(url, json=body, headers=headers) as answer:
        request_id, read = answer.headers["x-request-id"], 0
        async for line in answer.content:
            read += b'"content":"' in line and b'"content":""' not in line
            if read >= contents and contents < PIECES:
                break
        if contents < PIECES:
            answer.close()
        return request_id, read


async def test_a_client_that_hangs_up_anywhere_pays_at_least_for_what_was_delivered(
    world: World, gateway: GatewayProcess
) -> None:
    rng = random.Random(4)
    async with paying(world, gateway) as customer:
        customer.provider.always(Stream([f"piece {number} " for number in range(PIECES)], pace=0.005))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            calls = [_hang_up(customer, session, rng.choice([PIECES, rng.randint(1, PIECES)])) for _ in range(STREAMS)]
            read = {}
            for begin in range(0, STREAMS, AT_ONCE):  # more would be slower than the deadlines on a busy machine
                read |= dict(await asyncio.gather(*calls[begin : begin + AT_ONCE]))
        events = {event["id"]: event for event in await customer.closed(STREAMS)}
        assert events.keys() == read.keys()
        for request_id, count in read.items():
            event = events[request_id]
            assert event["status"] in ("ok", "cancelled")
            assert event["output"] >= count, event
            assert int(event["cost"]) == 1_000 * event["input"] + 2_000 * event["output"]
        assert {event["status"] for event in events.values()} == {"ok", "cancelled"}
        proof = await customer.proof()
        assert (proof.faults, proof.short) == ((), 0)


async def test_a_client_that_hangs_up_before_any_content_pays_nothing(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as customer:
        customer.provider.script(Hang(), Hang())
        for stream in (True, False):
            call = asyncio.create_task(customer.ask(stream=stream), name="call")
            await customer.provider.received(1 if stream else 2)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        events = await customer.closed(2)
        assert [(event["cost"], event["status"]) for event in events] == [("0", "cancelled")] * 2


async def test_a_draining_project_pays_what_the_provider_reports(world: World, gateway: GatewayProcess) -> None:
    body = chat_completion({}) | {"usage": USAGE}
    async with paying(world, gateway, billing=DRAINING) as customer:
        customer.provider.script(Stream(["one", "two", "three"], pace=0.1, usage=USAGE))
        async with aiohttp.ClientSession() as session:
            await _hang_up(customer, session, 1)
        (event,) = await customer.closed(1)
        assert (event["cost"], event["status"], event["flags"]) == (str(EXACT), "cancelled", "")
        customer.provider.script(Json(body=body, delay=0.3), Stream(["one"], delay=0.3, usage=USAGE))
        for number, stream in ((2, False), (3, True)):
            call = asyncio.create_task(customer.ask(stream=stream), name="call")
            await customer.provider.received(number)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        events = await customer.closed(3)
        assert [event["cost"] for event in events] == [str(EXACT)] * 3
        assert (await customer.proof()).faults == ()


async def test_a_drain_ends_after_the_projects_seconds(world: World, gateway: GatewayProcess) -> None:
    billing = DRAINING.model_copy(update={"drain_seconds": 0.3})
    async with paying(world, gateway, billing=billing) as customer:
        customer.provider.script(Hang(3))
        async with aiohttp.ClientSession() as session:
            await _hang_up(customer, session, 2)
        (event,) = await customer.closed(1)
        assert (event["status"], event["flags"]) == ("cancelled", "estimated")
        assert event["output"] >= 2
        await asyncio.wait_for(customer.provider.requests[0].gone.wait(), 5)


async def test_a_client_of_openais_library_does_not_hammer_an_empty_balance(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway, billing=prepaid(1)) as customer:
        async with openai.AsyncOpenAI(
            api_key=customer.customer.live, base_url=f"{gateway.base_url}/v1", max_retries=5
        ) as client:
            before = _requests(gateway)
            with pytest.raises(openai.APIStatusError) as refused:
                await client.chat.completions.create(
                    model=customer.route.model, messages=[{"role": "user", "content": "Hello!"}]
                )
            assert (refused.value.status_code, refused.value.type) == (402, "insufficient_balance")
        assert _requests(gateway) - before == 1


def _requests(gateway: GatewayProcess) -> int:
    return len([line for line in gateway.log_lines() if line.get("event") == "request"])
