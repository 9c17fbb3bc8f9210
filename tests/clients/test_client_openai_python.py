"""The official OpenAI SDK for Python, against answers of mock upstreams and errors on purpose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from harness.builders import make_project, make_route, make_upstream
from harness.gateway import GatewayProcess
from harness.world import World

BASES = ["/v1", "/api/v1"]


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


@asynccontextmanager
async def sdk(gateway: GatewayProcess, key: str, base: str = "/v1") -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=gateway.base_url + base, api_key=key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("base", BASES)
async def test_the_sdk_chats(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    async with sdk(gateway, customer.live, base) as client:
        response = await client.chat.completions.create(
            model=route.model, messages=user("Python'da liste nasıl oluşturulur?"), temperature=0.7, max_tokens=500
        )
    assert "Python'da liste" in str(response.choices[0].message.content)
    assert response.usage is not None


@pytest.mark.parametrize("base", BASES)
async def test_the_sdk_streams(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    text, usage = "", None
    async with sdk(gateway, customer.live, base) as client:
        stream = await client.chat.completions.create(
            model=route.model,
            messages=user("Kısa bir hikaye yaz"),
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            usage = chunk.usage or usage
    assert "Kısa bir hikaye yaz" in text
    assert usage is not None


async def test_the_sdk_lists_and_retrieves_models(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with sdk(gateway, customer.live) as client:
        assert [model.id async for model in client.models.list()] == [route.model]
        assert (await client.models.retrieve(route.model)).owned_by == route.owned_by


async def test_the_sdk_embeds(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with sdk(gateway, customer.live) as client:
        answer = await client.embeddings.create(model=route.model, input=["bir", "iki"], dimensions=16)
        plain = await client.embeddings.create(model=route.model, input=["bir"], dimensions=16, encoding_format="float")
    assert [len(item.embedding) for item in answer.data] == [16, 16]
    assert answer.data[0].embedding == pytest.approx(plain.data[0].embedding)


class City(BaseModel):
    name: str
    people: int


async def test_the_sdk_parses_structured_output_of_a_test_key(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with sdk(gateway, customer.test) as client:
        answer = await client.chat.completions.parse(model=route.model, messages=user("A city?"), response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


async def test_the_sdk_raises_by_status(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, closed = make_route(upstream), make_route(upstream)
    customer = make_project(deny=(closed.model,))
    await world.apply(upstream, route, closed, customer)
    async with sdk(gateway, customer.live) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="no-such-model", messages=user("x"))
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model=closed.model, messages=user("x"))
        with pytest.raises(openai.BadRequestError) as invalid:
            await client.chat.completions.create(model=route.model, messages=[])
    async with sdk(gateway, "pk_live_wrong") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()
    assert missing.value.type == "not_found_error"
    assert invalid.value.param == "messages"
    assert invalid.value.request_id is not None
    assert invalid.value.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("havuz:error=429", openai.RateLimitError),
        ("havuz:error=503", openai.InternalServerError),
        ("havuz:error=422", openai.UnprocessableEntityError),
    ],
)
async def test_a_test_key_raises_on_purpose(
    world: World, gateway: GatewayProcess, text: str, kind: type[openai.APIStatusError]
) -> None:
    customer, route = await world.serve()
    async with sdk(gateway, customer.test) as client:
        with pytest.raises(kind):
            await client.chat.completions.create(model=route.model, messages=user(text))


async def test_a_broken_stream_raises_in_the_sdk(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    seen: list[str] = []
    async with sdk(gateway, customer.test) as client:
        with pytest.raises(openai.APIError):
            await _stream_into(seen, client, route.model)
    assert "".join(seen)


async def _stream_into(seen: list[str], client: openai.AsyncOpenAI, model: str) -> None:
    stream = await client.chat.completions.create(model=model, messages=user("havuz:stream-break"), stream=True)
    async for chunk in stream:
        seen.append(chunk.choices[0].delta.content or "")
