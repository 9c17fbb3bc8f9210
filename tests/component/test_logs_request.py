"""The request log of a real gateway: one line each, and nothing private in it."""

from harness.caller import calling
from harness.fake_provider import FakeProvider, Json, Stream, error
from harness.gateway import GatewayProcess
from harness.request_log import lines_of
from harness.world import World

CHAT = "/v1/chat/completions"
PROMPT = "the prompt that no log may hold"
ANSWER = "the answer that no log may hold"


async def test_a_request_is_one_line_that_tells_its_way(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url, provider.base_url)
    provider.script(error(503), Json())
    body = {"model": route.model, "messages": [{"role": "user", "content": PROMPT}]}
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(CHAT, body)
    (line,) = await lines_of(gateway, reply.headers["x-request-id"])
    assert line["event"] == "request"
    assert (line["path"], line["status"], line["attempts"]) == (CHAT, 200, 2)
    assert (line["project"], line["model"]) == (customer.project.name, route.model)
    assert (line["failures"], len(line["upstreams"])) == (["ServerError"], 2)
    assert line["input_tokens"] > 0
    assert line["output_tokens"] > 0
    assert line["seconds"] > 0


async def test_a_refused_request_has_its_line_too(world: World, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, "pk_live_unknown") as caller:
        reply = await caller.post(CHAT, {"model": "m", "messages": []})
    (line,) = await lines_of(gateway, reply.headers["x-request-id"])
    assert (line["status"], line["error_type"], line["attempts"]) == (401, "authentication_error", 0)


async def test_no_prompt_no_answer_no_key_and_no_query_is_logged(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    provider.script(error(400, f"you said {PROMPT}"), Stream([ANSWER]))
    (upstream,) = world.snapshot.upstreams.values()
    body = {"model": route.model, "messages": [{"role": "user", "content": PROMPT}]}
    async with calling(gateway.base_url, None) as caller:
        refused = await caller.post(f"{CHAT}?api_key={customer.live}&other=in-the-query", body)
        streamed = await caller.post(f"{CHAT}?api_key={customer.live}", body | {"stream": True})
    assert (refused.status, streamed.status) == (400, 200)
    await lines_of(gateway, refused.headers["x-request-id"])
    await lines_of(gateway, streamed.headers["x-request-id"])
    for secret in (PROMPT, ANSWER, customer.live, upstream.credential, "in-the-query", "api_key"):
        assert secret not in gateway.log, secret


async def test_what_never_meets_a_provider_has_its_line_too(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    expected = {
        ("GET", "/v1/models"): ("/v1/models", 200),
        ("GET", f"/v1/models/{route.model}"): ("/v1/models/", 200),
        ("DELETE", "/v1/models"): ("/v1/models", 405),
        ("GET", "/secret/path"): (None, 404),
    }
    async with calling(gateway.base_url, customer.live) as caller:
        for (method, path), told in expected.items():
            reply = await caller.send(method, path)
            (line,) = await lines_of(gateway, reply.headers["x-request-id"])
            assert (line.get("path"), line["status"]) == told
            assert line["event"] == "request"
    assert "/secret/path" not in gateway.log


async def test_a_key_in_a_models_place_is_not_logged(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        refused = await caller.post(f"/v1beta/models/{customer.live}:generateContent", {"contents": []})
    (line,) = await lines_of(gateway, refused.headers["x-request-id"])
    assert line["path"] == "/v1beta/models/"
    assert customer.live not in gateway.log
