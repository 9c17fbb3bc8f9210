"""Pictures and sound by the official OpenAI SDK for Python."""

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest

from harness.gateway import GatewayProcess
from harness.world import World

MEDIA = frozenset({"image", "speech", "transcription"})


@asynccontextmanager
async def calling_media(world: World, gateway: GatewayProcess) -> AsyncIterator[tuple[openai.AsyncOpenAI, str]]:
    """The SDK with a key, and the model to ask, which the mock serves."""
    customer, route = await world.serve(operations=MEDIA)
    async with openai.AsyncOpenAI(base_url=f"{gateway.base_url}/v1", api_key=customer.live, max_retries=0) as client:
        yield client, route.model


async def test_the_sdk_draws(world: World, gateway: GatewayProcess) -> None:
    async with calling_media(world, gateway) as (client, model):
        drawn = await client.images.generate(
            model=model, prompt="a fox", n=2, size="1024x1536", quality="low", background="opaque"
        )
    assert drawn.data is not None
    assert [base64.b64decode(one.b64_json or "")[:4] for one in drawn.data] == [b"\x89PNG"] * 2
    assert (drawn.size, drawn.quality) == ("1024x1536", "low")
    assert drawn.usage is not None
    assert drawn.usage.output_tokens == 2 * 272


async def test_the_sdk_streams_pictures(world: World, gateway: GatewayProcess) -> None:
    async with calling_media(world, gateway) as (client, model):
        stream = await client.images.generate(
            model=model, prompt="a fox", stream=True, partial_images=2, size="1024x1024"
        )
        kinds = [event.type async for event in stream]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]


async def test_the_sdk_changes_pictures(world: World, gateway: GatewayProcess) -> None:
    async with calling_media(world, gateway) as (client, model):
        picture = base64.b64decode((await client.images.generate(model=model, prompt="a fox")).data[0].b64_json)  # type: ignore[index,arg-type]
        changed = await client.images.edit(
            model=model,
            image=[("one.png", picture, "image/png"), ("two.png", picture, "image/png")],
            mask=("mask.png", picture, "image/png"),
            prompt="a fox and a rainbow",
            input_fidelity="high",
        )
        stream = await client.images.edit(
            model=model, image=("one.png", picture, "image/png"), prompt="a fox", stream=True
        )
        kinds = [event.type async for event in stream]
    assert changed.data is not None
    assert changed.usage is not None
    assert changed.usage.input_tokens_details.image_tokens == 3 * 323
    assert kinds == ["image_edit.completed"]


async def test_the_sdk_speaks(world: World, gateway: GatewayProcess) -> None:
    async with calling_media(world, gateway) as (client, model):
        whole = await client.audio.speech.create(model=model, voice="alloy", input="Merhaba!", response_format="wav")
        pieces = []
        async with client.audio.speech.with_streaming_response.create(
            model=model, voice="alloy", input="Merhaba, dünya! " * 10
        ) as streamed:
            assert streamed.headers["content-type"] == "audio/mpeg"
            pieces = [piece async for piece in streamed.iter_bytes(1_000)]
    assert whole.content[:4] == b"RIFF"
    assert len(pieces) > 100


@pytest.mark.parametrize("size", [40_000, 4_000_000], ids=["small", "large"])
async def test_the_sdk_transcribes(world: World, gateway: GatewayProcess, size: int) -> None:
    sound = io.BytesIO(bytes(size))
    sound.name = "speech.mp3"
    async with calling_media(world, gateway) as (client, model):
        plain = await client.audio.transcriptions.create(model=model, file=sound)
        sound.seek(0)
        verbose = await client.audio.transcriptions.create(
            model=model, file=sound, response_format="verbose_json", timestamp_granularities=["segment"]
        )
        sound.seek(0)
        subtitles = await client.audio.transcriptions.create(model=model, file=sound, response_format="srt")
        sound.seek(0)
        stream = await client.audio.transcriptions.create(model=model, file=sound, stream=True)
        events = [event async for event in stream]
    assert "test transcription" in plain.text
    assert verbose.duration > 0
    assert verbose.segments
    assert subtitles.startswith("1\n00:00:00,000 --> ")
    assert [events[0].type, events[-1].type] == ["transcript.text.delta", "transcript.text.done"]


async def test_the_sdk_raises_what_the_documents_say(world: World, gateway: GatewayProcess) -> None:
    async with calling_media(world, gateway) as (client, model):
        with pytest.raises(openai.BadRequestError) as many:
            await client.images.generate(model=model, prompt="a fox", n=11)
        with pytest.raises(openai.BadRequestError) as long:
            await client.audio.speech.create(model=model, voice="alloy", input="x" * 4_097)
        with pytest.raises(openai.NotFoundError):
            await client.audio.transcriptions.create(model="nobody", file=("a.mp3", b"1"))
        with pytest.raises(openai.RateLimitError):
            await client.images.generate(model=model, prompt="havuz:error=429")
    assert (many.value.param, long.value.param) == ("n", "input")
