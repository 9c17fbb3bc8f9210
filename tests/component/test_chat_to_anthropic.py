"""Chat Completions answered by Anthropic: nothing lost on the way there, nor on the way back."""

import json
from typing import Any

import pytest

from harness.caller import Reply
from harness.fake_provider import CutStream, Hang, Json, Message, MessageStream, RawEvents, message_error
from harness.fake_provider_messages import (
    SIGNATURE,
    THINKING,
    error_event,
    message,
    message_events,
    tool_use,
    written,
)
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.pooled import pooled, said
from harness.world import World
from havuz_contract.snapshot.models import Failover, Price

CLAUDE: dict[str, Any] = {
    "upstream_fields": {"provider": "anthropic"},
    "first_target": {"model": "claude-sonnet-4-5-20250929"},
    "second_target": {"model": "claude-opus-4-6"},
}
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("weather", "time")
]
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"}


def folded(reply: Reply) -> dict[str, Any]:
    """The assistant's message with its finish reason and usage, whole or from a stream."""
    assert reply.status == 200, reply.body
    if reply.headers["content-type"].startswith("application/json"):
        choice = reply.json["choices"][0]
        return {**choice["message"], "finish": choice["finish_reason"], "usage": reply.json["usage"]}
    whole: dict[str, Any] = {"content": None, "finish": None, "usage": None}
    for event in reply.events:
        whole["usage"] = event.get("usage") or whole["usage"]
        for choice in event["choices"]:
            whole["finish"] = choice["finish_reason"] or whole["finish"]
            _add(whole, choice["delta"])
    return whole


def _add(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "reasoning_content"):
        if delta.get(name):
            whole[name] = (whole.get(name) or "") + delta[name]
    for call in delta.get("tool_calls") or ():
        calls = whole.setdefault("tool_calls", [])
        if call["index"] == len(calls):
            calls.append({"id": call["id"], "type": "function", "function": {"name": "", "arguments": ""}})
        for name, piece in call["function"].items():
            calls[call["index"]]["function"][name] += piece
    for detail in delta.get("reasoning_details") or ():
        _merge(whole.setdefault("reasoning_details", []), detail)
    whole.setdefault("annotations", []).extend(delta.get("annotations") or ())


