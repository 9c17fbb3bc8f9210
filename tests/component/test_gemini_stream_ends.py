"""How streams of a Gemini provider end, relayed as server-sent events and as an array: clean, or by an error."""

import json
from typing import Any

import pytest

from harness.fake_provider import (
    CutStream,
    Generated,
    GeneratedStream,
    Json,
    RawEvents,
    google_error,
)
from harness.fake_provider_answers import Answer
from harness.fake_provider_gemini import (
    SIGNATURE,
    THOUGHT,
    blocked,
    call,
    error_body,
    generated,
    written,
)
from harness.gateway import GatewayProcess
from harness.google import chunks_of, generate, parts_of, path_of, spoken
from harness.pooled import pooled
from harness.world import World
from havuz_contract.snapshot.models import Failover

GEMINI = {"upstream_fields": {"provider": "gemini"}}
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
OVERLOADED = error_body(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")

ASKED = {"contents": [{"parts": [{"text": "x"}]}]}


def begun(*texts: str) -> bytes:
    """The first chunks of a stream."""
    candidates = [[{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}] for text in texts]
    return b"".join(written({"candidates": one}) for one in candidates)


def ended(**members: Any) -> bytes:
    """A last chunk."""
    candidate = {"content": {"parts": [{"text": "."}], "role": "model"}, "finishReason": "STOP", "index": 0}
    return written({"candidates": [{**candidate, **members}]})


BROKEN = [
    pytest.param(RawEvents(begun("Hello", " you")), id="closed without a reason"),
    pytest.param(CutStream(1, mid_event=False, stream=GeneratedStream()), id="cut"),
    pytest.param(
        RawEvents(
            written({"candidates": [{"content": {"parts": [{"text": "a"}]}, "index": 0}]})
            + written({"candidates": [{"content": {"parts": [{"text": "b"}]}, "index": 1}]})
            + ended()
        ),
        id="closed before the second candidate's reason",
    ),
]


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_after_content_never_ends_clean(
    world: World, gateway: GatewayProcess, fault: Answer
) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(fault)
        reply = await generate(pool.caller, pool.route.model, stream=True)
        last = chunks_of(reply)[-1]
        assert last["error"]["status"] == "UNAVAILABLE"
        assert last["error"]["code"] == 502
        assert "broke off" in last["error"]["message"]
        assert pool.asked == (1, 0)


async def test_an_error_in_the_middle_is_passed_on_and_ends_the_stream(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(RawEvents(begun("Hello") + written(OVERLOADED) + ended()))
        reply = await generate(pool.caller, pool.route.model, stream=True)
        assert reply.body == begun("Hello") + written(OVERLOADED)
        assert pool.asked == (1, 0)


BARE = json.dumps(error_body(500, "INTERNAL", "An internal error has occurred."), indent=2).encode()
BARE_ENDS = [
    pytest.param(end, id=name) for name, end in (("closed", b""), ("a line", b"\n"), ("a blank line", b"\n\n"))
]


@pytest.mark.parametrize("end", BARE_ENDS)
async def test_an_error_without_data_before_it_is_an_error(world: World, gateway: GatewayProcess, end: bytes) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(RawEvents(begun("Hello") + BARE + end))
        reply = await generate(pool.caller, pool.route.model, stream=True)
        assert reply.body.startswith(begun("Hello"))
        assert json.loads(reply.body.removeprefix(begun("Hello"))) == json.loads(BARE)
        pool.first.script(RawEvents(begun("Hello") + BARE + end))
        array = await pool.caller.post(path_of(pool.route.model, "streamGenerateContent").partition("?")[0], ASKED)
        assert array.json[-1] == json.loads(BARE)
        pool.first.script(RawEvents(BARE + end))
        assert spoken(await generate(pool.caller, pool.route.model, stream=True)).startswith("Hello!")
        pool.first.script(RawEvents(begun("Hello") + BARE + end))
        translated = await pool.ask(stream=True)
        assert b"An internal error has occurred." in translated.body
        assert b"[DONE]" not in translated.body


async def test_waiting_is_bridged_by_what_googles_sdk_can_read(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1), **GEMINI) as pool:
        pool.first.script(GeneratedStream(delay=0.3))
        reply = await generate(pool.caller, pool.route.model, stream=True)
        assert reply.body.startswith(b"\n")
        assert b":" not in reply.body.partition(b"data")[0]


@BOTH
async def test_a_blocked_prompt_is_an_answer(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Generated(whole=blocked("/models/first-model:x", "PROHIBITED_CONTENT")))
        reply = await generate(pool.caller, pool.route.model, stream=stream)
        [told] = chunks_of(reply)
        assert told["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
        assert pool.asked == (1, 0)


@BOTH
async def test_an_answer_without_content_but_with_a_reason_is_an_answer(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    whole = generated("/models/m:x", [{"text": ""}], finish="MAX_TOKENS")
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Generated(whole=whole))
        reply = await generate(pool.caller, pool.route.model, stream=stream)
        assert chunks_of(reply)[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"
        assert pool.asked == (1, 0)


@BOTH
async def test_calls_and_thoughts_are_content(world: World, gateway: GatewayProcess, stream: bool) -> None:
    parts = (THOUGHT, call("weather", signature=SIGNATURE, city="Ankara"), call("weather", city="İzmir"))
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Generated(parts))
        found = parts_of(await generate(pool.caller, pool.route.model, stream=stream))
        assert [part for part in found if "functionCall" in part] == list(parts[1:])
        assert "".join(part["text"] for part in found if part.get("thought")) == THOUGHT["text"]


async def test_a_stream_as_an_array_holds_the_same_chunks(world: World, gateway: GatewayProcess) -> None:
    stream = begun("Hel", "lo") + ended()
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.always(RawEvents(stream, chunking=11))
        events = await generate(pool.caller, pool.route.model, stream=True)
        for query in ("", "?alt=json"):
            path = f"/v1beta/models/{pool.route.model}:streamGenerateContent{query}"
            array = await pool.caller.post(path, {"contents": [{"parts": [{"text": "x"}]}]})
            assert array.headers["content-type"].startswith("application/json")
            assert json.loads(array.body) == chunks_of(events)
        assert all(one.path.endswith("?alt=sse") for one in pool.first.requests)


async def test_an_array_is_kept_alive_by_white_space_and_ends_with_the_error(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1), **GEMINI) as pool:
        path = f"/v1beta/models/{pool.route.model}:streamGenerateContent"
        pool.first.script(Json(503, OVERLOADED, delay=0.3), RawEvents(begun("Hello")))
        pool.second.script(google_error(500, "INTERNAL"))
        late = await pool.caller.post(path, {"contents": [{"parts": [{"text": "x"}]}]})
        assert late.status == 200
        assert late.body.startswith(b"\n")
        assert [one["error"]["status"] for one in late.json] == ["UNAVAILABLE"]


async def test_an_array_that_breaks_ends_with_the_error(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(RawEvents(begun("Hello")))
        path = f"/v1beta/models/{pool.route.model}:streamGenerateContent"
        reply = await pool.caller.post(path, {"contents": [{"parts": [{"text": "x"}]}]})
        said, told = reply.json
        assert said["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]
        assert told["error"]["status"] == "UNAVAILABLE"
