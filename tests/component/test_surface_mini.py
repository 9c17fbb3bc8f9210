"""`/api/chat-completions`: streams unless told otherwise, with its own defaults, ending in usage and `[DONE]`."""

from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.world import World

PATHS = ["/api/chat-completions", "/api/chat-completions/"]


def hello(model: str, **fields: Any) -> dict[str, Any]:
    messages = [
        {"role": "developer", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What's the largest U.S. state by area?"},
    ]
    return {"model": model, "messages": messages, **fields}


@pytest.mark.parametrize("path", PATHS)
async def test_it_streams_and_ends_with_usage(world: World, gateway: GatewayProcess, path: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        events = (await caller.post(path, hello(route.model))).events
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] > 0
    assert events[-2]["choices"][0]["finish_reason"] == "stop"


async def test_json_can_be_asked_for(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATHS[1], hello(route.model, stream=False))
    assert reply.json["object"] == "chat.completion"


@pytest.mark.parametrize("given", [{}, {"temperature": None, "max_completion_tokens": None}])
async def test_the_provider_gets_the_defaults(
    world: World, gateway: GatewayProcess, provider: FakeProvider, given: dict[str, Any]
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        events = (await caller.post(PATHS[1], hello(route.model, **given))).events
    assert events[-1]["usage"]
    sent = provider.requests[-1].json
    assert (sent["temperature"], sent["max_completion_tokens"]) == (1, 1000)
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})


async def test_what_is_given_reaches_the_provider(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        await caller.post(PATHS[0], hello(route.model, temperature=0.7, max_completion_tokens=300))
    sent = provider.requests[-1].json
    assert (sent["temperature"], sent["max_completion_tokens"]) == (0.7, 300)


async def test_errors_look_like_openais(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATHS[1], hello("no-such-model"))
    assert (reply.status, reply.error["type"]) == (404, "not_found_error")
