"""What the playground asks the pipeline, as whom, and who may not."""

import json
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import Reply
from harness.described import events_of
from harness.fake_provider import FakeProvider, error
from harness.gateway import GatewayProcess
from harness.paying import paying
from harness.visitor import Visitor, visiting
from harness.world import World

ASK, DRAW, CODE = (f"/dashboard/playground/{name}" for name in ("ask", "draw", "code"))


async def post(visitor: Visitor, path: str, body: Any, *, proof: str | None = None) -> Reply:
    """As the page's script does."""
    own = await visitor.proof() if proof is None else proof
    headers = {"content-type": "application/json", "x-havuz-proof": own}
    return await visitor.post(path, json.dumps(body), **headers)


def say(model: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": model, "messages": [{"role": "user", "content": "Hello!"}], "stream": True,
        "stream_options": {"include_usage": True}, **fields,
    }  # fmt: skip


async def test_an_answer_is_billed_to_the_key_that_is_signed_in(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway) as pool, visiting(gateway.base_url, pool.customer.live) as visitor:
        reply = await post(visitor, ASK, say(pool.route.model))
        assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        used = events_of(reply.body)[-1]
        (event,) = await pool.closed(1)
        assert event["key"] == pool.customer.project.keys[0].id
        assert used["cost"] is not None
        assert int(event["cost"]) == round(float(used["cost"]) * 10**9) > 0
        assert (used["input"], used["output"], used["estimated"]) == (9, 12, False) or used["output"] > 0
        assert pool.customer.live not in gateway.log


async def test_a_project_for_one_protocol_has_its_playground_all_the_same(
    world: World, gateway: GatewayProcess
) -> None:
    customer, route = await world.serve()
    only = customer.project.surface.model_copy(update={"protocols": ("anthropic",)})
    await world.apply(customer.project.model_copy(update={"surface": only}))
    async with visiting(gateway.base_url, customer.live) as visitor:
        assert (await post(visitor, ASK, say(route.model))).status == 200


async def test_errors_are_told_as_to_a_client_of_the_api(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    provider.script(error(400, "no such setting"))
    async with visiting(gateway.base_url, customer.live) as visitor:
        refused = await post(visitor, ASK, say(route.model))
        assert (refused.status, refused.error["message"]) == (400, "no such setting")
        wrong = await post(visitor, ASK, say(route.model, temperature=5))
        assert (wrong.status, wrong.error["param"]) == (400, "temperature")
        unknown = await post(visitor, ASK, say("nothing"))
        assert unknown.status == 404
        broken = await post(visitor, DRAW, {"model": route.model})
        assert (broken.status, broken.error["param"]) == (400, "prompt")


async def test_nobody_asks_with_the_models_of_another_project(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    theirs = make_route(upstream, groups=("theirs",))
    customer = make_project()
    await world.apply(upstream, theirs, customer)
    async with visiting(gateway.base_url, customer.live) as visitor:
        page = (await visitor.get("/dashboard/playground")).body.decode()
        assert theirs.model not in page
        assert (await post(visitor, ASK, say(theirs.model))).status in (403, 404)


@pytest.mark.parametrize("path", [ASK, DRAW, CODE])
async def test_without_a_session_or_its_proof_nothing_is_asked(
    world: World, gateway: GatewayProcess, provider: FakeProvider, path: str
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with visiting(gateway.base_url) as stranger:
        assert (await post(stranger, path, say(route.model), proof="x")).status == 401
    async with visiting(gateway.base_url, customer.live) as visitor:
        assert (await post(visitor, path, say(route.model), proof="guessed")).status == 403
        foreign = await visitor.post(path, "{}", origin="https://elsewhere.example")
        assert foreign.status == 403
    assert provider.requests == []


async def test_the_code_of_a_request_names_the_key_nowhere(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with visiting(gateway.base_url, customer.live) as visitor:
        chat = (await post(visitor, CODE, say(route.model))).json
        drawn = (await post(visitor, CODE, {"model": route.model, "prompt": "a fox"})).json
        assert set(chat) == set(drawn) == {"curl", "python", "node"}
        assert "/v1/images/generations" in drawn["curl"]
        assert customer.live not in json.dumps(chat)
        half = await visitor.post(
            CODE, '{"model":"\\ud83d","messages":[]}',
            **{"content-type": "application/json", "x-havuz-proof": await visitor.proof()},
        )  # fmt: skip
        assert half.status == 400


@pytest.mark.parametrize("language", ["en", "tr"])
async def test_the_guide_is_there_without_any_script(world: World, gateway: GatewayProcess, language: str) -> None:
    customer, route = await world.serve()
    async with visiting(gateway.base_url, customer.live, language=language) as visitor:
        start = (await visitor.get("/dashboard/start")).body.decode()
        assert route.model in start
        contents = (await visitor.get("/dashboard/reference")).body.decode()
        assert ("Hatalar" if language == "tr" else "Errors") in contents
        for section in ("chat", "responses", "messages", "google", "image-tasks", "mini", "files"):
            reply = await visitor.get(f"/dashboard/reference/{section}")
            assert (reply.status, len(reply.body) < 150_000) == (200, True), section
        assert (await visitor.get("/dashboard/reference/none")).status == 404
