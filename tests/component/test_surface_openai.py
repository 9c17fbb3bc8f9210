"""OpenAI's endpoints under both base paths, through a real gateway, answered by mock upstreams."""

import json
from typing import Any

import pytest

from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.world import World

BASES = ["/v1", "/api/v1"]


def chat(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Merhaba!"}], **fields}


@pytest.mark.parametrize("base", BASES)
async def test_chat_answers_with_json(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{base}/chat/completions", chat(route.model))
    assert reply.status == 200
    answer = reply.json
    assert (answer["object"], answer["choices"][0]["message"]["role"]) == ("chat.completion", "assistant")
    assert "Merhaba!" in answer["choices"][0]["message"]["content"]
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers["x-havuz-attempts"] == "1"


@pytest.mark.parametrize("base", BASES)
async def test_chat_streams(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{base}/chat/completions", chat(route.model, stream=True))
    events = reply.events
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    assert "Merhaba!" in text
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    assert not [event for event in events if event.get("usage")], "nobody asked for the usage chunk"


async def test_a_stream_has_the_usage_chunk_that_was_asked_for(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(
            "/v1/chat/completions", chat(route.model, stream=True, stream_options={"include_usage": True})
        )
    last = reply.events[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


async def test_the_parameters_of_the_documents_are_taken(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    body = chat(route.model, stop=["You said"], timeout=30, think=False, deepsearch=False, top_p=0.9, temperature=2)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/chat/completions", body)
    assert reply.status == 200
    assert "You said" not in reply.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize("mode", ["think", "deepsearch"])
async def test_a_mode_that_the_route_does_not_map_is_refused(world: World, gateway: GatewayProcess, mode: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/chat/completions", chat(route.model, **{mode: True}))
    assert (reply.status, reply.error["param"]) == (400, mode)


async def test_a_client_s_own_deadline_ends_the_request(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    body = chat(route.model, messages=[{"role": "user", "content": "havuz:timeout"}], timeout=1)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/chat/completions", body)
    assert (reply.status, reply.error["type"]) == (504, "timeout_error")
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("base", BASES)
async def test_embeddings_have_the_asked_size(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(
            f"{base}/embeddings", {"model": route.model, "input": ["bir", "iki"], "dimensions": 8}
        )
    assert [len(item["embedding"]) for item in reply.json["data"]] == [8, 8]
    assert reply.json["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("base", BASES)
async def test_models_are_listed_with_every_field(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve(created=1704056400, owned_by="google ai studio")
    async with calling(gateway.base_url, customer.live) as caller:
        listed = await caller.get(f"{base}/models")
        one = await caller.get(f"{base}/models/{route.model}")
    expected = {
        "id": route.model,
        "object": "model",
        "created": 1704056400,
        "owned_by": "google ai studio",
        "permission": [],
        "root": route.model,
        "parent": None,
    }
    assert listed.json == {"object": "list", "data": [expected]}
    assert one.json == expected


async def test_the_documents_developer_role_and_image_parts_are_taken(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    image = {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg", "detail": "auto"}}
    messages = [
        {"role": "developer", "content": "You are a helpful assistant."},
        {"role": "user", "content": [{"type": "text", "text": "What's in this image?"}, image]},
    ]
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/chat/completions", chat(route.model, messages=messages))
    assert "What's in this image?" in json.dumps(reply.json)
