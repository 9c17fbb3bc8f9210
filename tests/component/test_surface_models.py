"""Which models a key sees, and how it is told of the others."""

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Billing, Price


async def test_only_what_the_key_may_use_is_listed(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    open_route, closed_route = make_route(upstream), make_route(upstream)
    customer = make_project(allow=(open_route.model,))
    await world.apply(upstream, open_route, closed_route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        listed = await caller.get("/v1/models")
    assert [model["id"] for model in listed.json["data"]] == [open_route.model]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
async def test_a_model_without_a_route_is_404_and_one_without_the_right_403(
    world: World, gateway: GatewayProcess, path: str
) -> None:
    upstream = make_upstream()
    closed_route = make_route(upstream)
    customer = make_project(deny=(closed_route.model,))
    await world.apply(upstream, closed_route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        for model, status, kind in (
            ("no-such-model", 404, "not_found_error"),
            (closed_route.model, 403, "permission_error"),
        ):
            message = {"messages": [{"role": "user", "content": "x"}], "input": "x", "model": model}
            called = await caller.post(path, message)
            retrieved = await caller.get(f"/v1/models/{model}")
            assert (called.status, called.error["type"], called.error["code"]) == (status, kind, status)
            assert called.error["param"] == "model"
            assert model in called.error["message"]
            assert (retrieved.status, retrieved.error["type"]) == (status, kind)


async def test_a_very_long_id_is_not_repeated_as_a_whole(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        asked = {"model": "m" * 100_000, "messages": [{"role": "user", "content": "x"}]}
        reply = await caller.post("/v1/chat/completions", asked)
    assert (reply.status, len(reply.error["message"]) < 400) == (404, True)


async def test_an_id_with_slashes_and_an_alias_are_found(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route = make_route(upstream, model="meta-llama/Llama-3.3/70b", aliases=("llama",), name="llama-route")
    customer = make_project()
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        plain = await caller.get("/v1/models/meta-llama/Llama-3.3/70b")
        escaped = await caller.get("/v1/models/meta-llama%2FLlama-3.3%2F70b")
        alias = await caller.get("/v1/models/llama")
    assert plain.json["id"] == escaped.json["id"] == "meta-llama/Llama-3.3/70b"
    assert (alias.json["id"], alias.json["root"]) == ("llama", "meta-llama/Llama-3.3/70b")


async def test_a_model_that_serves_other_operations_says_so(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve(operations=frozenset({"embeddings"}))
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
        reply = await caller.post("/v1/chat/completions", body)
    assert (reply.status, reply.error["param"]) == (400, "model")
    assert "embeddings" in reply.error["message"]


async def test_a_model_that_the_project_cannot_pay_for_is_hidden_and_says_why(
    world: World, gateway: GatewayProcess
) -> None:
    upstream = make_upstream()
    in_credits = make_route(upstream, prices=(Price(unit="credits", per_request=1),))
    in_dollars = make_route(upstream, prices=(Price(unit="USD", per_request=1),))
    paying, free = make_project(billing=Billing(plan="Prepaid")), make_project()
    await world.apply(upstream, in_credits, in_dollars, paying, free)
    async with calling(gateway.base_url, paying.live) as caller:
        listed = await caller.get("/v1/models")
        hidden = await caller.get(f"/v1/models/{in_credits.model}")
        offered = await caller.get(f"/v1/models/{in_dollars.model}")
    assert [model["id"] for model in listed.json["data"]] == [in_dollars.model]
    assert (hidden.status, hidden.error["type"], hidden.error["param"]) == (402, "price_missing", "model")
    assert "USD" in hidden.error["message"]
    assert offered.json["id"] == in_dollars.model
    async with calling(gateway.base_url, free.live) as caller:
        assert (await caller.get(f"/v1/models/{in_credits.model}")).status == 200


async def test_models_need_a_key(world: World, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.get("/v1/models")
    assert (reply.status, reply.error["type"]) == (401, "authentication_error")
