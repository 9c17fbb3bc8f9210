"""A conversation over several keys: where it is known it goes on as it is, everywhere else it is written out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider, Json, Received, error
from harness.fake_provider_responses import call_item, message_item, reasoning_item, response_body
from harness.gateway import GatewayProcess
from harness.world import World
from havuz_contract.snapshot.models import Route, Upstream

PATH = "/v1/responses"
CALL = call_item("weather", '{"city":"Bursa"}', call_id="call_1")
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}


@dataclass(frozen=True, slots=True)
class Keys:
    """A caller of a route over several keys of one provider that speaks Responses."""

    caller: Caller
    route: Route
    upstreams: tuple[Upstream, ...]
    provider: FakeProvider

    async def ask(self, given: Any, **fields: Any) -> Reply:
        """One call, which must be answered."""
        reply = await self.caller.post(PATH, {"model": self.route.model, "input": given, **fields})
        assert reply.status == 200, reply.body
        return reply

    async def begin(self, **answer: Any) -> tuple[dict[str, Any], str]:
        """A first response with a call of a tool, and the credential of the key that gave it."""
        self.provider.script(Json(body={**response_body({}, answer.pop("output", [CALL])), **answer}))
        first = (await self.ask("weather?")).json
        return first, self.provider.requests[-1].credential

    @property
    def last(self) -> Received:
        """What the provider was asked last."""
        return self.provider.requests[-1]


@asynccontextmanager
async def keys_of(world: World, gateway: GatewayProcess, provider: FakeProvider, count: int) -> AsyncIterator[Keys]:
    upstreams = tuple(make_upstream(provider.base_url, provider="openai") for _ in range(count))
    route, customer = make_route(make_target(*upstreams, model="gpt-5")), make_project()
    await world.apply(*upstreams, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield Keys(caller, route, upstreams, provider)


async def test_who_keeps_a_conversation_is_asked_to_go_on_in_the_client_s_own_words(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 6) as keys:
        first, credential = await keys.begin()
        for _ in range(3):
            body = '{"model": "%s", "previous_response_id":"' + first["id"] + '","input":[{"x":1.0,"type":"y"}]}'
            assert (await keys.caller.post(PATH, (body % keys.route.model).encode())).status == 200
            assert keys.last.credential == credential
            assert keys.last.body == (body % "gpt-5").encode()


async def test_another_key_is_sent_the_conversation_written_out(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 2) as keys:
        first, credential = await keys.begin()
        provider.always(error(429, headers={"retry-after": "60"}), key=credential)
        reply = await keys.ask([RESULT], previous_response_id=first["id"], instructions="Be brief.")
        assert keys.last.credential != credential
        sent = keys.last.json
        assert "previous_response_id" not in sent
        assert sent["instructions"] == "Be brief."
        question = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "weather?"}]}
        call = {name: value for name, value in CALL.items() if name != "id"}
        assert sent["input"] == [question, call, RESULT]
        assert reply.headers["x-havuz-attempts"] == "2"
        # whoever was told everything knows everything
        await keys.ask("and tomorrow?", previous_response_id=reply.json["id"])
        assert keys.last.json["previous_response_id"] == reply.json["id"]


@pytest.mark.parametrize(
    ("sealed", "kept"),
    [("gAAAAABo", True), (None, False), ("havuz:anthropic::thinking:EqQB", False)],
    ids=["sealed by OpenAI", "kept by OpenAI", "of another provider"],
)
async def test_reasoning_that_another_key_would_refuse_is_left_out_and_named(
    world: World, gateway: GatewayProcess, provider: FakeProvider, sealed: str | None, kept: bool
) -> None:
    async with keys_of(world, gateway, provider, 2) as keys:
        first, credential = await keys.begin(output=[reasoning_item(sealed=sealed), CALL])
        provider.always(error(401), key=credential)
        reply = await keys.ask([RESULT], previous_response_id=first["id"])
        kinds = [item["type"] for item in keys.last.json["input"]]
    assert ("reasoning" in kinds) is kept
    assert reply.headers.get("x-havuz-dropped") == (None if kept else "reasoning")


async def test_a_provider_that_says_it_keeps_nothing_is_sent_the_conversation(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 1) as keys:
        first, _ = await keys.begin(store=False)
        await keys.ask([RESULT], previous_response_id=first["id"])
        assert [item["type"] for item in keys.last.json["input"]] == [
            "message", "function_call", "function_call_output",
        ]  # fmt: skip


async def test_a_provider_that_has_forgotten_is_sent_the_conversation(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    gone = error(400, "Previous response with id 'resp_1' not found.", code="previous_response_not_found")
    async with keys_of(world, gateway, provider, 1) as keys:
        first, _ = await keys.begin()
        provider.script(gone)
        reply = await keys.ask([RESULT], previous_response_id=first["id"])
        assert len(keys.last.json["input"]) == 3
        assert reply.headers["x-havuz-attempts"] == "2"


async def test_another_protocol_is_told_the_conversation_and_told_of_again(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 1) as keys:
        first, _ = await keys.begin(output=[message_item("I'll look."), CALL])
        compatible = make_upstream(provider.base_url)
        route = keys.route.model_copy(update={"targets": (make_target(compatible, model="llama"),)})
        await world.apply(compatible, route)
        second = await keys.ask([RESULT], previous_response_id=first["id"])
        messages = keys.last.json["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
        assert messages[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city":"Bursa"}'}
        await world.apply(keys.route)
        await keys.ask("thanks", previous_response_id=second.json["id"])
        sent: list[Mapping[str, Any]] = keys.last.json["input"]
        assert [item["type"] for item in sent] == [
            "message", "message", "function_call", "function_call_output", "message", "message",
        ]  # fmt: skip
        assert all("id" not in item for item in sent)


async def test_an_item_can_be_named_by_its_id_alone(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 2) as keys:
        first, credential = await keys.begin(output=[reasoning_item(), CALL])
        thought, call = ({"type": "item_reference", "id": item["id"]} for item in first["output"])
        given = [{"role": "user", "content": "weather?"}, thought, call, RESULT]
        second = await keys.ask(given)
        assert keys.last.credential == credential, "who keeps the items is asked"
        assert keys.last.json["input"] == given
        provider.always(error(429, headers={"retry-after": "60"}), key=credential)
        reply = await keys.ask(given)
        plain = {name: value for name, value in CALL.items() if name != "id"}
        assert keys.last.json["input"] == [given[0], plain, RESULT]
        assert reply.headers["x-havuz-dropped"] == "reasoning"
        third = await keys.ask("thanks", previous_response_id=second.json["id"])
        assert [item.get("type") for item in keys.last.json["input"][:3]] == [None, "function_call", RESULT["type"]]
        assert third.headers["x-havuz-dropped"] == "reasoning", "what is kept has the items, not their names"


async def test_an_item_that_is_not_of_the_project_cannot_be_named(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    async with keys_of(world, gateway, provider, 1) as keys:
        first, _ = await keys.begin()
        stranger = make_project()
        await world.apply(stranger)
        body = {"model": keys.route.model, "input": [{"type": "item_reference", "id": first["output"][0]["id"]}]}
        async with calling(gateway.base_url, stranger.live) as other:
            reply = await other.post(PATH, body)
    assert (reply.status, reply.error["param"]) == (400, "input")
    assert len(provider.requests) == 1
