"""Messages answered by an OpenAI-compatible provider: nothing lost on the way there, nor on the way back."""

import json
from typing import Any

import pytest

from harness.fake_provider import Json, RawEvents
from harness.fake_provider_bodies import chat_completion
from harness.gateway import GatewayProcess
from harness.messages_calls import ask, folded
from harness.paying import paying
from harness.pooled import pooled
from harness.world import World

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
PICTURE = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
TOOLS = [
    {"name": "weather", "description": "It tells.", "input_schema": {"type": "object", "properties": {"city": {}}}},
    {"name": "time", "input_schema": {"type": "object", "properties": {}}},
]
CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ankara"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
]


def completion(message: dict[str, Any], finish: str = "stop", **usage: Any) -> dict[str, Any]:
    whole = chat_completion({"model": "served"})
    whole["choices"][0] |= {"message": {"role": "assistant", **message}, "finish_reason": finish}
    whole["usage"] |= usage
    return whole


def streamed(*deltas: dict[str, Any], finish: str = "stop", usage: dict[str, Any] | None = None) -> RawEvents:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    chunks: list[dict[str, Any]] = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append({**head, "choices": [], "usage": usage or {"prompt_tokens": 9, "completion_tokens": 3}})
    written = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return RawEvents(written.encode(), chunking=11)


@BOTH
async def test_an_answer_is_a_message(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with pooled(world, gateway) as pool:
        reply = await ask(pool, stream=stream)
        message = folded(reply)
        sent = pool.first.requests[0]
    assert message["content"] == [{"type": "text", "text": "Hello! How can I help you today?"}]
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", "end_turn")
    assert message["model"] == pool.route.model
    assert message["id"].startswith("msg_")
    assert message["usage"]["output_tokens"] == 9
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert sent.path == "/v1/chat/completions"
    assert sent.json["model"] == "first-model"
    assert (sent.json["max_tokens"], sent.json["messages"]) == (64, [{"role": "user", "content": "Hello!"}])
    assert not [name for name in sent.headers if name.startswith("anthropic")], "betas are between Anthropic's"


async def test_what_a_request_says_reaches_the_provider(world: World, gateway: GatewayProcess) -> None:
    turns = [
        {"role": "user", "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image", "source": PICTURE},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "document", "title": "a.pdf",
             "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        ]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I ask."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ankara"}},
            {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                {"type": "text", "text": "Sunny"}, {"type": "image", "source": PICTURE},
            ]},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "noon", "is_error": True},
            {"type": "text", "text": "Go on."},
        ]},
    ]  # fmt: skip
    async with pooled(world, gateway) as pool:
        reply = await ask(
            pool, messages=turns, tools=TOOLS, tool_choice={"type": "tool", "name": "time"}, temperature=0.5, top_k=5,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            stop_sequences=["END"], metadata={"user_id": "user-1"},
        )  # fmt: skip
        assert reply.status == 200, reply.body
        sent = pool.first.requests[0].json
    system, first, called, sunny, noon, *after = sent["messages"]
    roles = [message["role"] for message in sent["messages"]]
    assert roles[:5] == ["system", "user", "assistant", "tool", "tool"]
    assert set(roles[5:]) == {"user"}
    assert system["content"] in ("Be brief.", [{"type": "text", "text": "Be brief."}])
    assert [part["type"] for part in first["content"]] == ["text", "image_url", "image_url", "file"]
    assert first["content"][1]["image_url"]["url"] == "data:image/png;base64,aGVsbG8="
    assert first["content"][2]["image_url"]["url"] == "https://example.com/a.png"
    assert called["content"] == "I ask."
    assert [(call["id"], call["function"]["name"]) for call in called["tool_calls"]] == [
        ("toolu_1", "weather"), ("toolu_2", "time"),
    ]  # fmt: skip
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"city": "Ankara"}
    assert (sunny["tool_call_id"], noon["tool_call_id"]) == ("toolu_1", "toolu_2")
    assert "Sunny" in json.dumps(sunny)
    assert "aGVsbG8=" in json.dumps(after), "a picture in a result goes where the protocol takes one"
    assert "Go on." in json.dumps(after[-1])
    assert sent["tools"][0]["function"]["parameters"] == TOOLS[0]["input_schema"]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "time"}}
    assert (sent["stop"], sent["temperature"], sent["top_k"], sent["user"]) == (["END"], 0.5, 5, "user-1")


