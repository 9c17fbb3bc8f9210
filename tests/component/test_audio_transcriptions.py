"""Transcriptions through a real gateway: forms relayed, sent again to the next key, paid by the minute."""

import json
import struct
from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import CloseWithoutAnswer, FakeProvider, GarbageBody, Json, RawEvents, error
from harness.forms import FORM_HEADERS, form, parts_of
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.world import World
from havuz_contract.snapshot.models import Price

HEARD = frozenset({"transcription"})
SOUND = bytes(range(256)) * 40
BY_DURATION = {"text": "Merhaba.", "usage": {"type": "duration", "seconds": 9}}
BY_TOKENS = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    "output_tokens": 45,
    "total_tokens": 59,
}
VTT = "WEBVTT\n\n00:00.000 --> 00:02.500\nMerhaba.\n\n00:02.500 --> 01:01.000\nDünya.\n\n"
PATH = "/v1/audio/transcriptions"


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
async def test_a_form_reaches_the_provider_with_its_own_name_of_the_model(
    world: World, gateway: GatewayProcess, provider: FakeProvider, base: str
) -> None:
    customer, route = await world.serve(provider.base_url, operations=HEARD)
    provider.script(Json(body=BY_DURATION))
    fields = {"model": route.model, "timeout": 60, "include[]": ["logprobs"], "x_new": "çay", "temperature": "0.2"}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{base}/audio/transcriptions", form(fields, [("file", SOUND)]), **FORM_HEADERS)
    assert (reply.status, reply.json) == (200, BY_DURATION)
    request = provider.requests[0]
    assert request.path == "/v1/audio/transcriptions"
    assert int(request.headers["content-length"]) == len(request.body)
    assert parts_of(request.headers, request.body) == [
        ("model", b"upstream-model"),
        ("include[]", b"logprobs"),
        ("x_new", "çay".encode()),
        ("temperature", b"0.2"),
        ("file", SOUND),
    ]


@pytest.mark.parametrize(
    "broken",
    [error(429), error(503), CloseWithoutAnswer(), GarbageBody(), GarbageBody(b'{"no":"text"}')],
    ids=["429", "503", "closed", "html", "json-without-text"],
)
@pytest.mark.parametrize("size", [10_000, 3_000_000], ids=["small", "on-disk"])
async def test_the_whole_form_is_sent_again_to_the_next_key(
    world: World, gateway: GatewayProcess, provider: FakeProvider, broken: Any, size: int
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=HEARD)
    provider.script(broken, Json(body=BY_DURATION))
    sound = (SOUND * (size // len(SOUND) + 1))[:size]
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, form({"model": route.model}, [("file", sound)]), **FORM_HEADERS)
    assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")
    for request in provider.requests:
        assert parts_of(request.headers, request.body) == [("model", b"upstream-model"), ("file", sound)]


@pytest.mark.parametrize(("form_of_answer", "text"), [("text", "Merhaba.\n"), ("vtt", VTT)])
async def test_a_text_is_told_as_text(
    world: World, gateway: GatewayProcess, provider: FakeProvider, form_of_answer: str, text: str
) -> None:
    customer, route = await world.serve(provider.base_url, operations=HEARD)
    provider.script(Json(body=text, headers={"content-type": "text/plain; charset=utf-8"}))
    fields = {"model": route.model, "response_format": form_of_answer}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, form(fields, [("file", SOUND)]), **FORM_HEADERS)
    assert (reply.status, reply.body.decode()) == (200, text)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_stream_is_relayed_to_its_last_event(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, operations=HEARD)
    events = [
        {"type": "transcript.text.delta", "delta": "Mer"},
        {"type": "transcript.text.delta", "delta": "haba"},
        {"type": "transcript.text.done", "text": "Merhaba", "usage": BY_TOKENS},
    ]
    told = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)
    provider.script(RawEvents(told))
    async with calling(gateway.base_url, customer.live) as caller:
        body = form({"model": route.model, "stream": "true"}, [("file", SOUND)])
        reply = await caller.post(PATH, body, **FORM_HEADERS)
    assert (reply.status, reply.body) == (200, told)


async def test_a_model_that_can_not_stream_answers_at_once(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url, operations=HEARD)
    provider.script(Json(body=BY_DURATION))
    async with calling(gateway.base_url, customer.live) as caller:
        body = form({"model": route.model, "stream": "true"}, [("file", SOUND)])
        reply = await caller.post(PATH, body, **FORM_HEADERS)
    assert (reply.status, reply.json, len(provider.requests)) == (200, BY_DURATION, 1)


