"""A gateway with no more rights in Redis than the chart gives it."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from redis.asyncio import Redis

from harness.fixtures import StartGateway
from harness.paying import paying
from harness.redis_rights import rights_of
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.key_requests import KeyAnswer, KeyRequest, KeyRequests
from havuz_contract.snapshot.envelope import Keyring


async def test_the_chart_s_users_may_ask_for_keys_and_answer(
    start_valkey: Callable[..., ValkeyServer], encryption_keys: str
) -> None:
    server, ring = start_valkey(), Keyring.parse(encryption_keys)
    request = KeyRequest("request-0123456789", "Reset", "p1", "ai", "shop", "live", asked_at=1.0, asked_by="key_1")
    async with AsyncExitStack() as stack:
        root = await stack.enter_async_context(Redis.from_url(server.url))
        desks = {}
        for user in ("gateway", "operator"):
            await root.execute_command("ACL", "SETUSER", user, "on", ">secret", *rights_of(user))
            url = server.url.replace("://", f"://{user}:secret@")
            desks[user] = KeyRequests(await stack.enter_async_context(Redis.from_url(url)), ring)
        await desks["gateway"].ask(request)
        assert await desks["operator"].pending() == [request]
        await desks["operator"].answer(request, KeyAnswer("Done", "It is done.", "pk_live_new"))
        assert await desks["operator"].pending() == []
        answer = await desks["gateway"].take("p1", request.id)
        assert answer is not None
        assert answer.key == "pk_live_new"
        assert await root.execute_command("ACL", "LOG") == []


async def test_the_chart_s_gateway_may_do_all_that_it_has_to(
    start_valkey: Callable[..., ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey()
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.redis.execute_command("ACL", "SETUSER", "gateway", "on", ">secret", *rights_of("gateway"))
        await world.apply()
        gateway = start_gateway(redis_url=server.url.replace("://", "://gateway:secret@"))
        world.gateways.append(gateway)
        async with paying(world, gateway) as customer:
            assert (await customer.ask()).status == 200
            body = {"model": customer.route.model, "input": "One"}
            first = await customer.caller.post("/v1/responses", body)
            assert "x-havuz-stored" not in first.headers
            going_on = {**body, "previous_response_id": first.json["id"]}
            assert (await customer.caller.post("/v1/responses", going_on)).status == 200
            assert (await customer.caller.send("DELETE", f"/v1/responses/{first.json['id']}")).status == 200
            await customer.closed(3)
            assert (await customer.proof()).faults == ()
        denied = await world.redis.execute_command("ACL", "LOG")
    assert denied == []
    assert "Traceback" not in gateway.log
