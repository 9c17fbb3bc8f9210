"""The official Google SDK for Python: the same conversation over Gemini, an OpenAI-compatible server and Anthropic, and
with a test key."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from google import genai
from google.genai import errors, types

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.fake_provider import FakeProvider, Generated, Json, Message, RawEvents, error, google_error, message_error
from harness.fake_provider_answers import Scripted
from harness.fake_provider_gemini import SIGNATURE, THOUGHT, call, error_body
from harness.fake_provider_messages import THINKING, tool_use
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.world import World

Kind = Literal["gemini", "openai-compatible", "anthropic", "test key"]
KINDS: tuple[Kind, ...] = ("gemini", "openai-compatible", "anthropic", "test key")
EVERY = pytest.mark.parametrize("kind", KINDS)
REAL = pytest.mark.parametrize("kind", KINDS[:3])
MODELS = {"gemini": "gemini-2.5-flash", "anthropic": "claude-sonnet-4-5"}
# the SDK derives from aiohttp's session, which aiohttp warns of
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
QUESTION = "What is the weather in Ankara?"


@dataclass(frozen=True)
class Talk:
    """A client, the model it asks, and who answers."""

    client: genai.Client
    model: str
    provider: FakeProvider
    kind: Kind

    def script(self, **answers: Scripted) -> None:
        """The next answer, in the language of whoever is asked; a test key answers by itself."""
        if self.kind != "test key":
            self.provider.script(answers[self.kind.partition("-")[0]])


def google(gateway: GatewayProcess, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=gateway.base_url, retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key=key, http_options=options)


@asynccontextmanager
async def talk(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> AsyncIterator[Talk]:
    name = "openai-compatible" if kind == "test key" else kind
    upstream = make_upstream(provider.base_url, provider=name)
    route = make_route(make_target(upstream, model=MODELS.get(kind, "upstream-model")))
    customer = make_project()
    await world.apply(upstream, route, customer)
    client = google(gateway, customer.test if kind == "test key" else customer.live)
    try:
        yield Talk(client, route.model, provider, kind)
    finally:
        await client.aio.aclose()


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def chat_call() -> Json:
    """An OpenAI-compatible server's call of the tool, with its reasoning."""
    called = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ankara"}'}}
    said = {"role": "assistant", "content": None, "reasoning_content": "I have a tool.", "tool_calls": [called]}
    return Json(body={
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    })  # fmt: skip


@EVERY
async def test_the_sdk_gets_content(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> None:
    async with talk(world, gateway, provider, kind) as to:
        config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.5, max_output_tokens=100)
        answer = await to.client.aio.models.generate_content(model=to.model, contents="Hello!", config=config)
    assert answer.text is not None
    assert "Hello!" in answer.text
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.prompt_token_count or 0) > 0
    assert (answer.usage_metadata.candidates_token_count or 0) > 0
    assert answer.response_id


