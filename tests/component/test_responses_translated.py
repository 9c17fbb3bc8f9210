"""The Responses API to providers of other protocols, and what it costs."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.responses import Response

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import CutStream, FakeProvider, Json, RawEvents
from harness.fake_provider_messages import THINKING, message, message_events, tool_use, written
from harness.fake_provider_responses import event, response_events
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import paying
from harness.world import World
from havuz_contract.snapshot.models import Route

PATH = "/v1/responses"
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


async def claude(world: World, provider: FakeProvider) -> tuple[str, Route]:
    """The key of a customer, and a route to Claude."""
    upstream = make_upstream(provider.base_url, provider="anthropic")
    route, customer = make_route(make_target(upstream, model="claude-sonnet-4-5")), make_project()
    await world.apply(upstream, route, customer)
    return customer.live, route


def said(reply: Reply) -> dict[str, Any]:
    """The response object of an answer, whole or streamed, after a check by the SDK's own model."""
    assert reply.status == 200, reply.body
    whole = reply.headers["content-type"].startswith("application/json")
    body: dict[str, Any] = reply.json if whole else reply.responses_events[-1]["response"]
    Response.model_validate(body)
    return body


async def ask(caller: Caller, route: Route, given: Any, **fields: Any) -> dict[str, Any]:
    return said(await caller.post(PATH, {"model": route.model, "input": given, **fields}))


def answered(content: list[Mapping[str, Any]], *, stream: bool) -> Json | RawEvents:
    """Claude's answer, whole or streamed."""
    whole = message(None, content)
    return RawEvents(b"".join(map(written, message_events(whole)))) if stream else Json(body=whole)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_thinking_and_its_seal_come_back_to_claude_in_a_loop_of_tools(
    world: World, gateway: GatewayProcess, provider: FakeProvider, stream: bool
) -> None:
    key, route = await claude(world, provider)
    calls = [tool_use("weather", city="Bursa"), tool_use("weather", city="İzmir")]
    provider.script(
        answered([THINKING, *calls], stream=stream), answered([{"type": "text", "text": "Sunny."}], stream=stream)
    )
    settings = {"tools": [WEATHER], "reasoning": {"effort": "high", "summary": "auto"}, "stream": stream}
    async with calling(gateway.base_url, key) as caller:
        first = await ask(caller, route, "weather?", instructions="Be brief.", **settings)
        made = [item for item in first["output"] if item["type"] == "function_call"]
        assert [json.loads(call["arguments"]) for call in made] == [{"city": "Bursa"}, {"city": "İzmir"}]
        results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"} for call in made]
        second = await ask(caller, route, results, previous_response_id=first["id"], **settings)
    assert second["output"][-1]["content"][0]["text"] == "Sunny."
    assert second["model"] == route.model
    one, two = (request.json for request in provider.requests)
    assert [request.path for request in provider.requests] == ["/v1/messages"] * 2
    assert "Be brief." in json.dumps(one["system"])
    assert "system" not in two
    assert [turn["role"] for turn in two["messages"]] == ["user", "assistant", "user"]
    thinking, *used = two["messages"][1]["content"]
    assert (thinking["thinking"], thinking["signature"]) == (THINKING["thinking"], THINKING["signature"])
    assert [block["id"] for block in used] == [call["id"] for call in calls]
    assert [block["tool_use_id"] for block in two["messages"][2]["content"]] == [call["id"] for call in calls]


