"""Speech through a real gateway: bytes passed on while they come, cut where they break, paid by the character."""

import json
from typing import Any

import aiohttp
import pytest

from harness.caller import calling
from harness.fake_provider import FakeProvider, GarbageBody, RawEvents, error
from harness.fake_provider_sound import MP3, Sound
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.world import World
from havuz_contract.snapshot.models import Price

SPEECH = frozenset({"speech"})
DELTA = {"type": "speech.audio.delta", "audio": "//uQZAAA"}
DONE = {
    "type": "speech.audio.done",
    "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115},
}


def speech(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": "Merhaba, dünya!", "voice": "alloy", **fields}


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
async def test_sound_is_passed_on_with_its_type(
    world: World, gateway: GatewayProcess, provider: FakeProvider, base: str
) -> None:
    customer, route = await world.serve(provider.base_url, operations=SPEECH)
    provider.script(Sound())
    body = speech(route.model, response_format="mp3", instructions="softly")
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{base}/audio/speech", body)
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "audio/mpeg", MP3 * 3)
    assert provider.requests[0].path == "/v1/audio/speech"
    assert provider.requests[0].json == {**body, "model": "upstream-model"}


async def test_sound_arrives_before_its_provider_has_ended(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, operations=SPEECH)
    provider.script(Sound(hang=True))
    headers = {"authorization": f"Bearer {customer.live}"}
    async with aiohttp.ClientSession() as session:
        url = f"{gateway.base_url}/v1/audio/speech"
        async with session.post(url, json=speech(route.model), headers=headers) as answer:
            assert await answer.content.readexactly(3 * len(MP3)) == MP3 * 3
            assert not provider.requests[0].hung_up
    await provider.requests[0].gone.wait()


@pytest.mark.parametrize(
    "broken",
    [error(503), error(429), GarbageBody(), Sound(pieces=()), GarbageBody(b'{"error":{"message":"busy"}}')],
    ids=["503", "429", "html", "empty", "error-under-200"],
)
async def test_nothing_was_said_so_the_next_key_is_asked(
    world: World, gateway: GatewayProcess, provider: FakeProvider, broken: Any
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=SPEECH)
    provider.script(broken, Sound())
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/audio/speech", speech(route.model))
    assert (reply.status, reply.body, reply.headers["x-havuz-attempts"]) == (200, MP3 * 3, "2")


async def test_sound_that_breaks_off_is_never_ended_cleanly(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=SPEECH)
    provider.script(Sound(cut=True))
    async with calling(gateway.base_url, customer.live) as caller:
        with pytest.raises(aiohttp.ClientPayloadError):
            await caller.post("/v1/audio/speech", speech(route.model))
    assert len(provider.requests) == 1


async def test_a_deadline_in_the_middle_of_sound_cuts_it_off(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, operations=SPEECH)
    provider.script(Sound(hang=True))
    async with calling(gateway.base_url, customer.live) as caller:
        with pytest.raises(aiohttp.ClientPayloadError):
            await caller.post("/v1/audio/speech", speech(route.model, timeout=1))
    assert "timeout" not in provider.requests[0].json


async def test_speech_as_events_is_relayed(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url, operations=SPEECH)
    events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (DELTA, DELTA, DONE))
    provider.script(RawEvents(events))
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/audio/speech", speech(route.model, stream_format="sse"))
    assert (reply.body, reply.headers["content-type"]) == (events, "text/event-stream; charset=utf-8")


async def test_characters_are_paid_for_also_by_who_hangs_up(world: World, gateway: GatewayProcess) -> None:
    price = Price(unit="USD", per_million_characters=15 * 10**9)
    async with paying(world, gateway, prices=(price,), route={"operations": SPEECH}) as pool:
        pool.provider.script(Sound(), Sound(hang=True))
        assert (await pool.caller.post("/v1/audio/speech", speech(pool.route.model))).status == 200
        headers = {"authorization": f"Bearer {pool.customer.live}"}
        async with aiohttp.ClientSession() as session:
            url = f"{gateway.base_url}/v1/audio/speech"
            async with session.post(url, json=speech(pool.route.model), headers=headers) as answer:
                await answer.content.readexactly(len(MP3))
        events = await pool.closed(2)
        assert [(one["operation"], one["characters"], one["cost"], one["status"]) for one in events] == [
            ("speech", 15, "225000", "ok"),
            ("speech", 15, "225000", "cancelled"),
        ]


async def test_tokens_of_speech_are_told_by_its_last_event_or_estimated(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, route={"operations": SPEECH}) as pool:
        events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (DELTA, DONE))
        pool.provider.script(RawEvents(events), Sound())
        for manner in ("sse", "audio"):
            body = speech(pool.route.model, stream_format=manner)
            assert (await pool.caller.post("/v1/audio/speech", body)).status == 200
        told, estimated = await pool.closed(2)
        assert (told["input"], told["output"], told["flags"]) == (14, 101, "")
        assert (estimated["input"], estimated["output"], estimated["flags"]) == (4, 22, "estimated")


@pytest.mark.parametrize(
    ("form", "kind", "start"),
    [
        ("mp3", "audio/mpeg", b"\xff\xfb"),
        ("opus", "audio/opus", b"OggS"),
        ("aac", "audio/aac", b"\xff\xf1"),
        ("flac", "audio/flac", b"fLaC"),
        ("wav", "audio/wav", b"RIFF"),
        ("pcm", "audio/pcm", b"\x00\x00"),
    ],
)
async def test_a_test_key_hears_something(
    world: World, gateway: GatewayProcess, form: str, kind: str, start: bytes
) -> None:
    customer, route = await world.serve("http://127.0.0.1:9/v1", operations=SPEECH)
    async with calling(gateway.base_url, customer.test) as caller:
        reply = await caller.post("/v1/audio/speech", speech(route.model, response_format=form))
    assert (reply.status, reply.headers["content-type"], reply.body[: len(start)]) == (200, kind, start)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": "x" * 4_097}, "input"),
        ({"input": ""}, "input"),
        ({"voice": None}, "voice"),
        ({"voice": {"name": "x"}}, "voice"),
        ({"speed": 4.01}, "speed"),
        ({"response_format": "midi"}, "response_format"),
        ({"stream_format": "smoke"}, "stream_format"),
    ],
    ids=["too-long", "empty", "no-voice", "voice-without-id", "too-fast", "unknown-format", "unknown-stream"],
)
async def test_wrong_fields_are_named(
    world: World, gateway: GatewayProcess, change: dict[str, Any], param: str
) -> None:
    customer, route = await world.serve(operations=SPEECH)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/audio/speech", speech(route.model) | change)
    assert (reply.status, reply.error["param"]) == (400, param)
