"""The ways to send a key, and what a wrong one is told; no key is ever logged."""

import uuid

import pytest

from harness.builders import make_project, make_project_key
from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.world import World

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("way", ["bearer", "x-api-key", "query", "all three"])
async def test_every_way_to_send_a_key_works(world: World, gateway: GatewayProcess, way: str) -> None:
    customer, route = await world.serve()
    headers, query = {}, ""
    if way in ("bearer", "all three"):
        headers["authorization"] = f"Bearer {customer.live}"
    if way in ("x-api-key", "all three"):
        headers["X-API-Key"] = customer.live
    if way in ("query", "all three"):
        query = f"?api_key={customer.live}"
    async with calling(gateway.base_url, None) as caller:
        listed = await caller.get(f"/v1/models{query}", **headers)
        body = {"model": route.model, "messages": [{"role": "user", "content": "x"}]}
        answered = await caller.post(CHAT + query, body, **headers)
    assert (listed.status, answered.status) == (200, 200)


async def test_two_different_keys_are_a_400(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.get("/v1/models", **{"x-api-key": customer.test})
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer pk_live_wrong", "pk_live_bare"])
async def test_no_key_and_a_wrong_key_are_a_401(world: World, gateway: GatewayProcess, header: str) -> None:
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.post(CHAT, {}, authorization=header)
    assert (reply.status, reply.error["type"], reply.error["code"]) == (401, "authentication_error", 401)


async def test_a_wrong_key_is_told_before_a_wrong_body(world: World, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, "pk_live_wrong") as caller:
        reply = await caller.post(CHAT, b"not json")
    assert reply.status == 401


async def test_an_expired_key_and_a_suspended_project_are_refused(world: World, gateway: GatewayProcess) -> None:
    secret = f"pk_live_{uuid.uuid4().hex}"
    expired = make_project(keys=(make_project_key(secret, expires_at=1.0),))
    suspended = make_project(suspended=True)
    await world.apply(expired, suspended)
    for key, status in ((secret, 401), (suspended.live, 403)):
        async with calling(gateway.base_url, key) as caller:
            assert (await caller.get("/v1/models")).status == status


async def test_a_key_works_on_its_hosts_only(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(surface={"hosts": ("api.example.com",)})
    await world.apply(customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert (await caller.get("/v1/models")).status == 403
        assert (await caller.get("/v1/models", host="API.example.com:8443")).status == 200


async def test_no_key_is_logged(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    marker = f"pk_live_{uuid.uuid4().hex}"
    async with calling(gateway.base_url, None) as caller:
        for key in (customer.live, marker):
            await caller.get(f"/v1/models?api_key={key}")
            await caller.post(f"{CHAT}?api_key={key}", {"model": route.model, "messages": 5})
            await caller.post(CHAT, {"model": key, "messages": []}, authorization=f"Bearer {key}")
            await caller.get(f"/unknown?api_key={key}", **{"x-api-key": key})
    assert customer.live not in gateway.log
    assert marker not in gateway.log