async def test_structured_output_and_pictures_are_translated(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    picture = {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"}
    given = [{"role": "user", "content": [{"type": "input_text", "text": "Who?"}, picture]}]
    form = {"format": {"type": "json_schema", "name": "person", "schema": schema, "strict": True}}
    async with calling(gateway.base_url, customer.live) as caller:
        await ask(caller, route, given, text=form, max_output_tokens=50, reasoning={"effort": "low"})
    sent = provider.requests[0].json
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert sent["messages"][0]["content"][1]["image_url"]["url"] == "data:image/png;base64,QUJD"
    assert sent["max_tokens"] == 50


async def test_what_the_target_cannot_be_told_goes_to_the_next_one_or_is_refused_by_name(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    compatible, own = make_upstream(provider.base_url), make_upstream(provider.base_url, provider="openai")
    both = make_route(make_target(compatible, priority=0), make_target(own, priority=1))
    alone, customer = make_route(compatible), make_project()
    await world.apply(compatible, own, both, alone, customer)
    tools = [{"type": "file_search", "vector_store_ids": ["vs_1"]}]
    async with calling(gateway.base_url, customer.live) as caller:
        first = await caller.post(PATH, {"model": both.model, "input": "x", "tools": tools})
        second = await caller.post(PATH, {"model": alone.model, "input": "x", "tools": tools})
    assert (first.status, [request.path for request in provider.requests]) == (200, ["/v1/responses"])
    assert second.status == 400
    assert second.error["param"].startswith("tools[0]")


@pytest.mark.parametrize("dialect", [False, True], ids=["OpenAI", "Open Responses"])
async def test_a_translated_stream_that_breaks_off_fails_in_the_words_of_this_api(
    world: World, gateway: GatewayProcess, provider: FakeProvider, dialect: bool
) -> None:
    customer, route = await world.serve(provider.base_url)
    provider.script(CutStream(after=3))
    headers = {"openresponses-version": "latest"} if dialect else {}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, {"model": route.model, "input": "x", "stream": True}, **headers)
    *_, told, failed = reply.responses_events
    assert (told["type"], failed["type"]) == ("error", "response.failed")
    assert "broke off" in told["error"]["message"]
    assert failed["response"]["status"] == "failed"
    assert [one["sequence_number"] for one in reply.responses_events] == list(range(len(reply.responses_events)))
    assert b"[DONE]" not in reply.body


async def test_a_translated_stream_ends_as_the_dialect_wants(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "input": "x", "stream": True}
        usual = await caller.post(PATH, body)
        dialect = await caller.post(PATH, body, **{"openresponses-version": "latest"})
    assert usual.responses_events[-1]["type"] == "response.completed"
    assert b"[DONE]" not in usual.body
    assert dialect.body.count(b"data: [DONE]\n\n") == 1
    assert dialect.body.endswith(b"data: [DONE]\n\n")


async def test_an_error_of_a_translated_call_looks_like_openai_s(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    key, route = await claude(world, provider)
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: too many"}}
    provider.script(Json(400, body))
    async with calling(gateway.base_url, key) as caller:
        reply = await caller.post(PATH, {"model": route.model, "input": "x"})
    assert (reply.status, reply.error["type"], reply.error["message"]) == (
        400, "invalid_request_error", "messages: too many",
    )  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_response_costs_what_its_usage_says(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with paying(world, gateway, upstream={"provider": "openai"}) as customer:
        body = {"model": customer.route.model, "input": "x", "max_output_tokens": 200, "stream": stream}
        reply = await customer.caller.post(PATH, body)
        [used] = await customer.closed(1)
    assert reply.status == 200
    assert (used["input"], used["output"], used["cache_read"]) == (36, 87, 16)
    # 20 tokens at 1,000 nanos, 16 from the cache at 500, 87 at 2,000
    assert int(used["cost"]) == 20 * 1_000 + 16 * 500 + 87 * 2_000


async def test_what_a_conversation_can_cost_is_counted_with_all_that_went_before(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway, billing=prepaid(110_000_000)) as customer:
        body = {"model": customer.route.model, "max_output_tokens": 1}
        first = await customer.caller.post(PATH, {**body, "input": "word " * 20_000})
        await customer.closed(1)
        going_on = {**body, "input": "x", "previous_response_id": first.json["id"]}
        counted = await customer.caller.post(f"{PATH}/input_tokens", going_on)
        refused = await customer.caller.post(PATH, going_on)
        alone = await customer.caller.post(PATH, {**body, "input": "x"})
    assert counted.json["input_tokens"] > 20_000
    assert (refused.status, alone.status) == (402, 200)


async def test_a_stream_without_its_usage_is_estimated(world: World, gateway: GatewayProcess) -> None:
    begun = [*response_events({}, ["word "] * 10)]
    async with paying(world, gateway, upstream={"provider": "openai"}) as customer:
        failed = event("error", 14, code="server_error", message="x", param=None)
        customer.provider.script(RawEvents(b"".join(begun[:14]) + failed))
        await customer.caller.post(PATH, {"model": customer.route.model, "input": "x", "stream": True})
        [used] = await customer.closed(1)
    assert used["output"] >= 10


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_tool_that_only_responses_has_takes_a_request_of_another_protocol_there(
    world: World, gateway: GatewayProcess, provider: FakeProvider, stream: bool
) -> None:
    upstream = make_upstream(provider.base_url, provider="openai")
    route, customer = make_route(make_target(upstream, model="gpt-5")), make_project()
    await world.apply(upstream, route, customer)
    search = {"type": "web_search_20250305", "name": "web_search"}
    body = {
        "model": route.model,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "News?"}],
        "stream": stream,
    }
    async with calling(gateway.base_url, customer.live) as caller:
        headers = {"anthropic-version": "2023-06-01"}
        searching = await caller.send("POST", "/v1/messages", {**body, "tools": [search]}, headers)
        plain = await caller.send("POST", "/v1/messages", body, headers)
    assert (searching.status, plain.status) == (200, 200)
    assert b"Hello" in searching.body
    assert [request.path for request in provider.requests] == ["/v1/responses", "/v1/chat/completions"]
    sent = provider.requests[0].json
    assert sent["tools"] == [{"type": "web_search"}]
    assert sent["max_output_tokens"] == 64
