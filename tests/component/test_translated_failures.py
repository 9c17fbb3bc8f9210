"""A provider of another protocol fails: the next one is asked in its own, and the client reads errors in its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import CutBody, FakeProvider, Json, RawEvents
from harness.gateway import GatewayProcess
from harness.pooled import said
from harness.world import World
from havuz_contract.snapshot.models import Mode, Route

PLAIN = (Path(__file__).parents[1] / "golden" / "protocols" / "anthropic" / "plain.stream.chunks").read_bytes()
MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"


def failed(status: int, kind: str, message: str = "no", **headers: str) -> Json:
    return Json(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A route whose first tier is Anthropic's and whose second speaks the client's own protocol, at one provider."""

    caller: Caller
    provider: FakeProvider
    route: Route

    async def ask(self, **fields: Any) -> Reply:
        """One chat call."""
        body = {"model": self.route.model, "messages": [{"role": "user", "content": "Hi"}]} | fields
        return await self.caller.post(CHAT, body)

    @property
    def asked(self) -> list[str]:
        """The paths that were called."""
        return [request.path for request in self.provider.requests]


@pytest.fixture
async def mixed(world: World, gateway: GatewayProcess, provider: FakeProvider) -> AsyncIterator[Mixed]:
    first, second = make_upstream(provider.base_url, provider="anthropic"), make_upstream(provider.base_url)
    targets = make_target(first, model="claude-haiku-4-5"), make_target(second, model="llama", priority=1)
    route, customer = make_route(*targets), make_project()
    await world.apply(first, second, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield Mixed(caller, provider, route)


@pytest.mark.parametrize(
    "failure",
    [
        failed(529, "overloaded_error"),
        failed(429, "rate_limit_error", **{"retry-after": "1"}),
        failed(401, "authentication_error"),
        failed(404, "not_found_error", "model: claude-haiku-4-5"),
        Json(body=b"no JSON"),
    ],
    ids=["overloaded", "rate-limited", "unauthorized", "no-model", "garbage"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_the_next_one_is_asked_in_its_own_protocol(mixed: Mixed, failure: Json, stream: bool) -> None:
    mixed.provider.script(failure, path=MESSAGES)
    reply = await mixed.ask(stream=stream)
    assert reply.status == 200
    assert mixed.asked == [MESSAGES, CHAT]
    assert said(reply)
    assert mixed.provider.requests[1].json["model"] == "llama"


async def test_a_stream_that_fails_before_its_content_moves_on(mixed: Mixed) -> None:
    start = PLAIN.partition(b"event: content_block_delta")[0]
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    mixed.provider.script(RawEvents(start + error), path=MESSAGES)
    reply = await mixed.ask(stream=True)
    assert mixed.asked == [MESSAGES, CHAT]
    assert reply.events[0]["model"] != "claude"


async def test_a_stream_that_breaks_after_its_content_ends_with_an_error_and_not_clean(mixed: Mixed) -> None:
    cut = PLAIN.index(b"event: content_block_stop")
    mixed.provider.script(RawEvents(PLAIN[:cut]), path=MESSAGES)
    reply = await mixed.ask(stream=True)
    assert mixed.asked == [MESSAGES]
    *_, last, rest = reply.body.decode().split("\n\n")
    assert rest == ""
    assert '"error"' in last
    assert "[DONE]" not in reply.body.decode()
    assert "Hello" in reply.body.decode()


async def test_a_client_s_own_mistake_comes_back_in_its_words(mixed: Mixed) -> None:
    sentence = "max_tokens: 999999 > 64000, which is the maximum allowed number of output tokens"
    mixed.provider.script(failed(400, "invalid_request_error", sentence), path=MESSAGES)
    reply = await mixed.ask(max_tokens=999_999)
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
    assert sentence in reply.error["message"]
    assert mixed.asked == [MESSAGES]


async def test_what_only_the_second_can_say_goes_to_the_second(mixed: Mixed) -> None:
    reply = await mixed.ask(n=2)
    assert reply.status == 200
    assert mixed.asked == [CHAT]


async def test_an_answer_that_breaks_off_moves_on(mixed: Mixed) -> None:
    mixed.provider.script(CutBody(), path=MESSAGES)
    reply = await mixed.ask()
    assert reply.status == 200
    assert mixed.asked == [MESSAGES, CHAT]


async def test_a_test_key_may_think_and_search(world: World, gateway: GatewayProcess, mixed: Mixed) -> None:
    searching = {"deepsearch": Mode(tools=("web_search",))}
    route, customer = mixed.route.model_copy(update={"modes": searching}), make_project()
    await world.apply(route, customer)
    async with calling(gateway.base_url, customer.test) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "Hi"}], "deepsearch": True}
        reply = await caller.post(CHAT, body)
    assert reply.status == 200
    assert mixed.asked == []
