"""The official Anthropic SDK for Python: the same conversation over Anthropic, over an OpenAI-compatible server, and
with a test key."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.fake_provider import FakeProvider, Json, Message, RawEvents, error, message_error
from harness.fake_provider_answers import Scripted
from harness.fake_provider_messages import THINKING, tool_use
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.world import World

Kind = Literal["anthropic", "openai-compatible", "test key"]
KINDS: tuple[Kind, ...] = ("anthropic", "openai-compatible", "test key")
REAL = pytest.mark.parametrize("kind", KINDS[:2])
EVERY = pytest.mark.parametrize("kind", KINDS)
WEATHER: ToolParam = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
THINK: Any = {"type": "enabled", "budget_tokens": 2_000}


@dataclass(frozen=True)
class Talk:
    """A client, the model it asks, and who answers."""

    client: anthropic.AsyncAnthropic
    model: str
    provider: FakeProvider
    kind: Kind

    def script(self, native: Scripted, compatible: Scripted) -> None:
        """The next answer, in the language of whoever is asked; a test key answers by itself."""
        self.provider.script(native if self.kind == "anthropic" else compatible)


@asynccontextmanager
async def talk(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> AsyncIterator[Talk]:
    upstream = make_upstream(provider.base_url, provider="anthropic" if kind == "anthropic" else "openai-compatible")
    route, customer = make_route(make_target(upstream, model="claude-sonnet-4-5")), make_project()
    await world.apply(upstream, route, customer)
    key = customer.test if kind == "test key" else customer.live
    async with anthropic.AsyncAnthropic(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
        yield Talk(client, route.model, provider, kind)


def user(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


def chat_stream(*deltas: dict[str, Any], finish: str) -> RawEvents:
    """A stream of Chat Completions."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append({**head, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
    return RawEvents(("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n").encode())


