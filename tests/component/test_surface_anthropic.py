"""Anthropic's endpoints: what they ask of a request, how their errors look, and what a test key gets."""

import json
from datetime import datetime
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_upstream
from harness.caller import Caller, Reply, calling
from harness.gateway import GatewayProcess
from harness.metering import prepaid
from harness.paying import paying
from harness.pooled import pooled
from harness.world import World
from havuz_contract.snapshot.models import Limits, Surface

BASES = ["/v1", "/api/v1"]
USER = [{"role": "user", "content": "Merhaba!"}]
VERSION = {"anthropic-version": "2023-06-01"}


def asked(model: str, /, **fields: Any) -> dict[str, Any]:
    body = {"model": model, "max_tokens": 64, "messages": USER, **fields}
    return {name: value for name, value in body.items() if value is not ...}


async def post(caller: Caller, body: Any, path: str = "/v1/messages") -> Reply:
    return await caller.send("POST", path, body, VERSION)


def refused(reply: Reply, status: int, kind: str) -> str:
    """The sentence of an error in Anthropic's form, after a check of all the rest."""
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    told = reply.json
    assert set(told) == {"type", "error", "request_id"}
    assert (told["type"], told["request_id"]) == ("error", reply.headers["request-id"])
    assert set(told["error"]) == {"type", "message"}
    assert told["error"]["type"] == kind
    return str(told["error"]["message"])


@pytest.mark.parametrize("base", BASES)
async def test_a_message_is_answered(world: World, gateway: GatewayProcess, base: str) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, None) as caller:
        headers = {**VERSION, "x-api-key": customer.live}
        reply = await caller.send("POST", f"{base}/messages?beta=true", asked(route.model), headers)
    assert reply.status == 200, reply.body
    answer = reply.json
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
    assert answer["id"].startswith("msg_")
    assert answer["model"] == route.model
    assert "Merhaba!" in answer["content"][0]["text"]
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert reply.headers["x-havuz-attempts"] == "1"


MISSING: list[tuple[dict[str, Any], str]] = [
    ({"model": ...}, "'model' is missing"),
    ({"model": ""}, "'model'"),
    ({"model": 5}, "'model'"),
    ({"max_tokens": ...}, "'max_tokens' is missing"),
    ({"max_tokens": -1}, "'max_tokens'"),
    ({"max_tokens": "64"}, "'max_tokens'"),
    ({"messages": ...}, "'messages' is missing"),
    ({"messages": []}, "non-empty"),
    ({"messages": "hi"}, "'messages' is a string"),
    ({"stream": "yes"}, "'stream'"),
    ({"timeout": 601}, "'timeout'"),
]


@pytest.mark.parametrize(("change", "says"), MISSING, ids=[str(change) for change, _ in MISSING])
async def test_what_a_request_must_have(
    world: World, gateway: GatewayProcess, change: dict[str, Any], says: str
) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await post(caller, asked(route.model, **change))
    assert says in refused(reply, 400, "invalid_request_error")


