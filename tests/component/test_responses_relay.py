"""The Responses API to a provider that speaks it: bytes as they come, and every way in which it can fail."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider, Json, RawEvents, error
from harness.fake_provider_responses import call_item, event, message_item, response_body, response_events
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Route

PATH = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Shop:
    """A caller of a route over two keys of a provider that speaks Responses."""

    caller: Caller
    route: Route
    provider: FakeProvider

    async def ask(self, **fields: Any) -> Reply:
        """One call."""
        return await self.caller.post(PATH, {"model": self.route.model, "input": "Hello!"} | fields)


@asynccontextmanager
async def shop(world: World, gateway: GatewayProcess, provider: FakeProvider, keys: int = 2) -> AsyncIterator[Shop]:
    upstreams = [make_upstream(provider.base_url, provider="openai") for _ in range(keys)]
    route, customer = make_route(make_target(*upstreams, model="gpt-4.1")), make_project()
    await world.apply(*upstreams, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield Shop(caller, route, provider)


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
async def test_a_body_and_its_answer_are_relayed_as_they_are(
    world: World, gateway: GatewayProcess, provider: FakeProvider, base: str
) -> None:
    answer = json.dumps(response_body({}), indent=1).replace("1.0", "1.00").encode()
    provider.script(Json(body=answer))
    sent = '{ "model" : "%s",\n"input":[{"role":"user","content":"\\u015f ç"}], "store":false,"new":[1e3, 1.0] }'
    async with shop(world, gateway, provider) as it:
        reply = await it.caller.post(f"{base}/responses", (sent % it.route.model).encode())
        assert reply.body == answer
        [received] = provider.requests
        assert received.body == (sent % "gpt-4.1").encode()
        assert received.path == "/v1/responses"


@pytest.mark.parametrize("chunking", ["one-by-one", 17, None])
async def test_a_stream_is_relayed_byte_for_byte(
    world: World, gateway: GatewayProcess, provider: FakeProvider, chunking: int | None
) -> None:
    events = b"".join(response_events({}, ["Mer", "haba — 🌍"]))
    provider.script(RawEvents(events, chunking=chunking))
    async with shop(world, gateway, provider) as it:
        body = (
            f'{{"model":"{it.route.model}", "input":"x","stream":true,"stream_options":{{"include_obfuscation":true}}}}'
        )
        reply = await it.caller.post(PATH, body.encode())
        assert reply.body == events
        assert provider.requests[0].body == body.replace(it.route.model, "gpt-4.1").encode()


async def test_a_function_call_alone_is_content(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    whole = response_body({}, [call_item("weather", "{}")])
    events = event("response.created", 0, response={**whole, "status": "in_progress"})
    events += event("response.output_item.added", 1, output_index=0, item=call_item("weather", ""))
    provider.script(RawEvents(events))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(stream=True)
    assert reply.body.startswith(events), "a call that was begun is sent on, so that nobody else is asked"
    assert reply.responses_events[-1]["type"] == "error"
    assert len(provider.requests) == 1


async def test_lifecycle_events_do_not_keep_another_key_from_being_asked(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    begun = {**response_body({}), "status": "in_progress", "output": []}
    item = message_item("", status="in_progress")
    held = event("response.created", 0, response=begun) + event("response.in_progress", 1, response=begun)
    held += event("response.output_item.added", 2, output_index=0, item=item)
    failed = event("response.failed", 3, response={**begun, "status": "failed", "error": SERVER_ERROR})
    provider.script(RawEvents(held + failed))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(stream=True)
    assert reply.headers["x-havuz-attempts"] == "2"
    assert reply.responses_events[-1]["type"] == "response.completed"
    assert begun["id"].encode() not in reply.body


SERVER_ERROR = {"code": "server_error", "message": "The server had an error"}


@pytest.mark.parametrize(
    "end",
    [
        event("response.failed", 5, response={**response_body({}), "status": "failed", "error": SERVER_ERROR}),
        event("error", 5, code="server_error", message="The server had an error", param=None),
    ],
    ids=["failed", "error"],
)
async def test_an_error_after_the_first_content_is_passed_on_once(
    world: World, gateway: GatewayProcess, provider: FakeProvider, end: bytes
) -> None:
    begun = b"".join([*response_events({})][:6])
    provider.script(RawEvents(begun + end))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(stream=True)
    assert reply.body == begun + end
    assert len(provider.requests) == 1


async def test_a_stream_that_breaks_off_ends_with_an_error_event_of_this_api(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    begun = b"".join([*response_events({})][:6])
    provider.script(RawEvents(begun))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(stream=True)
    assert reply.body.startswith(begun)
    *_, last = reply.responses_events
    assert (last["type"], last["sequence_number"], last["param"]) == ("error", 6, None)
    assert "broke off" in last["message"]
    assert last["error"]["type"] == "api_error"
    assert b"[DONE]" not in reply.body


async def test_an_incomplete_response_is_a_clean_end(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    whole = {**response_body({}), "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    events = b"".join([*response_events({})][:-1]) + event("response.incomplete", 12, response=whole)
    provider.script(RawEvents(events))
    async with shop(world, gateway, provider) as it:
        assert (await it.ask(stream=True)).body == events


async def test_a_refused_request_is_told_in_the_provider_s_words(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    provider.script(error(400, "Unknown parameter: 'x'.", code="unknown_parameter", param="x"))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(x=1)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unknown_parameter", "x")


async def test_a_failed_response_under_status_200_moves_on_to_the_next_key(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    provider.script(Json(body={**response_body({}), "status": "failed", "error": SERVER_ERROR}))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask()
    assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")


async def test_a_429_moves_on_to_the_next_key_here_as_well(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    provider.script(error(429, headers={"retry-after": "2"}))
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(stream=True)
    assert reply.headers["x-havuz-attempts"] == "2"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "message", "role": "user"}]}, "input[0].content"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"previous_response_id": ""}, "previous_response_id"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    world: World, gateway: GatewayProcess, provider: FakeProvider, fields: dict[str, Any], param: str
) -> None:
    async with shop(world, gateway, provider) as it:
        reply = await it.ask(**fields)
    assert (reply.status, reply.error["type"], reply.error["param"]) == (400, "invalid_request_error", param)
    assert provider.requests == []


async def test_input_tokens_are_counted_by_a_provider_that_counts(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with shop(world, gateway, provider) as it:
        reply = await it.caller.post(f"{PATH}/input_tokens", {"model": it.route.model, "input": "x" * 400})
    assert reply.json == {"object": "response.input_tokens", "input_tokens": 11}
    assert "x-havuz-estimated" not in reply.headers
    assert provider.requests[0].path == "/v1/responses/input_tokens"


async def test_input_tokens_are_estimated_where_no_provider_counts(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{PATH}/input_tokens", {"model": route.model, "input": "x" * 400})
    assert (reply.status, reply.json["object"]) == (200, "response.input_tokens")
    assert reply.headers["x-havuz-estimated"] == "true"
    assert 90 < reply.json["input_tokens"] < 120
    assert provider.requests == []


async def test_a_client_of_open_responses_gets_the_end_it_waits_for(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with shop(world, gateway, provider) as it:
        body = {"model": it.route.model, "input": "x", "stream": True}
        reply = await it.caller.post(PATH, body, **{"OpenResponses-Version": "latest"})
        usual = await it.caller.post(PATH, body)
    assert reply.body.endswith(b"\n\ndata: [DONE]\n\n")
    assert b"[DONE]" not in usual.body