def _merge(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    known = next((detail for detail in details if detail["index"] == piece["index"]), None)
    if known is None:
        details.append(dict(piece))
        return
    for name, value in piece.items():
        known[name] = known.get(name, "") + value if name in ("text", "signature", "data") else value


@BOTH
async def test_an_answer_is_a_completion(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        reply = await pool.ask(stream=stream, stream_options={"include_usage": True} if stream else None)
        answer = folded(reply)
        sent = pool.first.requests[0]
    assert (answer["content"], answer["finish"]) == ("Hello! How can I help you today?", "stop")
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (25, 15)
    assert sent.path == "/v1/messages"
    assert sent.json["model"] == "claude-sonnet-4-5-20250929"
    assert sent.json["max_tokens"] > 4_000, "Anthropic wants a limit, which the client did not give"
    assert sent.json["messages"] == [{"role": "user", "content": "Hello!"}]
    assert sent.headers["anthropic-version"] == "2023-06-01", "where sampling is still a part of the protocol"
    assert sent.headers["x-api-key"] == pool.upstreams[0].credential


async def test_usage_is_told_in_a_stream_only_where_it_is_asked_for(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        assert all("usage" not in event or event["usage"] is None for event in (await pool.ask(stream=True)).events)


async def test_what_a_request_says_reaches_the_provider(world: World, gateway: GatewayProcess) -> None:
    picture = "data:image/png;base64,aGVsbG8="
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image_url", "image_url": {"url": picture}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
        ]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ankara"}'}},
            {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": ""}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
    ]  # fmt: skip
    async with pooled(world, gateway, **CLAUDE) as pool:
        reply = await pool.ask(
            messages=messages, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, stop=["END"],
            temperature=0.5, max_completion_tokens=99, user="user-1", seed=7, timeout=30,
        )  # fmt: skip
        assert reply.status == 200, reply.body
        sent = pool.first.requests[0].json
    assert reply.headers["x-havuz-dropped"] == "seed"
    assert sent["system"] == "Be brief."
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "title": "a.pdf",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
    ]  # fmt: skip
    assert [(block["id"], block["input"]) for block in sent["messages"][1]["content"]] == [
        ("call_1", {"city": "Ankara"}), ("call_2", {}),
    ]  # fmt: skip
    assert [block["tool_use_id"] for block in sent["messages"][2]["content"]] == ["call_1", "call_2"]
    assert [tool["name"] for tool in sent["tools"]] == ["weather", "time"]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert (sent["stop_sequences"], sent["temperature"], sent["max_tokens"]) == (["END"], 0.5, 99)
    assert sent["metadata"] == {"user_id": "user-1"}
    assert "timeout" not in sent


@BOTH
async def test_parallel_calls_come_back(world: World, gateway: GatewayProcess, stream: bool) -> None:
    calls = tool_use("weather", city="Ankara"), tool_use("time")
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Message(({"type": "text", "text": "I ask."}, *calls)))
        answer = folded(await pool.ask(stream=stream, tools=TOOLS))
    assert (answer["content"], answer["finish"]) == ("I ask.", "tool_calls")
    assert [(call["id"], call["function"]["name"]) for call in answer["tool_calls"]] == [
        (call["id"], call["name"]) for call in calls
    ]
    assert [json.loads(call["function"]["arguments"]) for call in answer["tool_calls"]] == [{"city": "Ankara"}, {}]


@BOTH
async def test_signed_thinking_lives_through_a_tool_loop(world: World, gateway: GatewayProcess, stream: bool) -> None:
    call = tool_use("weather", city="Ankara")
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Message((THINKING, REDACTED, call)))
        answer = folded(await pool.ask(stream=stream, tools=TOOLS, reasoning_effort="medium"))
        assert answer["reasoning_content"] == THINKING["thinking"]
        kept = {name: answer[name] for name in ("content", "reasoning_content", "reasoning_details", "tool_calls")}
        turns = [
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", **kept},
            {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
        ]
        assert (await pool.ask(messages=turns, tools=TOOLS, reasoning_effort="medium")).status == 200
        first, second = pool.first.requests
    assert first.json["thinking"]["type"] == "enabled"
    assert first.json["thinking"]["budget_tokens"] < first.json["max_tokens"]
    assert second.json["messages"][1]["content"] == [THINKING, REDACTED, call]
    assert THINKING["signature"] == SIGNATURE
    for request in (first, second):
        assert request.headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"


STOPS = [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "stop"), ("refusal", "content_filter")]


@BOTH
@pytest.mark.parametrize(("reason", "finish"), STOPS)
async def test_finish_reasons(world: World, gateway: GatewayProcess, reason: str, finish: str, stream: bool) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(
            MessageStream(message=message(stop_reason=reason)) if stream else Json(body=message(stop_reason=reason))
        )
        assert folded(await pool.ask(stream=stream))["finish"] == finish


