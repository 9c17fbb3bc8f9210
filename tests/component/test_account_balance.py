"""`GET /api/balance/{keyid}`: what a customer is told of its money."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from harness.account import past, top_up, usage_event
from harness.builders import make_project, make_project_key, make_route, make_upstream
from harness.caller import calling
from harness.fake_provider import FakeProvider
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.metering import UNIT, monthly, prepaid
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract import keys
from havuz_contract.money import format_amount, parse_amount
from havuz_contract.periods import period
from havuz_contract.snapshot.models import Price, Surface

FIELDS = {"keyid", "balance", "unit", "reserved", "spent", "period", "updated_at"}


async def test_the_balance_follows_credits_and_requests(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url)
    route = make_route(upstream, prices=(Price(unit="USD", input=2 * UNIT, output=8 * UNIT),))
    customer = make_project(billing=prepaid(10 * UNIT))
    live, test = customer.project.keys
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        nothing = await caller.get(f"/api/balance/{live.id}")
        assert nothing.json == {
            "keyid": live.id, "balance": "0", "unit": "USD", "reserved": "0", "spent": "0", "period": None,
            "updated_at": None,
        }  # fmt: skip
        await top_up(world.redis, customer)
        full = (await caller.get(f"/api/balance/{live.id}")).json
        assert (full["balance"], full["spent"]) == ("10", "0")
        updated = datetime.fromisoformat(full["updated_at"])
        assert abs(updated.timestamp() - time.time()) < 60
        message = {"model": route.model, "messages": [{"role": "user", "content": "Merhaba!"}], "max_tokens": 50}
        answered = await caller.post("/v1/chat/completions", message)
        await usage_event(world.redis, customer)
        cost = parse_amount(answered.headers["x-havuz-cost"])
        after = await caller.get(f"/api/balance/{test.id}")  # another key, the same project
    assert cost > 0
    assert set(after.json) == FIELDS
    assert after.json["keyid"] == test.id
    assert (after.json["balance"], after.json["spent"]) == (format_amount(10 * UNIT - cost), format_amount(cost))
    assert after.headers["cache-control"] == "no-store"


async def test_what_open_requests_hold_is_reserved(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(billing=prepaid(10 * UNIT, unit="credits"))
    await world.apply(customer)
    await top_up(world.redis, customer)
    await world.redis.hset(keys.account(customer.project.uid), mapping={"balance": 7 * UNIT, "reserved": 3 * UNIT})
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/api/balance/{customer.project.keys[0].id}")).json
    assert (told["balance"], told["reserved"], told["unit"]) == ("7", "3", "credits")


async def test_a_monthly_plan_tells_its_period(world: World, gateway: GatewayProcess, valkey: ValkeyServer) -> None:
    plan = monthly(20 * UNIT, credit=UNIT)
    customer = make_project(billing=plan)
    key = customer.project.keys[0]
    await world.apply(customer)
    await top_up(world.redis, customer)
    assert plan.monthly is not None
    month = period(plan.monthly, time.time())
    async with calling(gateway.base_url, customer.live) as caller:
        before = (await caller.get(f"/api/balance/{key.id}")).json
        async with past(valkey.url) as then:
            await then.used(customer.project, key, at=time.time(), model="m", cost=3 * UNIT)
        after = (await caller.get(f"/api/balance/{key.id}")).json
    assert before["balance"] == "21"
    assert (after["balance"], after["spent"]) == ("18", "3")
    assert after["period"] == {
        "id": month.id,
        "start": f"{datetime.fromtimestamp(month.start, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{datetime.fromtimestamp(month.end, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "allowance": "17",
        "spent": "3",
    }


async def test_the_id_of_another_project_or_of_no_key_is_404_and_is_not_repeated(
    world: World, gateway: GatewayProcess
) -> None:
    mine, other = make_project(billing=prepaid(UNIT)), make_project(billing=prepaid(UNIT))
    await world.apply(mine, other)
    async with calling(gateway.base_url, mine.live) as caller:
        for asked in (other.project.keys[0].id, "no-such-id", mine.live, f"{mine.project.keys[0].id}/"):
            reply = await caller.get(f"/api/balance/{asked}")
            assert (reply.status, reply.error["type"], reply.error["code"]) == (404, "not_found_error", 404)
            assert asked not in reply.error["message"]
        assert (await caller.get("/api/balance/")).status == 404
        assert (await caller.post(f"/api/balance/{mine.project.keys[0].id}", {})).status == 405
    async with calling(gateway.base_url, None) as caller:
        assert (await caller.get(f"/api/balance/{mine.project.keys[0].id}")).status == 401


async def test_a_project_that_pays_nothing_has_zeros(world: World, gateway: GatewayProcess) -> None:
    customer = make_project()
    await world.apply(customer)
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/api/balance/{customer.project.keys[0].id}")).json
    assert (told["balance"], told["reserved"], told["spent"], told["unit"]) == ("0", "0", "0", "USD")


async def test_a_test_key_sees_zeros_in_the_units_of_its_project(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(billing=monthly(20 * UNIT, credit=UNIT, unit="credits"))
    await world.apply(customer)
    await top_up(world.redis, customer)
    async with calling(gateway.base_url, customer.test) as caller:
        told = (await caller.get(f"/api/balance/{customer.project.keys[0].id}")).json
        used = await caller.get("/v1/usage")
    assert (told["balance"], told["spent"], told["unit"]) == ("0", "0", "credits")
    assert (told["period"]["allowance"], told["period"]["spent"]) == ("0", "0")
    assert (used.status, used.json["data"], used.json["unit"]) == (200, [], "credits")


async def test_a_project_sees_its_money_whatever_its_protocols_and_only_on_its_hosts(
    world: World, gateway: GatewayProcess
) -> None:
    elsewhere = make_project(surface=Surface(hosts=("api.example.com",)))
    other_protocol = make_project(surface=Surface(protocols=("another",)))
    await world.apply(elsewhere, other_protocol)
    async with calling(gateway.base_url, other_protocol.live) as caller:
        assert (await caller.get(f"/api/balance/{other_protocol.project.keys[0].id}")).status == 200
    async with calling(gateway.base_url, elsewhere.live) as caller:
        assert (await caller.get(f"/api/balance/{elsewhere.project.keys[0].id}")).status == 403


async def test_an_account_in_another_unit_than_the_plan_is_told_as_it_is(world: World, gateway: GatewayProcess) -> None:
    secret = make_project_key("pk_live_unit")
    customer = make_project(billing=prepaid(5 * UNIT))
    await world.apply(customer)
    await top_up(world.redis, customer)
    changed = customer.project.model_copy(
        update={"billing": monthly(20 * UNIT, unit="credits"), "keys": (*customer.project.keys, secret)}
    )
    await world.apply(changed)
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/api/balance/{secret.id}")).json
    assert (told["balance"], told["unit"]) == ("5", "USD")


async def test_without_redis_both_answer_503_at_once(
    start_valkey: Callable[..., ValkeyServer], start_gateway: StartGateway, encryption_keys: str
) -> None:
    server = start_valkey()
    customer = make_project(billing=prepaid(UNIT))
    async with World(redis_url=server.url, encryption_keys=encryption_keys) as world:
        await world.apply(customer)
    process = start_gateway(redis_url=server.url)
    async with calling(process.base_url, customer.live) as caller:
        paths = (f"/api/balance/{customer.project.keys[0].id}", "/v1/usage")
        assert [(await caller.get(path)).status for path in paths] == [200, 200]
        server.stop()
        for path in paths:
            asked = time.monotonic()
            reply = await caller.get(path)
            assert time.monotonic() - asked < 1
            assert (reply.status, reply.error["type"]) == (503, "service_unavailable")
            assert reply.headers["retry-after"] == "1"