async def test_errors_have_anthropics_types(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, closed = make_route(upstream), make_route(upstream)
    customer = make_project(deny=(closed.model,))
    await world.apply(upstream, route, closed, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert "no-such" in refused(await post(caller, asked("no-such")), 404, "not_found_error")
        refused(await post(caller, asked(closed.model)), 403, "permission_error")
        refused(await post(caller, b"{"), 400, "invalid_request_error")
        refused(await caller.send("GET", "/v1/messages", None, VERSION), 405, "invalid_request_error")
        refused(await caller.send("POST", "/v1/messages/batches", {}, VERSION), 404, "not_found_error")
        refused(await post(caller, b" " * (33 * 1024 * 1024)), 413, "request_too_large")
    async with calling(gateway.base_url, "sk-wrong") as stranger:
        refused(await post(stranger, asked(route.model)), 401, "authentication_error")


async def test_a_key_that_may_not_speak_messages_is_told_so(world: World, gateway: GatewayProcess) -> None:
    upstream = make_upstream()
    route, customer = make_route(upstream), make_project(surface=Surface(protocols=("openai_chat",)))
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        assert "anthropic" in refused(await post(caller, asked(route.model)), 403, "permission_error")
        refused(await caller.send("GET", "/v1/models", None, VERSION), 403, "permission_error")
        assert (await caller.get("/v1/models")).status == 200


async def test_an_empty_balance_is_a_403_that_is_not_worth_repeating(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(0)) as customer:
        reply = await post(customer.caller, asked(customer.route.model))
    assert "balance" in refused(reply, 403, "billing_error")
    assert reply.headers["x-should-retry"] == "false"


async def test_limits_are_told_under_anthropics_names(world: World, gateway: GatewayProcess) -> None:
    limits = Limits(requests_per_minute=1, tokens_per_minute=10_000)
    async with pooled(world, gateway, project={"limits": limits}) as pool:
        reply = await post(pool.caller, asked(pool.route.model))
        over = await post(pool.caller, asked(pool.route.model))
    for name, limit in (("requests", "1"), ("tokens", "10000")):
        assert reply.headers[f"anthropic-ratelimit-{name}-limit"] == limit
        assert int(reply.headers[f"anthropic-ratelimit-{name}-remaining"]) < int(limit)
        reset = datetime.fromisoformat(reply.headers[f"anthropic-ratelimit-{name}-reset"])
        assert abs(reset.timestamp() - datetime.now().timestamp()) < 120
    refused(over, 429, "rate_limit_error")
    assert over.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert int(over.headers["retry-after"]) >= 1


async def test_a_body_of_thirty_megabytes_is_taken(world: World, gateway: GatewayProcess) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "QUJD" * 7_500_000}
    content = [{"type": "document", "source": source}, {"type": "text", "text": "What does it say?"}]
    openai = {"second_fields": {"provider": "openai-compatible"}}
    async with pooled(world, gateway, upstream_fields={"provider": "anthropic"}, **openai) as pool:
        body = json.dumps(asked(pool.route.model, messages=[{"role": "user", "content": content}])).encode()
        assert (await post(pool.caller, body)).status == 200
        assert len(pool.first.requests[0].body) > 30_000_000
        await pool.first.stop()
        reply = await post(pool.caller, body)
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")
        part = pool.second.requests[0].json["messages"][0]["content"][0]
        assert part["file"]["file_data"] == f"data:application/pdf;base64,{source['data']}"


async def test_a_test_key_gets_answers_without_a_provider(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve("http://127.0.0.1:1/v1")
    tool = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
    async with calling(gateway.base_url, customer.test) as caller:
        one = await post(caller, asked(route.model))
        two = await post(caller, asked(route.model))
        called = await post(caller, asked(route.model, tools=[tool], tool_choice={"type": "any"}))
        streamed = await post(caller, asked(route.model, stream=True))
        limited = await post(caller, asked(route.model, messages=[{"role": "user", "content": "havuz:error=429"}]))
        broken = await post(
            caller, asked(route.model, stream=True, messages=[{"role": "user", "content": "havuz:stream-break"}])
        )
    assert one.json["content"] == two.json["content"]
    assert called.json["stop_reason"] == "tool_use"
    assert called.json["content"][0]["name"] == "weather"
    assert streamed.body.startswith(b"event: message_start\n")
    assert streamed.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    refused(limited, 429, "rate_limit_error")
    assert b"event: content_block_delta" in broken.body
    assert b"event: error" in broken.body
    assert b"message_stop" not in broken.body


@pytest.mark.parametrize("base", BASES)
async def test_models_have_anthropics_form_where_its_version_is_named(
    world: World, gateway: GatewayProcess, base: str
) -> None:
    upstream = make_upstream()
    names = [f"claude-{letter}" for letter in "abcde"]
    routes = [make_route(upstream, model=name, created=1704056400, aliases=(f"{name}-latest",)) for name in names]
    customer = make_project()
    await world.apply(upstream, *routes, customer)
    async with calling(gateway.base_url, customer.live) as caller:

        async def page(query: str) -> tuple[list[str], bool]:
            reply = await caller.send("GET", f"{base}/models{query}", None, VERSION)
            ids = [model["id"] for model in reply.json["data"]]
            assert (reply.json["first_id"], reply.json["last_id"]) == (
                ids[0] if ids else None,
                ids[-1] if ids else None,
            )
            return ids, reply.json["has_more"]

        assert await page("") == (names, False)
        assert await page("?limit=2") == (names[:2], True)
        assert await page("?limit=2&after_id=claude-b") == (names[2:4], True)
        assert await page("?limit=2&after_id=claude-d") == (names[4:], False)
        assert await page("?limit=2&before_id=claude-d") == (names[1:3], True)
        assert await page("?before_id=claude-a") == ([], False)
        one = await caller.send("GET", f"{base}/models/claude-a-latest", None, VERSION)
        for wrong in (
            "?limit=0",
            "?limit=1001",
            "?limit=x",
            "?after_id=nobody",
            "?after_id=claude-a&before_id=claude-b",
        ):
            refused(await caller.send("GET", f"{base}/models{wrong}", None, VERSION), 400, "invalid_request_error")
        refused(await caller.send("GET", f"{base}/models/nobody", None, VERSION), 404, "not_found_error")
        assert (await caller.get(f"{base}/models")).json["object"] == "list"
    assert one.json == {
        "type": "model", "id": "claude-a-latest", "display_name": "claude-a", "created_at": "2023-12-31T21:00:00Z",
        "lifecycle": "active",
    }  # fmt: skip