@BOTH
async def test_structured_output_comes_back_as_text(world: World, gateway: GatewayProcess, stream: bool) -> None:
    """By the provider's own means, and on models without them by a tool that is forced and not shown."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    for model, own in (("claude-sonnet-4-5", True), ("claude-3-5-haiku-latest", False)):
        async with pooled(world, gateway, **CLAUDE | {"first_target": {"model": model}}) as pool:
            text = {"type": "text", "text": '{"a":1}'}
            pool.first.script(Message((text if own else tool_use("json_answer", a=1),)))
            answer = folded(await pool.ask(stream=stream, response_format=wanted))
            sent = pool.first.requests[0].json
        assert (json.loads(answer["content"]), answer["finish"]) == ({"a": 1}, "stop")
        assert not answer.get("tool_calls")
        assert ("output_config" in sent, "tools" in sent) == (own, not own)


@BOTH
async def test_citations_come_back(world: World, gateway: GatewayProcess, stream: bool) -> None:
    cited = {"type": "web_search_result_location", "url": "https://example.com/a", "title": "A", "cited_text": "a",
             "encrypted_index": "Eo8"}  # fmt: skip
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Message(({"type": "text", "text": "So it is.", "citations": [cited]},)))
        answer = folded(await pool.ask(stream=stream))
    [note] = answer["annotations"]
    assert (note["type"], note["url_citation"]["url"]) == ("url_citation", "https://example.com/a")


@BOTH
async def test_the_cache_is_in_the_usage_and_in_the_bill(world: World, gateway: GatewayProcess, stream: bool) -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30, "output_tokens": 5}
    price = Price(unit="USD", input=10**9, cached_input=10**8, cache_write=1_250_000_000, output=5 * 10**9)
    for path, body in (
        ("/v1/chat/completions", {"stream_options": {"include_usage": True}} if stream else {}),
        ("/v1/messages", {}),
    ):
        async with paying(world, gateway, prices=(price,), upstream={"provider": "anthropic"}) as customer:
            customer.provider.script(Message(usage=usage))
            asked = {"model": customer.route.model, "max_tokens": 20, "stream": stream,
                     "messages": [{"role": "user", "content": "Hello!"}], **body}  # fmt: skip
            reply = await customer.caller.post(path, asked)
            assert reply.status == 200, reply.body
            [event] = await customer.closed(1)
        counted = event["input"], event["cache_read"], event["cache_write"], event["output"]
        assert counted == (100, 60, 30, 5), "input includes what was read from and written to the cache"
        assert int(event["cost"]) == 10 * 1_000 + 60 * 100 + 30 * 1_250 + 5 * 5_000
        if path == "/v1/chat/completions":
            told = folded(reply)["usage"]
            assert (told["prompt_tokens"], told["prompt_tokens_details"]["cached_tokens"]) == (100, 60)


@BOTH
@pytest.mark.parametrize(
    "fault", [message_error(529, "overloaded_error"), RawEvents(error_event())], ids=["529", "200"]
)
async def test_the_next_key_answers(world: World, gateway: GatewayProcess, fault: Any, stream: bool) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(fault)
        assert said(await pool.ask(stream=stream)) == "Hello! How can I help you today?"
        assert pool.asked == (1, 1)


async def test_a_ping_is_no_content(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(first_token=5, idle=0.3), **CLAUDE) as pool:
        pool.first.script(Hang(3, stream=MessageStream()))
        assert said(await pool.ask(stream=True)) == "Hello! How can I help you today?"
        assert pool.asked == (1, 1)


async def test_a_refusal_of_the_request_is_told_in_openais_form(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(message_error(400, "invalid_request_error", "messages.0.content: too odd"))
        reply = await pool.ask()
    assert (reply.status, reply.error["message"]) == (400, "messages.0.content: too odd")
    assert reply.error["type"] == "invalid_request_error"


BROKEN = [
    pytest.param(CutStream(5, stream=MessageStream()), id="cut"),
    pytest.param(CutStream(5, mid_event=False, stream=MessageStream()), id="cut between events"),
    pytest.param(
        RawEvents(b"".join(written(event) for event in list(message_events(message()))[:5]) + error_event()),
        id="an error",
    ),
]


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_has_no_clean_end(world: World, gateway: GatewayProcess, fault: Any) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(fault)
        reply = await pool.ask(stream=True)
        *before, last, rest = reply.body.decode().split("\n\n")
        assert rest == ""
        assert set(json.loads(last.removeprefix("data: "))) == {"error"}
        assert any('"content":"Hello' in event for event in before)
        assert b"[DONE]" not in reply.body
        assert pool.asked == (1, 0)