async def test_minutes_are_billed_as_the_provider_tells_them_or_as_estimated(
    world: World, gateway: GatewayProcess
) -> None:
    price = Price(unit="USD", per_minute_audio=6_000_000)
    wav = b"RIFF" + struct.pack("<I", 96_036) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    wav += b"data" + struct.pack("<I", 96_000) + bytes(96_000)
    async with paying(world, gateway, prices=(price,), route={"operations": HEARD}) as pool:
        model = pool.route.model
        pool.provider.script(
            Json(body=BY_DURATION), Json(body={"text": "x", "duration": "8.5"}), Json(body=VTT),
            Json(body={"text": "x", "usage": BY_TOKENS}), Json(body={"text": "x"}),
        )  # fmt: skip
        for fields, sound in (
            ({}, SOUND), ({"response_format": "verbose_json"}, SOUND), ({"response_format": "vtt"}, SOUND),
            ({}, wav), ({}, bytes(16_000)),
        ):  # fmt: skip
            body = form({"model": model, **fields}, [("file", sound)])
            assert (await pool.caller.post(PATH, body, **FORM_HEADERS)).status == 200
        events = await pool.closed(5)
        assert [(one["audio_ms"], one["flags"]) for one in events[:4]] == [
            (9_000, ""), (8_500, ""), (61_000, ""), (3_000, "estimated"),
        ]  # fmt: skip
        assert 2_000 <= events[4]["audio_ms"] < 2_100
        assert [one["cost"] for one in events[:4]] == ["900000", "850000", "6100000", "300000"]
        row = (await pool.caller.get("/v1/usage")).json["data"][0]
        assert 83.5 <= row["audio_seconds"] < 83.6


async def test_a_test_key_is_heard(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:9/v1", operations=HEARD)
    async with calling(gateway.base_url, customer.test) as caller:
        for wanted, start in (("json", b"{"), ("verbose_json", b"{"), ("text", b"This"), ("srt", b"1\n"),
                              ("vtt", b"WEBVTT")):  # fmt: skip
            body = form({"model": route.model, "response_format": wanted}, [("file", SOUND)])
            reply = await caller.post(PATH, body, **FORM_HEADERS)
            assert (reply.status, reply.body[: len(start)]) == (200, start)
        trouble = form({"model": route.model, "prompt": "havuz:error=429"}, [("file", SOUND)])
        assert (await caller.post(PATH, trouble, **FORM_HEADERS)).status == 429


@pytest.mark.parametrize(
    ("fields", "files", "param"),
    [
        ({}, [("file", SOUND)], "model"),
        ({"model": "m"}, [], "file"),
        ({"model": "m"}, [("file", b"1"), ("file", b"2")], "file"),
        ({"model": "m", "temperature": "1.5"}, [("file", SOUND)], "temperature"),
        ({"model": "m", "temperature": "warm"}, [("file", SOUND)], "temperature"),
        ({"model": "m", "stream": "yes"}, [("file", SOUND)], "stream"),
        ({"model": "m", "response_format": "pdf"}, [("file", SOUND)], "response_format"),
        ({"model": "m", "timestamp_granularities[]": ["word", "page"]}, [("file", SOUND)],
         "timestamp_granularities[][1]"),
        ({"model": ["m", "m"]}, [("file", SOUND)], "model"),
    ],
    ids=["no-model", "no-file", "two-files", "too-warm", "no-number", "no-boolean", "unknown-format", "granularity",
         "twice"],
)  # fmt: skip
async def test_wrong_parts_are_named(
    world: World, gateway: GatewayProcess, fields: dict[str, Any], files: list[tuple[str, bytes]], param: str
) -> None:
    customer, _ = await world.serve(operations=HEARD)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, form(fields, files), **FORM_HEADERS)
    assert (reply.status, reply.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 400),
        (b"--x\r\n", FORM_HEADERS, 400),
        (form({"model": "m"}, [("file", SOUND)]), {"content-type": "multipart/form-data"}, 400),
        (form({"model": "m"}, [("file", bytes(25 * 1024 * 1024))]), FORM_HEADERS, 413),
        (form({"model": "m"}, [("file", SOUND)]), {**FORM_HEADERS, "content-encoding": "gzip"}, 415),
    ],
    ids=["json", "half-a-form", "no-boundary", "too-large", "compressed"],
)
async def test_what_is_no_form_is_refused(
    world: World, gateway: GatewayProcess, body: bytes, headers: dict[str, str], status: int
) -> None:
    customer, _ = await world.serve(operations=HEARD)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(PATH, body, **headers)
    assert (reply.status, reply.error["type"]) == (status, "invalid_request_error")
