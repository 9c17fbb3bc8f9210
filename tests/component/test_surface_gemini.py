"""Google's endpoints: what they ask of a request, how a key is sent, how errors look, and what a test key gets."""

import json
import uuid
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.gateway import GatewayProcess
from harness.google import HELLO, chunks_of, generate, parts_of, path_of, refused, spoken
from harness.metering import prepaid
from harness.paying import paying
from harness.pooled import pooled
from harness.world import World
from havuz_contract.snapshot.models import Limits, Surface

GENERATE = "generateContent"
TOOLS = [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT", "properties": {}}}]}]
ANY = {"functionCallingConfig": {"mode": "ANY"}}
WAYS = ["x-goog-api-key", "key", "x-api-key", "api_key", "bearer"]


def with_key(way: str, key: str) -> tuple[dict[str, str], str]:
    """The headers and the query that send the key in this way."""
    match way:
        case "key" | "api_key":
            return {}, f"{way}={key}"
        case "bearer":
            return {"authorization": f"Bearer {key}"}, ""
        case header:
            return {header: key}, ""


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_to_send_a_key_works(world: World, gateway: GatewayProcess, way: str) -> None:
    customer, route = await world.serve()
    headers, query = with_key(way, customer.live)
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.post(f"{path_of(route.model, GENERATE)}?{query}", {"contents": HELLO}, **headers)
        listed = await caller.get(f"/v1beta/models?{query}", **headers)
    assert (reply.status, listed.status) == (200, 200), reply.body
    assert "Hello!" in spoken(reply)
    assert reply.json["candidates"][0]["finishReason"] == "STOP"
    assert reply.json["modelVersion"] == route.model
    assert reply.json["usageMetadata"]["totalTokenCount"] > 0
    assert reply.headers["x-havuz-attempts"] == "1"


async def test_a_key_in_the_url_reaches_no_log_and_no_provider(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, upstream_fields={"provider": "gemini"}) as pool:
        key, wrong = pool.caller._key or "", f"pk_live_{uuid.uuid4().hex}"
        async with calling(gateway.base_url, None) as caller:
            for sent in (key, wrong):
                for path in (path_of(pool.route.model, GENERATE), path_of("nobody", GENERATE), "/v1beta/none"):
                    await caller.post(f"{path}?key={sent}", {"contents": HELLO})
                    await caller.post(path, {"contents": 5}, **{"x-goog-api-key": sent})
        assert len(pool.first.requests) == 1
        told = f"{pool.first.requests[0].path} {pool.first.requests[0].headers} {gateway.log}"
        assert key not in told
        assert wrong not in told


async def test_two_different_keys_are_refused(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(f"{path_of(route.model, GENERATE)}?key={customer.test}", {"contents": HELLO})
    assert "two different API keys" in refused(reply, 400, "INVALID_ARGUMENT")


async def test_model_ids_may_hold_slashes_and_colons(world: World, gateway: GatewayProcess) -> None:
    upstream, customer = make_upstream(), make_project()
    model = f"org/llama-{uuid.uuid4().hex}:8b"
    await world.apply(upstream, make_route(upstream, model=model), customer)
    async with calling(gateway.base_url, customer.live) as caller:
        for name in (model, model.replace("/", "%2F").replace(":", "%3A")):
            assert (await generate(caller, name)).json["modelVersion"] == model
            assert (await caller.get(f"/v1beta/models/{name}")).json["name"] == f"models/{model}"


async def test_v1_is_googles_for_who_sends_a_key_as_google_wants_it(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, None) as caller:
        google = {"x-goog-api-key": customer.live}
        answered = await caller.post(path_of(route.model, GENERATE, "/v1"), {"contents": HELLO}, **google)
        assert "Hello!" in spoken(answered)
        assert "models" in (await caller.get("/v1/models", **google)).json
        assert (await caller.get(f"/v1/models/{route.model}", **google)).json["name"] == f"models/{route.model}"
        refused(await caller.get("/v2/none", **google), 404, "NOT_FOUND")
        openai = {"authorization": f"Bearer {customer.live}"}
        assert (await caller.get(f"/v1/models/{route.model}", **openai)).json["object"] == "model"


CONTENTS: list[tuple[dict[str, Any], str]] = [
    ({}, "'contents' is missing"),
    ({"contents": []}, "non-empty array"),
    ({"contents": "hi"}, "'contents'"),
    ({"contents": HELLO, "timeout": 601}, "'timeout'"),
    ({"contents": HELLO, "think": "yes"}, "'think'"),
]


@pytest.mark.parametrize(("body", "says"), CONTENTS, ids=[str(body) for body, _ in CONTENTS])
async def test_what_a_request_must_have(world: World, gateway: GatewayProcess, body: dict[str, Any], says: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(path_of(route.model, GENERATE), body)
    assert says in refused(reply, 400, "INVALID_ARGUMENT")
    assert reply.json["error"]["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"


async def test_errors_have_googles_words(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, closed, chat = make_route(upstream), make_route(upstream), make_route(upstream, operations={"chat"})
    customer = make_project(deny=(closed.model,))
    await world.apply(upstream, route, closed, chat, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert "no-such" in refused(await generate(caller, "no-such"), 404, "NOT_FOUND")
        refused(await generate(caller, closed.model), 403, "PERMISSION_DENIED")
        refused(await caller.post(path_of(route.model, GENERATE), b"{"), 400, "INVALID_ARGUMENT")
        told = refused(await caller.post(path_of(route.model, "generateVideos"), {}), 404, "NOT_FOUND")
        assert ":generateContent" in told
        for method, path in (("POST", "/v1beta/models/x"), ("POST", "/v1beta/models/:generateContent"),
                             ("GET", "/v1beta/files"), ("DELETE", "/v1beta/cachedContents/1")):  # fmt: skip
            refused(await caller.send(method, path, {}), 404, "NOT_FOUND")
        refused(await caller.send("DELETE", "/v1beta/models/x"), 405, "INVALID_ARGUMENT")
        refused(await caller.post("/v1beta/models", {}), 405, "INVALID_ARGUMENT")
        wrong = f"/v1beta/models/{route.model}:streamGenerateContent?alt=proto"
        assert "'alt'" in refused(await caller.post(wrong, {"contents": HELLO}), 400, "INVALID_ARGUMENT")
        embedding = await caller.post(path_of(chat.model, "embedContent"), {"content": HELLO[0]})
        assert "embeddings" in refused(embedding, 400, "INVALID_ARGUMENT")
    async with calling(gateway.base_url, "sk-wrong") as stranger:
        refused(await generate(stranger, route.model), 401, "UNAUTHENTICATED")


async def test_a_key_that_may_not_speak_googles_protocol_is_told_so(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, customer = make_route(upstream), make_project(surface=Surface(protocols=("openai_chat",)))
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert "gemini" in refused(await generate(caller, route.model), 403, "PERMISSION_DENIED")
        refused(await caller.get("/v1beta/models"), 403, "PERMISSION_DENIED")


async def test_an_empty_balance_is_a_402(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(0)) as customer:
        reply = await generate(customer.caller, customer.route.model)
    assert "balance" in refused(reply, 402, "FAILED_PRECONDITION")


async def test_a_limit_is_a_429(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, project={"limits": Limits(requests_per_minute=1)}) as pool:
        assert (await generate(pool.caller, pool.route.model)).status == 200
        refused(await generate(pool.caller, pool.route.model), 429, "RESOURCE_EXHAUSTED")


async def test_a_bound_on_the_answer_is_enforced(world: World, gateway: GatewayProcess) -> None:
    limits = Limits(max_tokens_per_request=50)
    async with pooled(world, gateway, upstream_fields={"provider": "gemini"}, project={"limits": limits}) as pool:
        assert (await generate(pool.caller, pool.route.model, generationConfig={"topK": 3})).status == 200
        assert pool.first.requests[0].json["generationConfig"] == {"topK": 3, "maxOutputTokens": 50}
        over = await generate(pool.caller, pool.route.model, generationConfig={"maxOutputTokens": 51})
        assert "maxOutputTokens" in refused(over, 400, "INVALID_ARGUMENT")


async def test_a_test_key_gets_answers_without_a_provider(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:1/v1")

    def saying(text: str) -> dict[str, Any]:
        return {"contents": [{"parts": [{"text": text}]}]}

    async with calling(gateway.base_url, customer.test) as caller:
        one, two = await generate(caller, route.model), await generate(caller, route.model)
        called = await generate(caller, route.model, tools=TOOLS, toolConfig=ANY)
        streamed = await generate(caller, route.model, stream=True)
        array = await caller.post(f"/v1beta/models/{route.model}:streamGenerateContent", {"contents": HELLO})
        limited = await generate(caller, route.model, **saying("havuz:error=429"))
        broken = await generate(caller, route.model, stream=True, **saying("havuz:stream-break"))
        counted = await caller.post(path_of(route.model, "countTokens"), {"contents": HELLO})
    assert one.json["candidates"] == two.json["candidates"]
    assert parts_of(called)[0]["functionCall"]["name"] == "weather"
    assert chunks_of(streamed)[-1]["candidates"][0]["finishReason"] == "STOP"
    assert len(chunks_of(streamed)) > 2
    assert spoken(array) == spoken(streamed) == spoken(one)
    refused(limited, 429, "RESOURCE_EXHAUSTED")
    assert chunks_of(broken)[-1]["error"]["status"] == "INTERNAL"
    assert counted.json["totalTokens"] > 0
    assert counted.headers["x-havuz-estimated"] == "true"


async def test_models_are_listed_page_by_page(world: World, gateway: GatewayProcess) -> None:
    upstream, customer = make_upstream(), make_project()
    names = [f"gemini-{letter}" for letter in "abcde"]
    target = make_target(upstream, context_window=1_048_576)
    routes = [make_route(target, model=name, aliases=(f"{name}-latest",)) for name in names]
    await world.apply(upstream, *routes, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert await pages(caller, "") == [[f"models/{name}" for name in names]]
        assert await pages(caller, "pageSize=0") == await pages(caller, "pageSize=5000") == await pages(caller, "")
        assert [len(page) for page in await pages(caller, "pageSize=2")] == [2, 2, 1]
        for wrong in ("pageSize=x", "pageSize=-1", "pageToken=é", "pageToken=a"):
            refused(await caller.get(f"/v1beta/models?{wrong}"), 400, "INVALID_ARGUMENT")
        refused(await caller.get("/v1beta/models/nobody"), 404, "NOT_FOUND")
        one: Reply = await caller.get("/v1beta/models/gemini-a-latest")
    assert one.json == {
        "name": "models/gemini-a-latest", "baseModelId": "gemini-a", "version": "001", "displayName": "gemini-a",
        "inputTokenLimit": 1_048_576,
        "supportedGenerationMethods": [
            "generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents",
        ],
    }  # fmt: skip


async def pages(caller: Caller, query: str) -> list[list[str]]:
    """The names on each page, following the tokens."""
    found, token = [], ""
    while True:
        told = json.loads((await caller.get(f"/v1beta/models?{query}{token}")).body)
        found.append([model["name"] for model in told["models"]])
        if "nextPageToken" not in told:
            return found
        token = f"&pageToken={told['nextPageToken']}"
