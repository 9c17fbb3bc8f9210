"""The document proved by a running gateway: its examples are sent, and every answer is as it says."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.described import Document, Found
from harness.fake_provider import RawEvents, error
from harness.fixtures import publish_nothing
from harness.forms import FORM_HEADERS, form
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import paying
from harness.strange_server import PNG
from harness.tasks import PRICES, drawn, ended, studio
from harness.valkey import ValkeyServer
from harness.world import World

EVERYTHING = frozenset({"chat", "embeddings", "image", "speech", "transcription"})
EXAMPLES = [(found, name) for found in Document().operations() for name in found.examples]


@pytest.fixture(scope="module")
def valkey(encryption_keys: str) -> Iterator[ValkeyServer]:
    """A server of this file's own: a gateway on the shared one would do what is ordered here."""
    with ValkeyServer() as server:
        asyncio.run(publish_nothing(server, encryption_keys))
        yield server


@pytest.fixture(scope="module")
def gateway(
    valkey: ValkeyServer, encryption_keys: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with studio(valkey.url, encryption_keys, tmp_path_factory.mktemp("files")) as process:
        yield process


class Checked:
    """A caller whose every answer is compared with the document that the gateway serves."""

    def __init__(self, caller: Caller, document: Document, key: str) -> None:
        self.caller, self.document, self.key = caller, document, key

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        reply = await self.caller.send(method, path, body, headers)
        self.document.check(method, path, reply)
        return reply


@pytest.fixture
async def testing(world: World, gateway: GatewayProcess) -> AsyncIterator[Checked]:
    """A test key, with a route for each model that the examples name."""
    upstream = make_upstream()
    routes = [make_route(make_target(upstream), name=model, operations=EVERYTHING) for model in sorted(models())]
    customer = make_project()
    await world.apply(upstream, customer, *routes)
    async with calling(gateway.base_url, customer.test) as caller:
        yield Checked(caller, await Document.read(caller), customer.test)


def models() -> set[str]:
    named = {found.examples[name].get("model", "gpt-image-1.5") for found, name in EXAMPLES}
    in_paths = {
        parameter["example"]
        for found in Document().operations()
        for parameter in found.operation.get("parameters", ())
        if parameter["name"] == "model"
    }
    return named | in_paths


@pytest.mark.parametrize(("found", "name"), EXAMPLES, ids=[f"{f.method} {f.path} {name}" for f, name in EXAMPLES])
async def test_an_example_is_taken_and_answered_as_described(testing: Checked, found: Found, name: str) -> None:
    path = found.path.replace("{model}", "gemini-2.5-flash")
    only_google = found.path.startswith("/v1/models/")
    headers = {"x-goog-api-key": testing.key} if only_google else {}
    reply = await testing.send(found.method.upper(), path, found.examples[name], **headers)
    assert reply.status == 200, reply.body


@pytest.mark.parametrize(
    "path", ["/v1/models", "/api/v1/models", "/v1beta/models", "/v1/models/gpt-4o-mini", "/v1/usage"]
)
async def test_what_is_read_is_as_described(testing: Checked, path: str) -> None:
    assert (await testing.send("GET", path)).status == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o-mini"])
@pytest.mark.parametrize("asked_by", ["anthropic-version", "x-goog-api-key"])
async def test_other_forms_of_the_models_are_as_described(testing: Checked, path: str, asked_by: str) -> None:
    value = testing.key if asked_by == "x-goog-api-key" else "2023-06-01"
    assert (await testing.send("GET", path, **{asked_by: value})).status == 200


@pytest.mark.parametrize("stream", ["", "?alt=sse"])
async def test_googles_streams_are_as_described(testing: Checked, stream: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    assert (await testing.send("POST", path + stream, body)).status == 200


async def test_forms_are_answered_as_described(testing: Checked) -> None:
    heard = form({"model": "gpt-4o-mini", "language": "tr"}, [("file", bytes(64))])
    changed = form({"model": "gpt-image-1.5", "prompt": "a rainbow"}, [("image", PNG)])
    assert (await testing.send("POST", "/v1/audio/transcriptions", heard, **FORM_HEADERS)).status == 200
    assert (await testing.send("POST", "/v1/images/edits", changed, **FORM_HEADERS)).status == 200


async def test_a_stored_response_and_its_end_are_as_described(testing: Checked) -> None:
    made = await testing.send("POST", "/v1/responses", {"model": "gpt-4o-mini", "input": "Merhaba!"})
    path = f"/v1/responses/{made.json['id']}"
    for method, below, status in (
        ("GET", "", 200), ("GET", "/input_items?limit=1", 200), ("POST", "/cancel", 400), ("DELETE", "", 200),
        ("GET", "", 404),
    ):  # fmt: skip
        assert (await testing.send(method, path + below)).status == status, (method, below)


ASKING: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "TEXT"}]},
    "/api/chat-completions/": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "TEXT"}]},
    "/v1/messages": {"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "TEXT"}]},
    "/v1/responses": {"model": "gpt-4o-mini", "input": "TEXT"},
    "/v1beta/models/gpt-4o-mini:generateContent": {"contents": [{"role": "user", "parts": [{"text": "TEXT"}]}]},
}


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize("status", [400, 429, 503, 504])
async def test_an_error_of_the_provider_is_told_as_described(testing: Checked, path: str, status: int) -> None:
    text = "havuz:timeout" if status == 504 else f"havuz:error={status}"
    body = json.loads(json.dumps(ASKING[path]).replace("TEXT", text))
    assert (await testing.send("POST", path, body | ({"timeout": 1} if status == 504 else {}))).status == status