def chat_call(stream: bool) -> Scripted:
    """An OpenAI-compatible server's call of the tool, with its reasoning."""
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ankara"}'}}
    said = {"role": "assistant", "content": None, "reasoning_content": "I have a tool."}
    if stream:
        return chat_stream(said, {"tool_calls": [{"index": 0, **call}]}, finish="tool_calls")
    choice = {"index": 0, "message": {**said, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    return Json(body={"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                      "usage": usage})  # fmt: skip


@EVERY
async def test_the_sdk_gets_a_message(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind
) -> None:
    async with talk(world, gateway, provider, kind) as to:
        answer = await to.client.messages.create(model=to.model, max_tokens=100, messages=user("Hello!"))
    assert answer.content[0].type == "text"
    assert "Hello!" in answer.content[0].text
    assert (answer.role, answer.stop_reason) == ("assistant", "end_turn")
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")


@EVERY
async def test_the_sdk_streams_text(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> None:
    async with talk(world, gateway, provider, kind) as to:
        pieces = []
        async with to.client.messages.stream(model=to.model, max_tokens=100, messages=user("Hello!")) as stream:
            async for piece in stream.text_stream:
                pieces.append(piece)
            final = await stream.get_final_message()
    assert len(pieces) > 1
    assert final.content[0].type == "text"
    assert "".join(pieces) == final.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


@EVERY
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_tool_loop_with_thinking(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind, stream: bool
) -> None:
    asked: dict[str, Any] = {"max_tokens": 4_000, "tools": [WEATHER], "thinking": THINK}
    async with talk(world, gateway, provider, kind) as to:
        turns = user("What is the weather in Ankara?")
        to.script(Message((THINKING, tool_use("weather", city="Ankara"))), chat_call(stream))
        answer = await _final(to, stream, messages=turns, **asked)
        assert answer.stop_reason == "tool_use"
        call = answer.content[-1]
        assert call.type == "tool_use"
        assert call.name == "weather"
        assert "city" in call.input
        thoughts = [block.thinking for block in answer.content if block.type == "thinking"]
        assert bool(thoughts) == (kind != "test key")
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
        turns += [answer.to_param(), {"role": "user", "content": [result]}]
        last = await _final(to, stream, messages=turns, **asked)
    assert last.content[-1].type == "text"
    if kind == "anthropic":
        assert provider.requests[1].json["messages"][1]["content"][0] == THINKING
    elif kind == "openai-compatible":
        assert provider.requests[1].json["messages"][1]["reasoning_content"] == "I have a tool."


async def _final(to: Talk, stream: bool, **asked: Any) -> anthropic.types.Message:
    if not stream:
        return await to.client.messages.create(model=to.model, **asked)
    async with to.client.messages.stream(model=to.model, **asked) as events:
        return await events.get_final_message()


@EVERY
async def test_the_sdk_counts_tokens(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> None:
    async with talk(world, gateway, provider, kind) as to:
        raw = await to.client.messages.with_raw_response.count_tokens(model=to.model, messages=user("Hello!"))
    assert (await raw.parse()).input_tokens > 0
    assert ("x-havuz-estimated" in raw.headers) == (kind != "anthropic")


async def test_the_sdk_lists_models_page_by_page(world: World, gateway: GatewayProcess) -> None:
    upstream, customer = make_upstream(), make_project()
    routes = [make_route(upstream, model=f"claude-{letter}", created=1_700_000_000) for letter in "abc"]
    await world.apply(upstream, *routes, customer)
    async with anthropic.AsyncAnthropic(base_url=gateway.base_url, api_key=customer.live) as client:
        models = [model async for model in client.models.list(limit=2)]
        assert [model.id for model in models] == ["claude-a", "claude-b", "claude-c"]
        assert models[0].created_at.year == 2023
        assert (await client.models.retrieve("claude-b")).display_name == "claude-b"
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("claude-z")


async def test_the_sdk_raises_by_status(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, closed = make_route(upstream), make_route(upstream)
    customer, poor = make_project(deny=(closed.model,)), make_project(billing=prepaid(0))
    await world.apply(upstream, route, closed, customer, poor)

    async def raised(key: str, model: str, **fields: Any) -> anthropic.APIStatusError:
        async with anthropic.AsyncAnthropic(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
            asked = {"max_tokens": 9, "messages": user("x"), **fields}
            with pytest.raises(anthropic.APIStatusError) as told:
                await client.messages.create(model=model, **asked)
        assert told.value.request_id is not None
        return told.value

    errors = {
        "invalid_request_error": (anthropic.BadRequestError, await raised(customer.live, route.model, messages=[])),
        "authentication_error": (anthropic.AuthenticationError, await raised("wrong", route.model)),
        "permission_error": (anthropic.PermissionDeniedError, await raised(customer.live, closed.model)),
        "not_found_error": (anthropic.NotFoundError, await raised(customer.live, "nobody")),
        "billing_error": (anthropic.PermissionDeniedError, await raised(poor.live, route.model)),
    }
    for name, (kind, told) in errors.items():
        assert isinstance(told, kind), (name, told)
        assert told.type == name


FAILURES = [
    (429, "rate_limit_error", anthropic.RateLimitError),
    (529, "overloaded_error", anthropic.ServiceUnavailableError),
    (400, "invalid_request_error", anthropic.BadRequestError),
]


@REAL
@pytest.mark.parametrize(("status", "name", "raises"), FAILURES)
async def test_a_providers_failure_raises(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind, status: int, name: str,
    raises: type[anthropic.APIStatusError],
) -> None:  # fmt: skip
    async with talk(world, gateway, provider, kind) as to:
        to.script(message_error(status, name, "no"), error(status, "no", kind="server_error"))
        with pytest.raises(raises) as told:
            await to.client.messages.create(model=to.model, max_tokens=9, messages=user("x"))
    assert told.value.type == name


async def test_a_broken_stream_raises_in_the_sdk(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    seen: list[str] = []
    async with talk(world, gateway, provider, "test key") as to:
        with pytest.raises(anthropic.APIStatusError) as told:
            await _stream_into(seen, to)
    assert "".join(seen)
    assert told.value.type == "api_error"


async def _stream_into(seen: list[str], to: Talk) -> None:
    asked = user("havuz:stream-break")
    async with to.client.messages.stream(model=to.model, max_tokens=100, messages=asked) as stream:
        async for piece in stream.text_stream:
            seen.append(piece)
