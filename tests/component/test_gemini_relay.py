"""generateContent to a Gemini provider: bytes as they came, both ways, and every way in which the provider may fail."""

from typing import Any

import pytest

from harness.fake_provider import (
    CloseWithoutAnswer,
    CutBody,
    CutStream,
    DeadPort,
    GarbageBody,
    GeneratedStream,
    Hang,
    Json,
    RawEvents,
    Reset,
    google_error,
)
from harness.fake_provider_answers import Answer
from harness.fake_provider_gemini import (
    error_body,
    quota_failure,
    retry_info,
    written,
)
from harness.gateway import GatewayProcess
from harness.google import generate, path_of, refused, spoken
from harness.pooled import pooled
from harness.world import World
from havuz_contract.snapshot.models import Failover

GEMINI = {"upstream_fields": {"provider": "gemini"}}
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
HELLO = "Hello! How can I help you today?"
EMPTY = written({"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0}]})
OVERLOADED = error_body(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
ODD = (
    b'{ "contents" : [{"role":"user","parts":[{"text":"\\u015f \xc3\xa7"}]}], "generation_config":{"top_p":1.0,'
    b'"x":1e3},\n"big":12345678901234567890, "tools":[{"futureTool":{}}]}'
)


def begun(*texts: str) -> bytes:
    """The first chunks of a stream."""
    candidates = [[{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}] for text in texts]
    return b"".join(written({"candidates": one}) for one in candidates)


def ended(**members: Any) -> bytes:
    """A last chunk."""
    candidate = {"content": {"parts": [{"text": "."}], "role": "model"}, "finishReason": "STOP", "index": 0}
    return written({"candidates": [{**candidate, **members}]})


async def test_a_request_and_its_answer_reach_both_sides_as_they_came(world: World, gateway: GatewayProcess) -> None:
    answer = b'{ "candidates":[ {"content":{"parts":[{"future":{"x":1.50}}]},"finishReason":"STOP"} ],"new":1e2}'
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Json(body=answer))
        reply = await pool.caller.post(path_of(pool.route.model, "generateContent"), ODD)
        assert (reply.status, reply.body) == (200, answer)
        received = pool.first.requests[0]
        assert received.body == ODD
        assert received.path == "/v1/models/first-model:generateContent"
        assert received.headers["x-goog-api-key"] == pool.upstreams[0].credential
        assert "authorization" not in received.headers


async def test_a_stream_reaches_both_sides_as_it_came(world: World, gateway: GatewayProcess) -> None:
    odd = (
        begun("") + b": a comment\r\n\r\n" + begun('\u0131 "error"')
        + b'data: {"candidates":[{"content":{"parts":[{"text":"x"}]},"futureField":1.50}]}\n\n'
        + ended()
    )  # fmt: skip
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(RawEvents(odd, chunking=7))
        reply = await pool.caller.post(path_of(pool.route.model, "streamGenerateContent"), ODD)
        assert reply.body == odd
        received = pool.first.requests[0]
        assert received.body == ODD
        assert received.path == "/v1/models/first-model:streamGenerateContent?alt=sse"


async def test_havuzs_own_members_and_the_clients_key_go_no_further(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        reply = await generate(pool.caller, f"{pool.route.model}", timeout=30, think=False)
        assert reply.status == 200, reply.body
        received = pool.first.requests[0]
        assert set(received.json) == {"contents"}
        customer_key = pool.caller._key
        assert customer_key is not None
        assert customer_key not in f"{received.headers} {received.path}"


BEFORE_CONTENT = [
    pytest.param(Reset(), id="reset"),
    pytest.param(CloseWithoutAnswer(), id="closed without an answer"),
    pytest.param(GarbageBody(), id="HTML as JSON"),
    pytest.param(GarbageBody(b'{"usageMetadata":{}}'), id="JSON that is no answer"),
    pytest.param(google_error(429, "RESOURCE_EXHAUSTED", "no", retry_info("7s")), id="429"),
    pytest.param(
        google_error(
            429, "RESOURCE_EXHAUSTED", "no", quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
        ),
        id="429 for the day",
    ),
    pytest.param(google_error(503, "UNAVAILABLE", "The model is overloaded."), id="503"),
    pytest.param(google_error(500, "INTERNAL"), id="500"),
    pytest.param(google_error(504, "DEADLINE_EXCEEDED"), id="504"),
    pytest.param(
        google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), id="400 for a bad key"
    ),
    pytest.param(google_error(403, "PERMISSION_DENIED"), id="403"),
    pytest.param(google_error(404, "NOT_FOUND", "models/x is not found for API version v1beta"), id="404"),
]


@BOTH
@pytest.mark.parametrize("fault", BEFORE_CONTENT)
async def test_the_next_key_answers(world: World, gateway: GatewayProcess, fault: Answer, stream: bool) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(fault)
        reply = await generate(pool.caller, pool.route.model, stream=stream)
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2"), reply.body
        assert spoken(reply) == HELLO
        assert "/models/second-model:" in pool.second.requests[0].path


async def test_a_refused_connection_moves_on(world: World, gateway: GatewayProcess) -> None:
    with DeadPort() as dead:
        async with pooled(world, gateway, first_url=dead.base_url, **GEMINI) as pool:
            assert spoken(await generate(pool.caller, pool.route.model, stream=True)) == HELLO


UNCOMMITTED = [
    pytest.param(RawEvents(written(OVERLOADED)), id="an error first"),
    pytest.param(RawEvents(EMPTY + written(OVERLOADED)), id="an error after an empty text"),
    pytest.param(RawEvents(EMPTY), id="an end after an empty text"),
    pytest.param(CutStream(0, stream=GeneratedStream()), id="a cut inside the first chunk"),
    pytest.param(Json(body=OVERLOADED), id="JSON"),
    pytest.param(Json(body=[OVERLOADED]), id="a list of JSON"),
]


@pytest.mark.parametrize("fault", UNCOMMITTED)
async def test_an_empty_text_is_no_content(world: World, gateway: GatewayProcess, fault: Answer) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(fault)
        assert spoken(await generate(pool.caller, pool.route.model, stream=True)) == HELLO
        assert pool.asked == (1, 1)


@BOTH
async def test_a_clients_own_mistake_is_told_in_the_providers_words(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    body = b'{ "error":{"code":400,"message":"Invalid value at \'contents[0]\'","status":"INVALID_ARGUMENT","x":1.0} }'
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Json(400, body))
        reply = await generate(pool.caller, pool.route.model, stream=stream)
        assert (reply.status, reply.body) == (400, body)
        assert pool.asked == (1, 0)


async def test_a_prompt_that_is_too_long_goes_to_a_larger_window(world: World, gateway: GatewayProcess) -> None:
    said = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    async with pooled(
        world, gateway, first_target={"context_window": 1_000}, second_target={"context_window": 2_000}, **GEMINI
    ) as pool:
        pool.first.script(google_error(400, "INVALID_ARGUMENT", said))
        assert spoken(await generate(pool.caller, pool.route.model)) == HELLO
        assert pool.asked == (1, 1)


async def test_a_json_answer_that_breaks_is_asked_for_elsewhere(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(CutBody())
        assert spoken(await generate(pool.caller, pool.route.model)) == HELLO
        assert pool.asked == (1, 1)


async def test_a_stream_that_hangs_moves_on(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(first_token=0.5), **GEMINI) as pool:
        pool.first.script(Hang(0, stream=GeneratedStream()))
        assert spoken(await generate(pool.caller, pool.route.model, stream=True)) == HELLO
        assert pool.asked == (1, 1)


async def test_rate_limits_alone_are_a_429_with_googles_word_for_when(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        for provider in (pool.first, pool.second):
            provider.always(google_error(429, "RESOURCE_EXHAUSTED", "no", retry_info("13.5s")))
        reply = await generate(pool.caller, pool.route.model)
        refused(reply, 429, "RESOURCE_EXHAUSTED")
        assert 10 <= int(reply.headers["retry-after"]) <= 14
        [detail] = reply.json["error"]["details"]
        assert detail["@type"].endswith("RetryInfo")
        assert 10 <= float(detail["retryDelay"].removesuffix("s")) <= 13.5


async def test_nothing_usable_is_unavailable(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        for provider in (pool.first, pool.second):
            provider.always(google_error(500, "INTERNAL"))
        reply = await generate(pool.caller, pool.route.model)
        refused(reply, 503, "UNAVAILABLE")
