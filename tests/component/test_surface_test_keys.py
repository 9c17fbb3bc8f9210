"""Test keys: mock answers on every endpoint, no upstream call, and errors on purpose."""

from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.gateway import GatewayProcess
from harness.world import World

CHAT = "/v1/chat/completions"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def say(model: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


async def test_a_test_key_never_reaches_the_provider(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.test) as caller:
        one = await caller.post(CHAT, say(route.model, "Merhaba!"))
        two = await caller.post(CHAT, say(route.model, "Merhaba!"))
        streamed = await caller.post(CHAT, say(route.model, "Merhaba!", stream=True))
        embedded = await caller.post("/v1/embeddings", {"model": route.model, "input": "x", "dimensions": 3})
        mini = await caller.post("/api/chat-completions/", say(route.model, "Merhaba!"))
    assert provider.requests == []
    assert one.json["choices"] == two.json["choices"]
    assert one.json["id"] == two.json["id"] == streamed.events[0]["id"]
    assert one.json["model"] == route.model
    assert len(embedded.json["data"][0]["embedding"]) == 3
    assert mini.events[-1]["usage"]


async def test_a_test_key_works_while_no_upstream_does(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:1/v1")
    async with calling(gateway.base_url, customer.test) as caller:
        assert (await caller.post(CHAT, say(route.model, "x"))).status == 200


async def test_tools_are_called(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.test) as caller:
        body = say(route.model, "How is the weather?", tools=[TOOL], tool_choice="required")
        choice = (await caller.post(CHAT, body)).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "weather"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        (400, 400, "invalid_request_error"),
        (422, 422, "invalid_request_error"),
        (429, 429, "rate_limit_error"),
        (500, 503, "service_unavailable"),
        (503, 503, "service_unavailable"),
    ],
)
async def test_an_error_can_be_asked_for(
    world: World, gateway: GatewayProcess, asked: int, status: int, kind: str, stream: bool
) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post(CHAT, say(route.model, f"havuz:error={asked}", stream=stream))
        after = await caller.post(CHAT, say(route.model, "and now?"))
    assert (reply.status, reply.error["type"]) == (status, kind)
    if status in (429, 503):
        assert int(reply.headers["retry-after"]) >= 1
    assert after.status == 200, "an error asked for is over with its request"


async def test_a_broken_stream_can_be_asked_for(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post(CHAT, say(route.model, "havuz:stream-break", stream=True))
    assert reply.status == 200
    assert b'"content":' in reply.body
    assert b'data: {"error":' in reply.body
    assert b"[DONE]" not in reply.body


async def test_a_deadline_can_be_asked_for(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post(CHAT, say(route.model, "havuz:timeout", timeout=1))
    assert (reply.status, reply.error["type"]) == (504, "timeout_error")