@pytest.mark.parametrize(
    "path", [*ASKING, "/v1/embeddings", "/v1/images/generations", "/api/generate", "/api/texttoimage/"]
)
async def test_what_is_no_request_is_refused_as_described(testing: Checked, path: str) -> None:
    for body in (b"{", {}, {"model": 5}):
        assert (await testing.send("POST", path, body)).status == 400, body
    unknown = dict(ASKING.get(path, {})) | {"model": "nothing"}
    google = path.replace("gpt-4o-mini:", "nothing:")
    assert (await testing.send("POST", google, unknown)).status in (400, 404)


async def test_without_a_key_every_operation_refuses_as_described(gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, None) as caller:
        document = await Document.read(caller)
        for found in document.operations():
            path = found.path.replace("{model}", "m").replace("{response_id}", "r").replace("{keyid}", "k")
            if found.operation["security"] and "/v1/models/m:" not in path:
                reply = await caller.send(found.method.upper(), path, {} if "requestBody" in found.operation else None)
                document.check(found.method, path, reply)
                assert reply.status == 401, (found.path, reply.body)


async def test_real_answers_of_providers_and_money_are_as_described(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as pool:
        here = Checked(pool.caller, await Document.read(pool.caller), pool.customer.live)
        ask = {"model": pool.route.model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello!"}]}
        for path in ("/v1/chat/completions", "/v1/messages"):
            for stream in (False, True):
                assert (await here.send("POST", path, {**ask, "stream": stream})).status == 200
        pool.provider.script(RawEvents(b'data: {"id":"1","object":"chat.completion.chunk","choices":'
                                       b'[{"index":0,"delta":{"content":"x"}}]}\n\n'))  # fmt: skip
        broken = await here.send("POST", "/v1/chat/completions", {**ask, "stream": True})
        assert b'"error"' in broken.body
        pool.provider.script(error(400, "no such setting", code="bad_setting"))
        assert (await here.send("POST", "/v1/chat/completions", ask)).status == 400
        dear = await here.send("POST", "/v1/chat/completions", {**ask, "max_tokens": 100_000_000})
        assert dear.status == 402
        balance = await here.send("GET", f"/api/balance/{pool.customer.project.keys[0].id}")
        assert balance.status == 200
        for by in ("model", "key", "day"):
            assert (await here.send("GET", f"/v1/usage?group_by={by}")).status == 200


async def test_an_order_and_its_picture_are_as_described(world: World, gateway: GatewayProcess) -> None:
    route: dict[str, Any] = {"name": "gpt-image-1.5", "operations": EVERYTHING}
    async with paying(world, gateway, prices=PRICES, route=route, billing=prepaid(100 * 10**9)) as pool:
        here = Checked(pool.caller, await Document.read(pool.caller), pool.customer.live)
        pool.provider.script(drawn())
        taken = await here.send("POST", "/api/generate", {"prompt": "a red fox"})
        task_id = taken.json["data"]["task_id"]
        data = await ended(pool.caller, task_id)
        path = f"/api/status?task_id={task_id}"
        assert (await here.send("GET", path)).json["data"]["status"] == "SUCCESS"
        assert (await here.send("DELETE", path)).status == 409
        assert (await here.send("GET", "/api/status?task_id=none")).status == 404
        (link,) = data["response"]
        file = link.removeprefix(gateway.base_url)
        assert (await here.send("GET", file)).body == PNG
        assert (await here.send("GET", file, range="bytes=0-3")).status == 206
        pool.provider.script(error(400, "the prompt is not allowed"))
        failed = (await here.send("POST", "/api/generate", {"prompt": "no"})).json["data"]["task_id"]
        await ended(pool.caller, failed)
        assert (await here.send("GET", f"/api/status?task_id={failed}")).json["data"]["status"] == "FAILED"


async def test_a_numbered_picture_is_as_described(world: World, gateway: GatewayProcess) -> None:
    route: dict[str, Any] = {"name": "realvision", "operations": EVERYTHING}
    async with paying(world, gateway, prices=PRICES, route=route) as pool:
        here = Checked(pool.caller, await Document.read(pool.caller), pool.customer.live)
        pool.provider.always(drawn())
        ordered = await here.send("POST", "/api/texttoimage/", {"model": "realvision", "prompt": "a portrait"})
        job = {"jobid": ordered.json["jobid"], "signature": ordered.json["signature"]}
        async with asyncio.timeout(30):
            while (told := await here.send("POST", "/api/texttoimage/jobs/", job)).json["status"] != "success":
                assert told.status == 200
        refused = await here.send("POST", "/api/texttoimage/jobs/", {**job, "signature": "x"})
        assert refused.status == 403


async def test_the_document_says_under_which_host_it_is_asked_for(gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.get("/openapi.json", host="api.example.com", **{"x-forwarded-proto": "https"})
    assert reply.json["servers"] == [{"url": "https://api.example.com"}]
    assert reply.json["openapi"] == "3.1.0"
