"""Counting a prompt's tokens: by a provider that counts, else by the documented estimate, and never for money."""

from typing import Any

import pytest

from harness.caller import Caller, Reply, calling
from harness.fake_provider import DeadPort, FakeProvider, Hang, Json, message_error
from harness.fake_provider_answers import Answer
from harness.gateway import GatewayProcess
from harness.google import path_of, refused
from harness.metering import prepaid
from harness.paying import paying
from harness.pooled import Pooled, pooled
from harness.world import World
from havuz_contract.snapshot.models import Limits

PATH = "/v1/messages/count_tokens"
CLAUDE = {"provider": "anthropic"}
GEMINI = {"provider": "gemini"}
MESSAGES = [{"role": "user", "content": "Hello!" * 100}]


async def count(caller: Caller, model: str, **fields: Any) -> Reply:
    return await caller.send("POST", PATH, {"model": model, "messages": MESSAGES} | fields, {"anthropic-version": "1"})


def estimated(reply: Reply) -> int:
    """The tokens of an answer that says of itself that it is an estimate."""
    assert (reply.status, reply.headers.get("x-havuz-estimated")) == (200, "true"), reply.body
    tokens = reply.json["input_tokens"]
    assert reply.json == {"input_tokens": tokens}
    assert isinstance(tokens, int)
    return tokens


async def chat(pool: Pooled) -> Reply:
    return await pool.caller.post("/v1/messages", {"model": pool.route.model, "max_tokens": 9, "messages": MESSAGES})


@pytest.mark.parametrize("fields", [{}, {"max_tokens": 5}], ids=["as documented", "with max_tokens"])
async def test_a_provider_that_counts_is_asked(world: World, gateway: GatewayProcess, fields: dict[str, Any]) -> None:
    async with pooled(world, gateway, upstream_fields=CLAUDE) as pool:
        pool.first.script(Json(body=b'{ "input_tokens": 2095, "new": 1 }'))
        reply = await count(pool.caller, pool.route.model, **fields)
        assert reply.body == b'{ "input_tokens": 2095, "new": 1 }'
        assert "x-havuz-estimated" not in reply.headers
        received = pool.first.requests[0]
        assert (received.path, received.json["model"]) == (PATH, "first-model")
        assert received.headers["anthropic-version"] == "1"


async def test_a_provider_that_can_not_count_is_passed_over(world: World, gateway: GatewayProcess) -> None:
    openai = {"provider": "openai-compatible"}
    async with pooled(world, gateway, upstream_fields=openai, second_fields=CLAUDE) as pool:
        assert (await count(pool.caller, pool.route.model)).json["input_tokens"] > 8
        assert pool.asked == (0, 1)


async def test_where_no_provider_counts_it_is_an_estimate(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        assert estimated(await count(caller, route.model)) == 600 // 4 + 4
    async with calling(gateway.base_url, customer.test) as caller:
        assert estimated(await count(caller, route.model)) == 600 // 4 + 4
    assert provider.requests == []


CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}
INSTRUCTED = {"model": "models/x", "systemInstruction": {"parts": [{"text": "Short."}]}, **CONTENTS}
WHOLE = {"generateContentRequest": INSTRUCTED}


async def test_gemini_counts_for_anthropics_clients(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, upstream_fields=GEMINI) as pool:
        pool.first.script(Json(body={"totalTokens": 31, "promptTokensDetails": []}))
        reply = await count(pool.caller, pool.route.model, system="Be brief.", max_tokens=5)
        assert (reply.status, reply.json) == (200, {"input_tokens": 31})
        assert "x-havuz-estimated" not in reply.headers
        received = pool.first.requests[0]
        assert received.path == "/v1/models/first-model:countTokens"
        asked = received.json["generateContentRequest"]
        assert asked["model"] == "models/first-model"
        assert asked["systemInstruction"]["parts"] == [{"text": "Be brief."}]


