"""Messages to an Anthropic provider: bytes as they came, both ways, and every way in which the provider may fail."""

import json
from typing import Any

import pytest

from harness.caller import Reply
from harness.fake_provider import (
    CloseWithoutAnswer,
    CutBody,
    CutStream,
    DeadPort,
    GarbageBody,
    Hang,
    Json,
    Message,
    MessageStream,
    RawEvents,
    Reset,
    message_error,
)
from harness.fake_provider_answers import Answer
from harness.fake_provider_messages import THINKING, error_event, message, message_events, tool_use, written
from harness.gateway import GatewayProcess
from harness.pooled import Pooled, pooled
from harness.world import World
from havuz_contract.snapshot.models import Failover

CLAUDE = {"upstream_fields": {"provider": "anthropic"}}
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
START = written({"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 1}}})
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


async def ask(pool: Pooled, *, stream: bool = False, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    asked = {"model": pool.route.model, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello!"}]}
    body = {**asked, **({"stream": True} if stream else {}), **fields}
    return await pool.caller.send("POST", "/v1/messages", body, {"anthropic-version": "2023-06-01", **(headers or {})})


def events_of(reply: Reply) -> list[dict[str, Any]]:
    """The decoded events of a stream, each under its own name."""
    assert reply.headers["content-type"].startswith("text/event-stream"), reply.body
    *events, rest = reply.body.decode().split("\n\n")
    assert rest == ""
    pairs = [event.split("\n", 1) for event in events]
    decoded = [json.loads(data.removeprefix("data: ")) for _, data in pairs]
    assert [name.removeprefix("event: ") for name, _ in pairs] == [event["type"] for event in decoded]
    return decoded


def said(reply: Reply) -> str:
    if reply.headers["content-type"].startswith("application/json"):
        return "".join(block["text"] for block in reply.json["content"] if block["type"] == "text")
    return "".join(event["delta"].get("text", "") for event in events_of(reply) if "text" in event.get("delta", {}))


ODD = (
    '{ "model":"%s",\n "max_tokens" : 64, "messages":[{"role":"user","content":"\\u015f ç"}],'
    ' "x":[1e3, 1.0],"big":12345678901234567890, "tools":[{"type":"future_20300101","name":"f"}]%s}'
)


async def test_a_message_reaches_both_sides_as_it_came(world: World, gateway: GatewayProcess) -> None:
    answer = (
        b'{ "id":"msg_1","type":"message","content":[ {"type":"future","x":1.50} ],"new":1e2,'
        b'"usage":{"input_tokens":3,"output_tokens":1}}'
    )
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Json(body=answer))
        reply = await pool.caller.post("/v1/messages", (ODD % (pool.route.model, "")).encode())
        assert reply.body == answer
        received = pool.first.requests[0]
        assert received.body == (ODD % ("first-model", "")).encode()
        assert received.path == "/v1/messages"
        assert received.headers["x-api-key"] == pool.upstreams[0].credential
        assert "authorization" not in received.headers
        assert received.headers["anthropic-version"] == "2023-06-01", "one that the client did not name"


async def test_a_stream_reaches_both_sides_as_it_came(world: World, gateway: GatewayProcess) -> None:
    odd = (
        START + b": a comment\n\n" + PING
        + b'event: content_block_start\ndata: {"type": "content_block_start","index":0,'
        + b'"content_block":{"type":"text","text":""}  }\n\n'
        + b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        + b'"delta":{"type":"text_delta","text":"\\u0131 \\"error\\""}}\n\n'
        + b'event: future\ndata: {"type":"future","x":1.50}\n\n'
        + b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        + b'"usage":{"output_tokens":2}}\n\n'
        + b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )  # fmt: skip
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(RawEvents(odd, chunking=7))
        reply = await pool.caller.post("/v1/messages", (ODD % (pool.route.model, ',"stream":true')).encode())
        assert reply.body == odd
        assert pool.first.requests[0].body == (ODD % ("first-model", ',"stream":true')).encode()


async def test_the_clients_version_and_betas_reach_the_provider_and_no_other_header_does(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        headers = {
            "anthropic-version": "2026-10-21", "anthropic-beta": "interleaved-thinking-2025-05-14,context-1m",
            "x-stainless-lang": "python", "user-agent": "agent/1", "cookie": "a=b",
        }  # fmt: skip
        reply = await pool.caller.send(
            "POST", "/v1/messages?beta=true", {"model": pool.route.model, "max_tokens": 1, "messages": [{}]}, headers
        )
        assert reply.status == 200, reply.body
        received = pool.first.requests[0].headers
        assert received["anthropic-version"] == "2026-10-21"
        assert received["anthropic-beta"] == headers["anthropic-beta"]
        assert "x-stainless-lang" not in received
        assert "cookie" not in received
        assert received["user-agent"] == "havuz"


BEFORE_CONTENT = [
    pytest.param(Reset(), id="reset"),
    pytest.param(CloseWithoutAnswer(), id="closed without an answer"),
    pytest.param(GarbageBody(), id="HTML as JSON"),
    pytest.param(GarbageBody(b'{"type":"message"}'), id="JSON that is no message"),
    pytest.param(message_error(429, "rate_limit_error", headers={"retry-after": "7"}), id="429"),
    pytest.param(message_error(529, "overloaded_error", "Overloaded"), id="529"),
    pytest.param(message_error(500, "api_error"), id="500"),
    pytest.param(message_error(504, "timeout_error"), id="504"),
    pytest.param(message_error(401, "authentication_error", "invalid x-api-key"), id="401"),
    pytest.param(message_error(403, "permission_error"), id="403"),
    pytest.param(message_error(402, "billing_error"), id="402"),
    pytest.param(message_error(400, "invalid_request_error", "Your credit balance is too low"), id="no credit"),
    pytest.param(message_error(404, "not_found_error", "model: claude-x"), id="404"),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("fault", BEFORE_CONTENT)
async def test_the_next_key_answers(world: World, gateway: GatewayProcess, fault: Answer, stream: bool) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(fault)
        reply = await ask(pool, stream=stream)
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2"), reply.body
        assert said(reply) == "Hello! How can I help you today?"
        assert pool.second.requests[0].json["model"] == "second-model"


async def test_a_refused_connection_moves_on(world: World, gateway: GatewayProcess) -> None:
    with DeadPort() as dead:
        async with pooled(world, gateway, first_url=dead.base_url, **CLAUDE) as pool:
            assert said(await ask(pool, stream=True))


UNCOMMITTED = [
    pytest.param(RawEvents(error_event()), id="an error first"),
    pytest.param(RawEvents(START + PING + error_event()), id="an error after the start and a ping"),
    pytest.param(RawEvents(START + PING), id="an end after the start and a ping"),
    pytest.param(CutStream(3, stream=MessageStream()), id="a cut inside the first delta"),
    pytest.param(Json(body={"type": "error", "error": {"type": "overloaded_error", "message": "no"}}), id="JSON"),
]


@pytest.mark.parametrize("fault", UNCOMMITTED)
async def test_the_start_and_a_ping_are_no_content(world: World, gateway: GatewayProcess, fault: Answer) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(fault)
        reply = await ask(pool, stream=True)
        assert said(reply) == "Hello! How can I help you today?"
        assert reply.body.count(b"event: message_start") == 1
        assert pool.asked == (1, 1)


async def test_a_stream_that_hangs_after_a_ping_moves_on(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(first_token=5, idle=0.3), **CLAUDE) as pool:
        pool.first.script(Hang(3, stream=MessageStream()))
        assert said(await ask(pool, stream=True))
        assert pool.asked == (1, 1)


@BOTH
async def test_a_clients_own_mistake_is_told_in_the_providers_words(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    told = b'"type":"invalid_request_error","message":"max_tokens: 1 > 0","details":null'
    body = b'{ "type":"error","error":{' + told + b'},"request_id":"req_011" }'
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Json(400, body))
        reply = await ask(pool, stream=stream)
        assert (reply.status, reply.body) == (400, body)
        assert reply.headers["request-id"] == reply.headers["x-request-id"]
        assert pool.asked == (1, 0)


async def test_a_prompt_that_is_too_long_goes_to_a_larger_window(world: World, gateway: GatewayProcess) -> None:
    async with pooled(
        world, gateway, first_target={"context_window": 200_000}, second_target={"context_window": 1_000_000}, **CLAUDE
    ) as pool:
        pool.first.script(
            message_error(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum")
        )
        assert said(await ask(pool))
        assert pool.asked == (1, 1)


AFTER_CONTENT = [
    pytest.param(CutStream(5, mid_event=False, stream=MessageStream()), id="cut between events"),
    pytest.param(CutStream(5, stream=MessageStream()), id="cut inside an event"),
    pytest.param(CutStream(5, reset=True, stream=MessageStream()), id="reset"),
]


@pytest.mark.parametrize("fault", AFTER_CONTENT)
async def test_a_stream_that_breaks_after_content_ends_with_an_error_event(
    world: World, gateway: GatewayProcess, fault: Answer
) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(fault)
        reply = await ask(pool, stream=True)
        *before, last = events_of(reply)
        assert [event["type"] for event in before][:3] == ["message_start", "content_block_start", "ping"]
        assert (last["type"], last["error"]["type"]) == ("error", "api_error")
        assert "broke off" in last["error"]["message"]
        assert b"message_stop" not in reply.body
        assert pool.asked == (1, 0)


async def test_the_providers_own_error_event_is_the_end(world: World, gateway: GatewayProcess) -> None:
    whole = message()
    begun = b"".join(written(event) for event in list(message_events(whole))[:5])
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(RawEvents(begun + error_event() + written({"type": "message_stop"})))
        assert (await ask(pool, stream=True)).body == begun + error_event()
        assert pool.asked == (1, 0)


async def test_a_tool_call_and_thinking_are_content(world: World, gateway: GatewayProcess) -> None:
    content = (THINKING, tool_use("weather", city="Ankara"), tool_use("weather", city="İzmir"))
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(Message(content))
        events = events_of(await ask(pool, stream=True))
        assert [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"] == [
            "thinking", "tool_use", "tool_use",
        ]  # fmt: skip


async def test_a_json_answer_that_breaks_is_asked_for_elsewhere(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        pool.first.script(CutBody())
        assert said(await ask(pool))
        assert pool.asked == (1, 1)


async def test_nothing_usable_is_an_overload_with_a_time_to_come_back(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        for provider in (pool.first, pool.second):
            provider.always(message_error(529, "overloaded_error"))
        reply = await ask(pool)
        assert (reply.status, reply.json["error"]["type"]) == (503, "overloaded_error")
        assert int(reply.headers["retry-after"]) >= 1


async def test_rate_limits_alone_are_a_429(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **CLAUDE) as pool:
        for provider in (pool.first, pool.second):
            provider.always(message_error(429, "rate_limit_error", headers={"retry-after": "3"}))
        reply = await ask(pool)
        assert (reply.status, reply.json["error"]["type"]) == (429, "rate_limit_error")
        assert int(reply.headers["retry-after"]) in (2, 3)


async def test_a_slow_first_content_is_bridged_and_its_failure_told_by_an_event(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1), **CLAUDE) as pool:
        pool.first.script(
            Json(529, {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, delay=0.3)
        )
        pool.second.script(message_error(500, "api_error"))
        reply = await ask(pool, stream=True)
        comment, told, rest = reply.body.decode().rsplit("\n\n", 2)
        assert (reply.status, rest) == (200, "")
        assert comment.startswith(": keepalive")
        name, data = told.split("\n")
        assert name == "event: error"
        error = json.loads(data.removeprefix("data: "))
        assert (error["type"], error["error"]["type"]) == ("error", "overloaded_error")
        assert error["request_id"] == reply.headers["request-id"]
