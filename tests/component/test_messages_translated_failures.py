"""Messages to providers of other protocols: what can't be said, what fails, and where the request goes then."""

import json
from typing import Any

import pytest

from harness.fake_provider import CutStream, RawEvents, Stream, error
from harness.gateway import GatewayProcess
from harness.messages_calls import ask, folded
from harness.pooled import pooled
from harness.world import World
from havuz_contract.snapshot.models import Limits

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])


async def test_what_is_only_a_hint_is_named(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        reply = await ask(pool, context_management={"edits": []}, container="c1")
        assert reply.status == 200
        assert "container" in reply.headers["x-havuz-dropped"]


async def test_what_a_provider_can_not_be_told_goes_to_one_that_can(world: World, gateway: GatewayProcess) -> None:
    own = [{"type": "bash_20250124", "name": "bash"}]
    async with pooled(world, gateway, second_fields={"provider": "anthropic"}) as pool:
        reply = await ask(pool, tools=own)
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "1")
        assert pool.asked == (0, 1)
        assert pool.second.requests[0].json["tools"] == own
        assert pool.second.requests[0].headers["anthropic-beta"] == "context-1m-2025-08-07"
    async with pooled(world, gateway) as pool:
        reply = await ask(pool, tools=own)
        assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
        assert "tools[0]" in reply.json["error"]["message"]
        assert pool.asked == (0, 0)


async def test_a_cache_is_filled_by_a_provider_that_can_and_no_answer_asked_for_elsewhere(
    world: World, gateway: GatewayProcess
) -> None:
    limits = {"limits": Limits(max_tokens_per_request=50)}
    async with pooled(world, gateway, second_fields={"provider": "anthropic"}, project=limits) as pool:
        assert (await ask(pool, max_tokens=0)).status == 200
        assert pool.asked == (0, 1)
        assert pool.second.requests[0].json["max_tokens"] == 0
        assert (await ask(pool, max_tokens=51)).status == 400


@BOTH
async def test_a_failing_provider_is_followed_by_one_of_another_protocol(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway, second_fields={"provider": "anthropic"}) as pool:
        pool.first.script(error(500, kind="server_error"))
        message = folded(await ask(pool, stream=stream))
        assert message["content"][0]["text"] == "Hello! How can I help you today?"
        assert pool.asked == (1, 1)
        assert pool.second.requests[0].json["messages"] == [{"role": "user", "content": "Hello!"}]


async def test_a_refusal_of_the_request_is_told_in_anthropics_form(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(400, "Unsupported value", param="temperature", code="unsupported_value"))
        reply = await ask(pool)
    assert reply.status == 400
    assert reply.json == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "Unsupported value"},
        "request_id": reply.headers["request-id"],
    }


BROKEN = [
    pytest.param(CutStream(4), id="cut inside an event"),
    pytest.param(CutStream(4, reset=True), id="reset"),
    pytest.param(Stream(finish=False, done=False), id="no end"),
    pytest.param(RawEvents(b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"error":'
                           b'{"message":"overloaded","type":"server_error"}}\n\n'), id="an error"),
]  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_has_no_message_stop(world: World, gateway: GatewayProcess, fault: Any) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(fault)
        reply = await ask(pool, stream=True)
        *_, last, rest = reply.body.decode().split("\n\n")
        assert (reply.status, rest) == (200, "")
        name, data = last.split("\n")
        assert name == "event: error"
        assert json.loads(data.removeprefix("data: "))["type"] == "error"
        assert b"message_stop" not in reply.body
        assert reply.body.count(b"event: error") == 1
        assert pool.asked == (1, 0)


async def test_a_stream_without_content_moves_on(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(CutStream(1, mid_event=False))
        assert folded(await ask(pool, stream=True))["stop_reason"] == "end_turn"
        assert pool.asked == (1, 1)
