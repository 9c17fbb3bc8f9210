"""SIGTERM: every stream in flight ends complete, and new connections are refused only after the delay."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from harness.builders import Customer
from harness.caller import Reply, calling
from harness.fake_provider import FakeProvider, Hang, Stream
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Route

STREAMS = 50
StartGateway = Callable[..., GatewayProcess]


def chat(route: Route, *, stream: bool) -> dict[str, object]:
    return {"model": route.model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}


async def call(gateway: GatewayProcess, customer: Customer, route: Route, *, stream: bool) -> Reply:
    async with calling(gateway.base_url, customer.live) as caller:
        return await caller.post("/v1/chat/completions", chat(route, stream=stream))


async def test_every_stream_in_flight_ends_complete(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(drain_delay="0.3")
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    pieces = [f"word{number} " for number in range(30)]
    provider.always(Stream(pieces, pace=0.05))
    async with asyncio.TaskGroup() as group:
        streams = [group.create_task(call(gateway, customer, route, stream=True)) for _ in range(STREAMS)]
        await provider.received(STREAMS)
        gateway.terminate()
    for stream in streams:
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in stream.result().events)
        assert text == "".join(pieces)
    assert await gateway.wait() == 0


async def test_during_the_delay_it_is_not_ready_but_still_accepts_and_afterwards_refuses(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(drain_delay="1.5")
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    provider.always(Stream(["slow "] * 60, pace=0.05))
    async with asyncio.TaskGroup() as group:
        stream = group.create_task(call(gateway, customer, route, stream=True))
        await provider.received(1)
        gateway.terminate()
        while gateway.readiness()[0] != 503:
            await asyncio.sleep(0.02)
        provider.script(Stream(["quick"]))
        late = await call(gateway, customer, route, stream=True)
        assert late.status == 200
        assert late.headers["connection"] == "close"
        async with asyncio.timeout(10):
            while await accepts(gateway):
                await asyncio.sleep(0.05)
        assert not stream.done(), "the port closed only after the stream had ended"
    assert len(stream.result().events) > 60
    assert await gateway.wait() == 0


async def accepts(gateway: GatewayProcess) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_what_outlasts_the_grace_is_cut_and_the_exit_is_still_clean(
    world: World, provider: FakeProvider, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(drain_grace="0.5")
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    provider.always(Hang(after=3))
    hanging = asyncio.create_task(call(gateway, customer, route, stream=True))
    await provider.received(1)
    gateway.terminate()
    assert await gateway.wait(10) == 0
    with pytest.raises(aiohttp.ClientError):
        await hanging
    assert "the grace period has passed" in gateway.log


async def test_an_idle_connection_does_not_hold_the_exit(world: World, start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    world.gateways.append(gateway)
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        assert (await caller.post("/v1/chat/completions", chat(route, stream=False))).status == 200
        gateway.terminate()
        assert await gateway.wait(5) == 0
