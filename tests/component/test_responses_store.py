"""Responses that are kept: read again, gone on from at any gateway, by their own project alone, for some time."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys

PATH = "/v1/responses"
DAYS = 86_400
BUDGET = 128 * 1024


async def ask(caller: Caller, model: str, text: Any, **fields: Any) -> Reply:
    """One call, which must be answered."""
    reply = await caller.post(PATH, {"model": model, "input": text, **fields})
    assert reply.status == 200, reply.body
    return reply


def said(reply: Reply) -> dict[str, Any]:
    """The response object of an answer, whole or streamed."""
    if reply.headers["content-type"].startswith("application/json"):
        body: dict[str, Any] = reply.json
        return body
    *_, last = reply.responses_events
    assert last["type"] == "response.completed", last
    response: dict[str, Any] = last["response"]
    return response


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_response_is_read_again_as_it_was_answered(
    world: World, gateway: GatewayProcess, provider: FakeProvider, stream: bool
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        answered = said(await ask(caller, route.model, "Hello!", stream=stream))
        again = await caller.get(f"/api{PATH}/{answered['id']}")
    assert again.status == 200
    assert again.json == answered


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_conversation_goes_on_at_another_gateway(
    world: World, gateway: GatewayProcess, start_gateway: StartGateway, provider: FakeProvider, stream: bool
) -> None:
    other = start_gateway()
    world.gateways.append(other)
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as here, calling(other.base_url, customer.live) as there:
        first = said(await ask(here, route.model, "One", instructions="Be brief.", stream=stream))
        second = said(await ask(there, route.model, "Two", previous_response_id=first["id"], stream=stream))
        third = said(await ask(here, route.model, "Three", previous_response_id=second["id"], stream=stream))
    assert (second["previous_response_id"], third["previous_response_id"]) == (first["id"], second["id"])
    answer = "Hello! How can I help you today?"
    turns = [("user", "One"), ("assistant", answer), ("user", "Two"), ("assistant", answer), ("user", "Three")]
    messages = provider.requests[-1].json["messages"]
    assert [(message["role"], _text(message)) for message in messages] == turns, "instructions are of one request"
    assert _text(provider.requests[0].json["messages"][0]) == "Be brief."


async def test_a_call_of_a_tool_is_answered_by_its_result_alone(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    async with calling(gateway.base_url, customer.test) as caller:
        first = said(await ask(caller, route.model, "weather?", tools=[tool]))
        [call] = [item for item in first["output"] if item["type"] == "function_call"]
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        second = said(await ask(caller, route.model, [result], tools=[tool], previous_response_id=first["id"]))
    assert second["output"][0]["type"] == "message"


async def test_what_is_not_to_be_stored_is_not(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        first = await ask(caller, route.model, "Hello!", store=False)
        assert "x-havuz-stored" not in first.headers
        missing = await caller.get(f"{PATH}/{first.json['id']}")
        after = await caller.post(PATH, {"model": route.model, "input": "x", "previous_response_id": first.json["id"]})
    assert (missing.status, missing.error["type"]) == (404, "not_found_error")
    assert (after.status, after.error["code"], after.error["param"]) == (
        400, "previous_response_not_found", "previous_response_id",
    )  # fmt: skip


async def test_another_project_s_response_does_not_exist(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    stranger = make_project()
    await world.apply(stranger)
    async with calling(gateway.base_url, customer.live) as owner, calling(gateway.base_url, stranger.live) as other:
        name = (await ask(owner, route.model, "Hello!")).json["id"]
        statuses = [
            (await other.send(method, f"{PATH}/{name}{below}")).status
            for method, below in [("GET", ""), ("GET", "/input_items"), ("POST", "/cancel"), ("DELETE", "")]
        ]
        after = await other.post(PATH, {"model": route.model, "input": "x", "previous_response_id": name})
        assert (await owner.get(f"{PATH}/{name}")).status == 200
    assert statuses == [404, 404, 404, 404]
    assert after.error["code"] == "previous_response_not_found"


async def test_a_deleted_response_is_gone(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        first = (await ask(caller, route.model, "One")).json["id"]
        second = (await ask(caller, route.model, "Two", previous_response_id=first)).json["id"]
        deleted = await caller.send("DELETE", f"{PATH}/{first}")
        again = await caller.send("DELETE", f"{PATH}/{first}")
        after = await caller.post(PATH, {"model": route.model, "input": "x", "previous_response_id": second})
    assert deleted.json == {"id": first, "object": "response", "deleted": True}
    assert again.status == 404
    assert first in after.error["message"], "a conversation with a hole in it is not gone on with"
    uid = customer.project.uid
    assert await world.redis.zscore(keys.responses(uid), first) is None


async def test_input_items_are_listed_in_pages(world: World, gateway: GatewayProcess, provider: FakeProvider) -> None:
    customer, route = await world.serve(provider.base_url)
    items = [{"role": "user", "content": f"{number}"} for number in range(3)]
    async with calling(gateway.base_url, customer.live) as caller:
        name = (await ask(caller, route.model, items)).json["id"]
        everything = (await caller.get(f"{PATH}/{name}/input_items")).json
        page = (await caller.get(f"{PATH}/{name}/input_items?order=asc&limit=2&include[]=x")).json
        rest = (await caller.get(f"{PATH}/{name}/input_items?order=asc&limit=2&after={page['last_id']}")).json
        wrong = [await caller.get(f"{PATH}/{name}/input_items?{query}") for query in ("limit=0", "order=x", "after=x")]
    assert [item["content"][0]["text"] for item in everything["data"]] == ["2", "1", "0"]
    assert [item["content"][0]["text"] for item in page["data"] + rest["data"]] == ["0", "1", "2"]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert page["first_id"] == page["data"][0]["id"]
    assert [reply.error["param"] for reply in wrong] == ["limit", "order", "after"]


async def test_what_only_background_responses_can_is_refused(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        name = (await ask(caller, route.model, "Hello!")).json["id"]
        cancelled = await caller.send("POST", f"{PATH}/{name}/cancel")
        streamed = await caller.get(f"{PATH}/{name}?stream=true&starting_after=3")
        wrong = await caller.send("POST", f"{PATH}/{name}")
        unknown = await caller.get(f"{PATH}/{name}/output_items")
    assert (cancelled.status, streamed.status, streamed.error["param"]) == (400, 400, "stream")
    assert (wrong.status, wrong.headers["allow"], unknown.status) == (405, "GET, DELETE", 404)


async def test_what_is_kept_is_sealed_and_has_a_time_to_live_that_use_renews(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        name = (await ask(caller, route.model, "a secret")).json["id"]
        key = keys.response(customer.project.uid, name)
        assert 29 * DAYS < await world.redis.ttl(key) <= 30 * DAYS
        value = await world.redis.get(key)
        assert value is not None
        assert value.startswith(b"v1.")
        await world.redis.expire(key, 60)
        await caller.get(f"{PATH}/{name}")
        assert await world.redis.ttl(key) <= 60, "to read is not to go on"
        await ask(caller, route.model, "Two", previous_response_id=name)
        assert await world.redis.ttl(key) > 29 * DAYS
    assert "a secret" not in gateway.log


async def test_the_oldest_responses_of_a_project_make_room(
    world: World, start_gateway: StartGateway, provider: FakeProvider
) -> None:
    small = start_gateway(response_bytes=str(BUDGET))
    world.gateways.append(small)
    customer, route = await world.serve(provider.base_url)
    async with calling(small.base_url, customer.live) as caller:
        names = [(await ask(caller, route.model, _incompressible(number))).json["id"] for number in range(3)]
        statuses = [(await caller.get(f"{PATH}/{name}")).status for name in names]
        too_large = await ask(caller, route.model, _incompressible(9) * 4)
    assert statuses == [404, 200, 200]
    assert too_large.headers["x-havuz-stored"] == "false"
    uid = customer.project.uid
    sizes: Any = await world.redis.hgetall(keys.response_sizes(uid))
    total = int(sizes.pop(b""))
    assert total == sum(map(int, sizes.values())) <= BUDGET
    assert set(sizes) == set(await world.redis.zrange(keys.responses(uid), 0, -1))


async def test_without_redis_answers_are_served_and_said_not_to_be_stored(
    start_valkey: Callable[..., ValkeyServer], start_gateway: StartGateway, encryption_keys: str, provider: FakeProvider
) -> None:
    server = start_valkey()
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply()
        gateway = start_gateway(redis_url=server.url)
        world.gateways.append(gateway)
        upstream = make_upstream(provider.base_url)
        route, customer = make_route(upstream), make_project()
        await world.apply(upstream, route, customer)
        async with calling(gateway.base_url, customer.live) as caller:
            kept = (await ask(caller, route.model, "One")).json["id"]
            server.stop()
            whole = await ask(caller, route.model, "Two")
            streamed = await ask(caller, route.model, "Two", stream=True)
            read = await caller.get(f"{PATH}/{kept}")
            after = await caller.post(PATH, {"model": route.model, "input": "x", "previous_response_id": kept})
    assert (whole.headers["x-havuz-stored"], streamed.headers["x-havuz-stored"]) == ("false", "false")
    assert said(streamed)["status"] == "completed"
    assert [(reply.status, reply.error["type"]) for reply in (read, after)] == [(503, "service_unavailable")] * 2


async def test_a_test_key_keeps_and_goes_on_as_well(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:1/v1")
    async with calling(gateway.base_url, customer.test) as caller:
        first = said(await ask(caller, route.model, "One", stream=True))
        second = said(await ask(caller, route.model, "Two", previous_response_id=first["id"]))
        again = await caller.get(f"{PATH}/{second['id']}")
    assert "Two" in json.dumps(again.json["output"])


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _incompressible(seed: int) -> str:
    return random.Random(seed).randbytes(30_000).hex()