@pytest.mark.parametrize("body", [CONTENTS, WHOLE], ids=["contents", "a whole request"])
async def test_claude_counts_for_googles_clients(world: World, gateway: GatewayProcess, body: dict[str, Any]) -> None:
    async with pooled(world, gateway, upstream_fields=CLAUDE) as pool:
        pool.first.script(Json(body={"input_tokens": 12}))
        asked = {**body, "generationConfig": {"temperature": 0.5, "maxOutputTokens": 5}} if body is CONTENTS else body
        reply = await pool.caller.post(path_of(pool.route.model, "countTokens"), asked)
        assert (reply.status, reply.json["totalTokens"]) == (200, 12)
        received = pool.first.requests[0]
        assert received.path == PATH
        assert received.json["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}]
        assert set(received.json) - {"system"} == {"model", "messages"}


async def test_googles_count_reaches_gemini_as_it_came(world: World, gateway: GatewayProcess) -> None:
    answer = b'{ "totalTokens": 31, "new": 1.50 }'
    async with pooled(world, gateway, upstream_fields=GEMINI) as pool:
        pool.first.always(Json(body=answer))
        renamed = {"generateContentRequest": {**INSTRUCTED, "model": "models/first-model"}}
        for body, received in ((CONTENTS, CONTENTS), (WHOLE, renamed)):
            reply = await pool.caller.post(path_of(pool.route.model, "countTokens"), body)
            assert (reply.status, reply.body) == (200, answer)
            assert pool.first.requests[-1].json == received


async def test_where_no_provider_counts_googles_clients_get_an_estimate(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    customer, route = await world.serve(provider.base_url)
    async with calling(gateway.base_url, customer.live) as caller:
        for body, tokens in ((CONTENTS, 2 + 4), (WHOLE, 3 + 4)):
            reply = await caller.post(path_of(route.model, "countTokens"), body)
            assert (reply.json["totalTokens"], reply.headers["x-havuz-estimated"]) == (tokens, "true")
        for wrong in ({}, {"generateContentRequest": {}}, {"contents": []}):
            refused(await caller.post(path_of(route.model, "countTokens"), wrong), 400, "INVALID_ARGUMENT")
    assert provider.requests == []


FAILURES = [
    pytest.param(message_error(500, "api_error"), id="500"),
    pytest.param(message_error(529, "overloaded_error"), id="529"),
    pytest.param(message_error(429, "rate_limit_error", headers={"retry-after": "60"}), id="429"),
    pytest.param(Json(404, {"detail": "Not Found"}), id="404"),
]


@pytest.mark.parametrize("fault", FAILURES)
async def test_where_no_provider_answers_it_is_an_estimate(
    world: World, gateway: GatewayProcess, fault: Answer
) -> None:
    async with pooled(world, gateway, upstream_fields=CLAUDE) as pool:
        for provider in (pool.first, pool.second):
            provider.always(fault, path="/count_tokens")
        assert estimated(await count(pool.caller, pool.route.model)) > 100
        answered = await chat(pool)
        assert (answered.status, answered.headers["x-havuz-attempts"]) == (200, "1"), "chat has limits of its own"


async def test_nobody_there_is_an_estimate_too(world: World, gateway: GatewayProcess) -> None:
    with DeadPort() as dead:
        customer, route = await world.serve(dead.base_url)
        async with calling(gateway.base_url, customer.live) as caller:
            estimated(await count(caller, route.model))


async def test_a_mistake_in_the_request_is_told(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, upstream_fields=CLAUDE) as pool:
        pool.first.script(message_error(400, "invalid_request_error", "messages.0: wrong"))
        reply = await count(pool.caller, pool.route.model)
        assert (reply.status, reply.json["error"]["message"]) == (400, "messages.0: wrong")
        assert (await count(pool.caller, pool.route.model, messages=[])).status == 400
        assert (await count(pool.caller, "no-such-model")).status == 404


async def test_the_deadline_holds(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, upstream_fields=CLAUDE) as pool:
        pool.first.script(Hang())
        reply = await count(pool.caller, pool.route.model, timeout=1)
        assert (reply.status, reply.json["error"]["type"]) == (504, "timeout_error")


async def test_counting_costs_nothing_and_is_in_the_books(world: World, gateway: GatewayProcess) -> None:
    async with paying(world, gateway, billing=prepaid(10), upstream=CLAUDE) as customer:
        before = await customer.account()
        assert (await count(customer.caller, customer.route.model)).json["input_tokens"] > 8
        [event] = await customer.closed(1)
        assert await customer.account() == before
    assert (event["cost"], event["operation"]) == ("0", "count_tokens")
    assert not event.get("input")


async def test_requests_are_limited_but_the_prompt_may_be_of_any_size(world: World, gateway: GatewayProcess) -> None:
    limits = Limits(requests_per_minute=1, tokens_per_minute=10)
    async with pooled(world, gateway, upstream_fields=CLAUDE, project={"limits": limits}) as pool:
        assert (await count(pool.caller, pool.route.model)).status == 200
        reply = await count(pool.caller, pool.route.model)
        assert (reply.status, reply.json["error"]["type"]) == (429, "rate_limit_error")
        assert "x-havuz-estimated" not in reply.headers
