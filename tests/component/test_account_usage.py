"""`GET /v1/usage`: what a customer used, by model, key and day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.account import past, rows, top_up, usage_event
from harness.builders import Customer, fresh, make_project, make_project_key, make_route, make_upstream
from harness.caller import calling
from harness.gateway import GatewayProcess
from harness.metering import UNIT, prepaid
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import ProjectKey

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOON = timedelta(hours=12)


def days_ago(days: int) -> datetime:
    return TODAY - timedelta(days=days)


@pytest.fixture
def second_key() -> ProjectKey:
    return make_project_key(fresh("pk_live_"), name="second")


@pytest.fixture
async def customer(world: World, valkey: ValkeyServer, second_key: ProjectKey) -> Customer:
    """One who used `a` 40 days ago and, with both keys, `a` and `b` two days ago."""
    made = make_project(billing=prepaid(100 * UNIT))
    project = made.project.model_copy(update={"keys": (*made.project.keys, second_key)})
    made = Customer(project, made.live, made.test)
    stranger = make_project(billing=prepaid(100 * UNIT))
    await world.apply(made, stranger)
    first = project.keys[0]
    async with past(valkey.url) as then:
        for one in (made, stranger):
            await top_up(world.redis, one)
            await then.used(
                one.project, one.project.keys[0], at=(days_ago(40) + NOON).timestamp(), model="a", cost=4 * UNIT
            )
        earlier, later = (days_ago(2) + timedelta(hours=10)).timestamp(), (days_ago(2) + NOON).timestamp()
        await then.used(project, first, at=earlier, model="a", cost=UNIT // 2)
        await then.used(project, second_key, at=later, model="a", cost=UNIT, upstream="default/other")
        await then.used(project, first, at=later + 60, model="b|c", cost=2, status="error")
    return made


NO_PIECES = {"images": 0, "characters": 0, "audio_seconds": 0}


async def test_each_model_has_a_row_of_exact_amounts(customer: Customer, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get("/v1/usage")).json
    assert told == {
        "object": "list",
        "data": [
            {
                "model": "a", "requests": 2, "errors": 0, "input_tokens": 20, "output_tokens": 10,
                "cache_read_tokens": 8, "cache_write_tokens": 2, "cost": "1.5", **NO_PIECES,
            },
            {
                "model": "b|c", "requests": 1, "errors": 1, "input_tokens": 10, "output_tokens": 5,
                "cache_read_tokens": 4, "cache_write_tokens": 1, "cost": "0.000000002", **NO_PIECES,
            },
        ],
        "unit": "USD",
        "from": f"{days_ago(29):%Y-%m-%dT00:00:00Z}",
        "to": f"{days_ago(-1):%Y-%m-%dT00:00:00Z}",
    }  # fmt: skip


async def test_keys_have_their_ids_and_names(
    customer: Customer, gateway: GatewayProcess, second_key: ProjectKey
) -> None:
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get("/api/v1/usage?group_by=key")).json
    first = customer.project.keys[0]
    expected = {(first.id, "live", 2, "0.500000002"), (second_key.id, "second", 1, "1")}
    assert set(rows(told, "keyid", "name", "requests", "cost")) == expected


async def test_days_are_in_order_and_whole(customer: Customer, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, customer.live) as caller:
        whole = f"from={days_ago(40):%Y-%m-%d}&to={days_ago(2):%Y-%m-%d}"
        told = (await caller.get(f"/v1/usage?{whole}&group_by=day")).json
        one = (await caller.get(f"/v1/usage?from={days_ago(40):%Y-%m-%d}&to={days_ago(40):%Y-%m-%d}")).json
    expected = [(f"{days_ago(40):%Y-%m-%d}", 1, "4"), (f"{days_ago(2):%Y-%m-%d}", 3, "1.500000002")]
    assert rows(told, "day", "requests", "cost") == expected
    assert rows(one, "model", "cost") == [("a", "4")]


@pytest.mark.parametrize(
    ("begin", "end", "requests"),
    [("10:00:00Z", "11:00:00Z", 1), ("10:59:59Z", "12:00:00Z", 1), ("11:00:00Z", "12:00:01Z", 2),
     ("13:00:00+03:00", "23:00:00%2B03:00", 3), ("13:00:00Z", "23:00:00Z", 0)],
)  # fmt: skip
async def test_times_are_answered_by_the_hours_that_hold_them(
    customer: Customer, gateway: GatewayProcess, begin: str, end: str, requests: int
) -> None:
    day = f"{days_ago(2):%Y-%m-%d}"
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/v1/usage?from={day}T{begin}&to={day}T{end}&group_by=day")).json
    assert sum(row["requests"] for row in told["data"]) == requests
    assert told["from"].endswith(":00:00Z")


async def test_days_and_hours_meet_without_a_gap_and_without_counting_twice(
    customer: Customer, gateway: GatewayProcess
) -> None:
    span = f"from={days_ago(4):%Y-%m-%d}T22:00:00Z&to={days_ago(0):%Y-%m-%d}T03:00:00Z"
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/v1/usage?{span}")).json
    assert rows(told, "model", "requests") == [("a", 2), ("b|c", 1)]


@pytest.mark.parametrize(
    ("query", "param"),
    [("from=yesterday", "from"), ("to=2026-02-30", "to"), ("from=2026-01-01T00:00:00", "from"),
     ("to=9999-12-31", "to"), ("from=2026-03-02&to=2026-03-01", "to"), ("from=2024-01-01&to=2026-01-01", "from"),
     ("from=2026-01-01T05:00:00Z&to=2026-01-03", "from"), ("from=2026-01-01&to=2026-01-03T05:00:00Z", "to"),
     ("group_by=upstream", "group_by"), ("group_by=key&group_by=day", "group_by"), ("form=2026-01-01", "form"),
     ("from=", "from")],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(world: World, gateway: GatewayProcess, query: str, param: str) -> None:
    customer = make_project()
    await world.apply(customer)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.get(f"/v1/usage?{query}")
    assert (reply.status, reply.error["type"], reply.error["param"]) == (400, "invalid_request_error", param)
    assert repr(param) in reply.error["message"]


async def test_400_days_are_answered(customer: Customer, gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, customer.live) as caller:
        told = (await caller.get(f"/v1/usage?from={days_ago(399):%Y-%m-%d}")).json
        over = await caller.get(f"/v1/usage?from={days_ago(400):%Y-%m-%d}")
    assert sum(row["requests"] for row in told["data"]) == 4
    assert over.status == 400


async def test_a_project_that_pays_nothing_sees_what_it_used(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, customer = make_route(upstream), make_project()
    await world.apply(upstream, route, customer)
    message: dict[str, Any] = {"model": route.model, "messages": [{"role": "user", "content": "Merhaba!"}]}
    async with calling(gateway.base_url, customer.live) as caller:
        answered = await caller.post("/v1/chat/completions", message)
        await usage_event(world.redis, customer)
        told = (await caller.get("/v1/usage")).json
    assert answered.json["usage"]["prompt_tokens"] == told["data"][0]["input_tokens"]
    assert rows(told, "model", "requests", "cost") == [(route.model, 1, "0")]


async def test_usage_needs_a_key(gateway: GatewayProcess) -> None:
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.get("/v1/usage")
    assert (reply.status, reply.error["type"]) == (401, "authentication_error")