@EVERY
async def test_the_sdk_streams_content(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind
) -> None:
    async with talk(world, gateway, provider, kind) as to:
        stream = await to.client.aio.models.generate_content_stream(model=to.model, contents="Hello!")
        chunks = [chunk async for chunk in stream]
    assert len(chunks) > 1
    assert "Hello!" in "".join(chunk.text or "" for chunk in chunks)
    last = chunks[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert (last.usage_metadata.total_token_count or 0) > 0


@REAL
async def test_the_sdk_calls_a_function_by_itself(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind
) -> None:
    config = types.GenerateContentConfig(
        tools=[weather], thinking_config=types.ThinkingConfig(thinking_budget=2_000, include_thoughts=True),
        max_output_tokens=4_000,
    )  # fmt: skip
    async with talk(world, gateway, provider, kind) as to:
        chat = to.client.aio.chats.create(model=to.model, config=config)
        to.script(
            gemini=Generated((THOUGHT, call("weather", signature=SIGNATURE, city="Ankara"))),
            openai=chat_call(),
            anthropic=Message((THINKING, tool_use("weather", city="Ankara"))),
        )
        answer = await chat.send_message(QUESTION)
        assert answer.text is not None
        assert answer.text.startswith("Hello!")
        asked, last = provider.requests[0], provider.requests[1].json
        again = await chat.send_message("And tomorrow?")
        assert again.text
        assert len(provider.requests) == 3
    assert "The weather in a city." in asked.body.decode()
    told = json.dumps(last)
    assert "sunny in Ankara" in told
    seals = {"gemini": SIGNATURE, "openai-compatible": "I have a tool.", "anthropic": THINKING["signature"]}
    assert seals[kind] in told, "thinking reaches its provider again"


@EVERY
async def test_the_sdk_counts_tokens(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind) -> None:
    async with talk(world, gateway, provider, kind) as to:
        counted = await to.client.aio.models.count_tokens(model=to.model, contents=QUESTION)
    assert (counted.total_tokens or 0) > 0
    assert len(provider.requests) == (kind in ("gemini", "anthropic"))


@pytest.mark.parametrize("kind", ["gemini", "openai-compatible", "test key"])
async def test_the_sdk_gets_embeddings(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind
) -> None:
    config = types.EmbedContentConfig(output_dimensionality=16)
    async with talk(world, gateway, provider, kind) as to:
        answer = await to.client.aio.models.embed_content(model=to.model, contents=["one", "two"], config=config)
    assert answer.embeddings is not None
    assert [len(one.values or ()) for one in answer.embeddings] == [16, 16]


async def test_the_sdk_lists_models_page_by_page(world: World, gateway: GatewayProcess) -> None:
    upstream, customer = make_upstream(), make_project()
    await world.apply(upstream, *(make_route(upstream, model=f"gemini-{letter}") for letter in "abc"), customer)
    client = google(gateway, customer.live)
    try:
        models = [model async for model in await client.aio.models.list(config={"page_size": 2})]
        assert [model.name for model in models] == ["models/gemini-a", "models/gemini-b", "models/gemini-c"]
        one = await client.aio.models.get(model="gemini-b")
        assert (one.name, one.display_name) == ("models/gemini-b", "gemini-b")
        assert "generateContent" in (one.supported_actions or [])
        with pytest.raises(errors.ClientError) as told:
            await client.aio.models.get(model="gemini-z")
        assert (told.value.code, told.value.status) == (404, "NOT_FOUND")
    finally:
        await client.aio.aclose()


async def test_the_sdk_raises_by_code(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, closed = make_route(upstream), make_route(upstream)
    customer, poor = make_project(deny=(closed.model,)), make_project(billing=prepaid(0))
    await world.apply(upstream, route, closed, customer, poor)

    async def raised(key: str, model: str, contents: Any = "x") -> tuple[int, str | None]:
        client = google(gateway, key)
        try:
            with pytest.raises(errors.APIError) as told:
                await client.aio.models.generate_content(model=model, contents=contents)
        finally:
            await client.aio.aclose()
        assert told.value.message
        return told.value.code, told.value.status

    assert await raised("wrong", route.model) == (401, "UNAUTHENTICATED")
    assert await raised(customer.live, closed.model) == (403, "PERMISSION_DENIED")
    assert await raised(customer.live, "nobody") == (404, "NOT_FOUND")
    assert await raised(poor.live, route.model) == (402, "FAILED_PRECONDITION")
    assert await raised(customer.test, route.model, "havuz:error=429") == (429, "RESOURCE_EXHAUSTED")


FAILURES = [
    (429, "RESOURCE_EXHAUSTED", errors.ClientError),
    (503, "UNAVAILABLE", errors.ServerError),
    (400, "INVALID_ARGUMENT", errors.ClientError),
]


@REAL
@pytest.mark.parametrize(("status", "word", "raises"), FAILURES)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_providers_failure_raises(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind, status: int, word: str,
    raises: type[errors.APIError], stream: bool,
) -> None:  # fmt: skip
    names = {429: "rate_limit_error", 503: "overloaded_error", 400: "invalid_request_error"}
    async with talk(world, gateway, provider, kind) as to:
        to.script(
            gemini=google_error(status, word, "no"), openai=error(status, "no", kind="server_error"),
            anthropic=message_error(status, names[status], "no"),
        )  # fmt: skip
        with pytest.raises(raises) as told:
            await _ask(to, stream)
    assert (told.value.code, told.value.status) == (status, word)


async def _ask(to: Talk, stream: bool) -> None:
    if not stream:
        await to.client.aio.models.generate_content(model=to.model, contents="x")
        return
    async for _ in await to.client.aio.models.generate_content_stream(model=to.model, contents="x"):
        pass


@pytest.mark.parametrize("kind", ["gemini", "test key"])
async def test_a_broken_stream_raises_in_the_sdk(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: Kind
) -> None:
    chunk = {"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}, "index": 0}]}
    failed = error_body(503, "UNAVAILABLE", "overloaded")
    seen: list[str] = []
    async with talk(world, gateway, provider, kind) as to:
        to.script(gemini=RawEvents(b"".join(f"data: {json.dumps(one)}\r\n\r\n".encode() for one in (chunk, failed))))
        with pytest.raises(errors.ServerError):
            async for piece in await to.client.aio.models.generate_content_stream(
                model=to.model, contents="havuz:stream-break"
            ):
                seen.append(piece.text or "")
    assert "".join(seen)
