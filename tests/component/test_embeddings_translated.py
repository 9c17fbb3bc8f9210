"""Embeddings across protocols: OpenAI's call to Gemini, Google's calls to OpenAI-compatible servers, and relayed."""

import base64
import struct
from typing import Any

import pytest

from harness.caller import calling
from harness.fake_provider import Json, google_error
from harness.fake_provider_vectors import unit_vector
from harness.gateway import GatewayProcess
from harness.google import path_of, refused
from harness.paying import paying
from harness.pooled import pooled
from harness.world import World

GEMINI = {"upstream_fields": {"provider": "gemini"}}
MIXED = {**GEMINI, "second_fields": {"provider": "openai-compatible"}}
TEXTS = ["one text", "two texts", "drei Texte"]


def content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def batch(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"requests": [{"model": "models/whatever", "content": content(text), **fields} for text in texts]}


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
async def test_openais_embeddings_come_from_gemini(world: World, gateway: GatewayProcess, encoding: str | None) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        asked = {"model": pool.route.model, "input": TEXTS, "dimensions": 16, "user": "u"}
        reply = await pool.caller.post("/v1/embeddings", asked | ({"encoding_format": encoding} if encoding else {}))
        assert reply.status == 200, reply.body
        assert (reply.json["object"], reply.json["model"]) == ("list", pool.route.model)
        assert reply.headers["x-havuz-dropped"] == "user"
        assert reply.json["usage"]["prompt_tokens"] == sum(-(-len(text) // 4) for text in TEXTS)
        vectors = [item["embedding"] for item in reply.json["data"]]
        if encoding == "base64":
            vectors = [list(struct.unpack("<16f", base64.b64decode(vector))) for vector in vectors]
        received = pool.first.requests[0]
        assert received.path == "/v1/models/first-model:batchEmbedContents"
        assert received.json == {
            "requests": [
                {"model": "models/first-model", "content": content(text), "outputDimensionality": 16} for text in TEXTS
            ]
        }
        given = [unit_vector(f'{{"parts": [{{"text": "{text}"}}]}}', 16) for text in TEXTS]
        assert vectors == [pytest.approx(vector, abs=1e-6) for vector in given]


async def test_googles_batch_comes_from_an_openai_compatible_server(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        asked = batch(*TEXTS, outputDimensionality=8, taskType="RETRIEVAL_QUERY")
        reply = await pool.caller.post(path_of(pool.route.model, "batchEmbedContents"), asked)
        assert reply.status == 200, reply.body
        assert [len(one["values"]) for one in reply.json["embeddings"]] == [8, 8, 8]
        assert reply.json["usageMetadata"]["promptTokenCount"] > 0
        assert reply.headers["x-havuz-dropped"] == "taskType"
        received = pool.first.requests[0]
        assert (received.path, received.json) == (
            "/v1/embeddings",
            {"model": "first-model", "input": TEXTS, "dimensions": 8},
        )


async def test_one_content_comes_from_an_openai_compatible_server(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        body = {"model": "models/x", "content": content("one"), "embedContentConfig": {"outputDimensionality": 4}}
        reply = await pool.caller.post(path_of(pool.route.model, "embedContent"), body)
        assert len(reply.json["embedding"]["values"]) == 4
        assert "embeddings" not in reply.json
        assert pool.first.requests[0].json == {"model": "first-model", "input": ["one"], "dimensions": 4}


RELAYED = [
    (
        "embedContent",
        b'{ "model":"models/x","content":{"parts":[{"text":"a"}]},"new":1.50}',
        b'{ "model":"models/first-model","content":{"parts":[{"text":"a"}]},"new":1.50}',
        b'{ "embedding":{"values":[0.10, 1e-3]} }',
    ),
    (
        "batchEmbedContents",
        b'{ "new":1.50,"requests":[{"model":"models/x","content":{"parts":[{"text":"a"}]}}]}',
        b'{ "new":1.50,"requests":[{"model":"models/first-model","content":{"parts":[{"text":"a"}]}}]}',
        b'{ "embeddings":[{"values":[0.10, 1e-3]}] }',
    ),
]


@pytest.mark.parametrize(("method", "sent", "received", "answer"), RELAYED, ids=["one", "batch"])
async def test_googles_calls_reach_gemini_as_they_came_but_for_the_model(
    world: World, gateway: GatewayProcess, method: str, sent: bytes, received: bytes, answer: bytes
) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(Json(body=answer))
        reply = await pool.caller.post(path_of(pool.route.model, method), sent)
        assert (reply.status, reply.body) == (200, answer)
        assert pool.first.requests[0].body == received
        assert pool.first.requests[0].path == f"/v1/models/first-model:{method}"


async def test_a_failing_gemini_is_followed_by_another_protocol(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **MIXED) as pool:
        for fault in (google_error(503, "UNAVAILABLE"), Json(body={"nothing": 1}), Json(body={"embeddings": [{}]})):
            pool.first.script(fault)
            reply = await pool.caller.post("/v1/embeddings", {"model": pool.route.model, "input": "text"})
            assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2"), reply.body


async def test_what_gemini_can_not_embed_goes_where_it_can_be(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **MIXED) as pool:
        tokens = {"model": pool.route.model, "input": [[1, 2, 3]]}
        assert (await pool.caller.post("/v1/embeddings", tokens)).status == 200
        assert pool.asked == (0, 1)
    async with pooled(world, gateway, **GEMINI) as pool:
        reply = await pool.caller.post("/v1/embeddings", {**tokens, "model": pool.route.model})
        assert (reply.status, reply.error["param"]) == (400, "input")


async def test_what_openai_can_not_embed_is_refused_by_name(world: World, gateway: GatewayProcess) -> None:
    picture = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}
    async with pooled(world, gateway) as pool:
        path = path_of(pool.route.model, "embedContent")
        told = refused(await pool.caller.post(path, {"content": picture}), 400, "INVALID_ARGUMENT")
        assert "content.parts[0]" in told
        for wrong in ({}, {"content": {}}, {"content": "text"}):
            refused(await pool.caller.post(path, wrong), 400, "INVALID_ARGUMENT")
        for wrong in ({}, {"requests": []}, {"requests": [{}]}, {"requests": "text"}):
            reply = await pool.caller.post(path_of(pool.route.model, "batchEmbedContents"), wrong)
            refused(reply, 400, "INVALID_ARGUMENT")


async def test_a_mistake_that_gemini_finds_is_told_in_openais_form(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, **GEMINI) as pool:
        pool.first.script(google_error(400, "INVALID_ARGUMENT", "outputDimensionality must be at most 3072"))
        reply = await pool.caller.post("/v1/embeddings", {"model": pool.route.model, "input": "x", "dimensions": 9999})
        assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
        assert "3072" in reply.error["message"]


async def test_what_gemini_does_not_count_is_billed_by_the_estimate_and_flagged(
    world: World, gateway: GatewayProcess
) -> None:
    async with paying(world, gateway, upstream={"provider": "gemini"}) as customer:
        asked = {"model": customer.route.model, "input": ["x" * 400]}
        assert (await customer.caller.post("/v1/embeddings", asked)).status == 200
        google = await customer.caller.post(path_of(customer.route.model, "batchEmbedContents"), batch("x" * 400))
        assert google.status == 200, google.body
        events = await customer.closed(2)
    assert [(event["input"], event["flags"]) for event in events] == [(100, "estimated")] * 2


async def test_a_test_key_gets_vectors(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:1/v1")
    async with calling(gateway.base_url, customer.test) as caller:
        one = await caller.post(
            path_of(route.model, "embedContent"), {"content": content("a"), "outputDimensionality": 5}
        )
        many = await caller.post(path_of(route.model, "batchEmbedContents"), batch("a", "b", outputDimensionality=5))
    assert one.json["embedding"] == many.json["embeddings"][0]
    assert len(many.json["embeddings"][1]["values"]) == 5