@BOTH
async def test_parallel_calls_come_back(world: World, gateway: GatewayProcess, stream: bool) -> None:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "I ask."}]
    for index, call in enumerate(CALLS):
        function: Any = call["function"]
        deltas.append(
            {"tool_calls": [{"index": index, **call, "function": {"name": function["name"], "arguments": ""}}]}
        )
        for piece in function["arguments"]:
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    async with pooled(world, gateway) as pool:
        whole = Json(body=completion({"content": "I ask.", "tool_calls": CALLS}, "tool_calls"))
        pool.first.script(streamed(*deltas, finish="tool_calls") if stream else whole)
        message = folded(await ask(pool, stream=stream, tools=TOOLS))
    assert message["stop_reason"] == "tool_use"
    assert message["content"] == [
        {"type": "text", "text": "I ask."},
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Ankara"}},
        {"type": "tool_use", "id": "call_2", "name": "time", "input": {}},
    ]


@BOTH
async def test_thinking_lives_through_a_tool_loop(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with pooled(world, gateway) as pool:
        called = {"content": None, "reasoning_content": "I need the weather.", "tool_calls": CALLS[:1]}
        deltas = [
            {"role": "assistant", "reasoning_content": "I need "}, {"reasoning_content": "the weather."},
            {"tool_calls": [{"index": 0, **CALLS[0]}]},
        ]  # fmt: skip
        pool.first.script(
            streamed(*deltas, finish="tool_calls") if stream else Json(body=completion(called, "tool_calls"))
        )
        asked = {"tools": TOOLS, "thinking": {"type": "enabled", "budget_tokens": 10_000}, "max_tokens": 16_000}
        message = folded(await ask(pool, stream=stream, **asked))
        assert [block["type"] for block in message["content"]] == ["thinking", "tool_use"]
        assert message["content"][0]["thinking"] == "I need the weather."
        turns = [
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", "content": message["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}]},
        ]
        assert (await ask(pool, messages=turns, **asked)).status == 200
        first, second = (request.json for request in pool.first.requests)
    assert first["reasoning_effort"] == "medium"
    assert second["messages"][1]["reasoning_content"] == "I need the weather."
    assert second["messages"][1]["tool_calls"] == CALLS[:1]
    assert second["messages"][2] == {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}


STOPS = [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "tool_use")]


@BOTH
@pytest.mark.parametrize(("finish", "reason"), STOPS)
async def test_stop_reasons(world: World, gateway: GatewayProcess, finish: str, reason: str, stream: bool) -> None:
    async with pooled(world, gateway) as pool:
        said = {"role": "assistant", "content": "Hi", "tool_calls": [{"index": 0, **CALLS[0]}]}
        text = {"role": "assistant", "content": "Hi"}
        delta = said if finish == "tool_calls" else text
        pool.first.script(streamed(delta, finish=finish) if stream else Json(body=completion(delta, finish)))
        assert folded(await ask(pool, stream=stream))["stop_reason"] == reason


@BOTH
async def test_structured_output_is_asked_for(world: World, gateway: GatewayProcess, stream: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    async with pooled(world, gateway) as pool:
        wanted = {"format": {"type": "json_schema", "schema": schema}}
        assert folded(await ask(pool, stream=stream, output_config=wanted))["content"]
        sent = pool.first.requests[0].json["response_format"]
    assert (sent["type"], sent["json_schema"]["schema"]) == ("json_schema", schema)


@BOTH
async def test_the_cache_is_in_the_usage_and_in_the_bill(world: World, gateway: GatewayProcess, stream: bool) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
    async with paying(world, gateway) as customer:
        customer.provider.script(
            streamed({"content": "Hi"}, usage=usage) if stream else Json(body=completion({"content": "Hi"}, **usage))
        )
        body = {"model": customer.route.model, "max_tokens": 20, "stream": stream,
                "messages": [{"role": "user", "content": "Hello!"}]}  # fmt: skip
        message = folded(await customer.caller.post("/v1/messages", body))
        [event] = await customer.closed(1)
    counted = {name: message["usage"][name] for name in ("input_tokens", "cache_read_input_tokens", "output_tokens")}
    assert counted == {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 10}
    assert (event["input"], event["cache_read"], event["output"]) == (100, 60, 10)
    assert int(event["cost"]) == 40 * 1_000 + 60 * 500 + 10 * 2_000
