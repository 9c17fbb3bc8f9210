"""The official OpenAI SDK for Python on the Responses API: mock upstreams, and a provider that speaks it itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai.types.responses import FunctionToolParam, Response, ResponseFunctionToolCall
from pydantic import BaseModel

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.fake_provider import FakeProvider, Json
from harness.fake_provider_responses import call_item, response_body
from harness.gateway import GatewayProcess
from harness.world import World

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
PROVIDERS = ["openai", "openai-compatible", "test key"]


class City(BaseModel):
    name: str
    people: int


@asynccontextmanager
async def sdk(gateway: GatewayProcess, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=gateway.base_url + "/v1", api_key=key, max_retries=0) as client:
        yield client


@asynccontextmanager
async def served(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: str
) -> AsyncIterator[tuple[openai.AsyncOpenAI, str]]:
    """A client and a model that is answered by this kind of provider."""
    upstream = make_upstream(provider.base_url, provider="openai" if kind == "test key" else kind)
    route, customer = make_route(make_target(upstream, model="gpt-4.1")), make_project()
    await world.apply(upstream, route, customer)
    async with sdk(gateway, customer.test if kind == "test key" else customer.live) as client:
        yield client, route.model


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_the_sdk_creates_retrieves_lists_and_deletes(
    world: World, gateway: GatewayProcess, provider: FakeProvider, kind: str
) -> None:
    async with served(world, gateway, provider, kind) as (client, model):
        made = await client.responses.create(model=model, input="Merhaba!", instructions="Be brief.")
        Response.model_validate(made.model_dump())
        assert made.output_text
        assert made.usage is not None
        assert made.instructions == "Be brief."
        again = await client.responses.retrieve(made.id)
        assert again.output_text == made.output_text
        listed = [item async for item in client.responses.input_items.list(made.id)]
        assert [getattr(item, "role", None) for item in listed] == ["user"]
        await client.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(made.id)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_the_sdk_streams(world: World, gateway: GatewayProcess, provider: FakeProvider, kind: str) -> None:
    async with served(world, gateway, provider, kind) as (client, model):
        text, kinds = "", []
        async with client.responses.stream(model=model, input="Merhaba!") as stream:
            async for event in stream:
                kinds.append(event.type)
                text += event.delta if event.type == "response.output_text.delta" else ""
            final = await stream.get_final_response()
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert text
        assert final.output_text == text
        assert (await client.responses.retrieve(final.id)).output_text == text


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_sdk_s_loop_of_tools_goes_on_by_the_id_alone(
    world: World, gateway: GatewayProcess, provider: FakeProvider, streamed: bool
) -> None:
    async with served(world, gateway, provider, "test key") as (client, model):
        given: dict[str, Any] = {"model": model, "tools": [WEATHER]}
        if streamed:
            async with client.responses.stream(input="weather?", **given) as stream:
                first: Response = await stream.get_final_response()
        else:
            first = await client.responses.create(input="weather?", **given)
        [call] = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
        assert call.name == "weather"
        second = await client.responses.create(
            input=[{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}],
            previous_response_id=first.id,
            **given,
        )
        assert second.output_text
        assert second.previous_response_id == first.id


async def test_a_loop_of_tools_is_the_same_for_a_provider_that_speaks_it_itself(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    provider.script(Json(body=response_body({}, [call_item("weather", '{"city":"Bursa"}', call_id="call_1")])))
    async with served(world, gateway, provider, "openai") as (client, model):
        first = await client.responses.create(model=model, input="weather?", tools=[WEATHER])
        await client.responses.create(
            model=model,
            input=[{"type": "function_call_output", "call_id": "call_1", "output": "sunny"}],
            previous_response_id=first.id,
        )
    assert provider.requests[-1].json["previous_response_id"] == first.id


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_sdk_parses_structured_output(
    world: World, gateway: GatewayProcess, provider: FakeProvider, streamed: bool
) -> None:
    async with served(world, gateway, provider, "test key") as (client, model):
        if streamed:
            async with client.responses.stream(model=model, input="A city?", text_format=City) as stream:
                parsed = await stream.get_final_response()
        else:
            parsed = await client.responses.parse(model=model, input="A city?", text_format=City)
    assert isinstance(parsed.output_parsed, City)


async def test_the_sdk_raises_what_is_wrong(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    async with served(world, gateway, provider, "test key") as (client, model):
        with pytest.raises(openai.BadRequestError) as background:
            await client.responses.create(model=model, input="x", background=True)
        with pytest.raises(openai.BadRequestError) as unknown:
            await client.responses.create(model=model, input="x", previous_response_id="resp_unknown")
        with pytest.raises(openai.NotFoundError):
            await client.responses.create(model="no-such-model", input="x")
        with pytest.raises(openai.RateLimitError):
            await client.responses.create(model=model, input="havuz:error=429")
        with pytest.raises(openai.APIError, match="broke off"):
            await _stream_to_its_end(client, model)
    assert background.value.param == "background"
    assert unknown.value.code == "previous_response_not_found"


async def _stream_to_its_end(client: openai.AsyncOpenAI, model: str) -> None:
    stream = await client.responses.create(model=model, input="havuz:stream-break", stream=True)
    async for _ in stream:
        pass
