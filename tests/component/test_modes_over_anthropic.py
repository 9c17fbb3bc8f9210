"""`think` and `deepsearch` of a chat request, where Anthropic serves the model: asked for in its own words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.builders import make_project, make_route, make_target, make_upstream
from harness.caller import Caller, Reply, calling
from harness.fake_provider import FakeProvider, Json, RawEvents
from harness.gateway import GatewayProcess
from harness.pooled import said
from harness.request_log import lines_of
from harness.world import World
from havuz_contract.snapshot.models import Mode, Parameters, Route
from havuz_gateway.metering.estimate import MOST_OUTPUT_TOKENS

CASES = Path(__file__).parents[1] / "golden" / "protocols" / "anthropic"
THINK = Mode(parameters=Parameters(overrides={"reasoning_effort": "high"}))
SEARCH = Mode(tools=("web_search",))
MESSAGE = {
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "thinking", "thinking": "27 times 453.", "signature": "EqQBCgIYAhIM"},
        {"type": "text", "text": "12,231"},
    ],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 12, "output_tokens": 89},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A caller of a route with both modes, whose keys are Anthropic's."""

    caller: Caller
    provider: FakeProvider
    route: Route

    async def ask(self, **fields: Any) -> Reply:
        """One chat call."""
        messages = [{"role": "user", "content": "27 * 453?"}]
        return await self.caller.post(
            "/v1/chat/completions", {"model": self.route.model, "messages": messages} | fields
        )


@pytest.fixture
async def claude(world: World, gateway: GatewayProcess, provider: FakeProvider) -> AsyncIterator[Asked]:
    """A model before Claude 4.6, which thinks by a budget of tokens."""
    upstream = make_upstream(provider.base_url, provider="anthropic")
    target = make_target(upstream, model="claude-sonnet-4-5", context_window=200_000)
    newer = make_target(upstream, model="claude-opus-4-6")
    modes = {"think": THINK, "deepsearch": SEARCH.model_copy(update={"targets": (newer,)})}
    route, customer = make_route(target, modes=modes), make_project()
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        yield Asked(caller, provider, route)


async def test_think_is_a_budget_of_thinking_and_its_thoughts_come_back(claude: Asked) -> None:
    claude.provider.script(Json(body=MESSAGE))
    reply = await claude.ask(think=True, temperature=0.3)
    sent = claude.provider.requests[0].json
    assert claude.provider.requests[0].path == "/v1/messages"
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 24_576}
    assert sent["max_tokens"] > 24_576
    assert sent.keys().isdisjoint({"think", "deepsearch", "reasoning_effort", "temperature"})
    message = reply.json["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("12,231", "27 times 453.")
    assert reply.json["usage"]["completion_tokens"] == 89
    assert reply.headers["x-havuz-dropped"] == "temperature"


async def test_thinking_without_a_known_window_stays_within_what_is_reserved(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url, provider="anthropic")
    route, customer = make_route(make_target(upstream, model="claude-sonnet-4-5")), make_project()
    await world.apply(upstream, route, customer)
    provider.script(Json(body=MESSAGE))
    async with calling(gateway.base_url, customer.live) as caller:
        await Asked(caller, provider, route).ask(reasoning_effort="high")
    sent = provider.requests[0].json
    assert sent["thinking"]["budget_tokens"] < sent["max_tokens"] == MOST_OUTPUT_TOKENS


async def test_a_stream_that_thinks_is_told_in_chunks(claude: Asked) -> None:
    claude.provider.script(RawEvents((CASES / "thinking.stream.chunks").read_bytes(), chunking=7))
    reply = await claude.ask(think=True, stream=True, stream_options={"include_usage": True})
    assert claude.provider.requests[0].json["thinking"]["type"] == "enabled"
    deltas = [choice["delta"] for event in reply.events for choice in event["choices"]]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Let me see."
    assert said(reply) == "27 * 453 = 12,231"
    assert reply.events[-1]["usage"]["completion_tokens"] == 89


async def test_without_think_nothing_is_said_of_thinking(claude: Asked) -> None:
    claude.provider.script(Json(body=MESSAGE))
    await claude.ask(think=False, deepsearch=False)
    assert claude.provider.requests[0].json.keys() == {"model", "max_tokens", "messages"} | {"stream"}


async def test_deepsearch_is_the_provider_s_own_web_search_at_the_mode_s_target(claude: Asked) -> None:
    claude.provider.script(Json(body=(CASES / "search.response.json").read_bytes()))
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    reply = await claude.ask(deepsearch=True, tools=[weather])
    sent = claude.provider.requests[0].json
    assert sent["model"] == "claude-opus-4-6"
    assert [tool["name"] for tool in sent["tools"]] == ["weather", "web_search"]
    assert sent["tools"][1]["type"] == "web_search_20250305"
    message = reply.json["choices"][0]["message"]
    assert message["annotations"][0]["url_citation"]["url"] == "https://en.wikipedia.org/wiki/Claude_Shannon"
    assert reply.headers["x-havuz-dropped"] == "server_tool_use,web_search_tool_result"


async def test_a_stream_that_searched_cites_its_sources(claude: Asked) -> None:
    claude.provider.script(RawEvents((CASES / "search.stream.chunks").read_bytes()))
    reply = await claude.ask(deepsearch=True, stream=True)
    deltas = [choice["delta"] for event in reply.events for choice in event["choices"]]
    cited = [annotation["url_citation"]["url"] for delta in deltas for annotation in delta.get("annotations", ())]
    assert cited == ["https://example.com"]
    assert said(reply) == "Sunny."


async def test_think_and_deepsearch_go_together(claude: Asked) -> None:
    claude.provider.script(Json(body=MESSAGE))
    await claude.ask(think=True, deepsearch=True)
    sent = claude.provider.requests[0].json
    assert sent["thinking"] == {"type": "adaptive"}
    assert sent["output_config"] == {"effort": "high"}
    assert [tool["name"] for tool in sent["tools"]] == ["web_search"]


async def test_a_client_s_own_web_search_is_not_asked_for_twice(claude: Asked) -> None:
    claude.provider.script(Json(body=MESSAGE))
    await claude.ask(deepsearch=True, web_search_options={})
    assert len(claude.provider.requests[0].json["tools"]) == 1


async def test_a_model_without_a_web_search_is_passed_over_and_the_refusal_names_the_switch(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url)
    route = make_route(make_target(upstream, model="gpt-4o"), modes={"deepsearch": SEARCH})
    customer = make_project()
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "?"}], "deepsearch": True}
        reply = await caller.post("/v1/chat/completions", body)
    assert (reply.status, reply.error["param"]) == (400, "deepsearch")
    assert "'gpt-4o' of provider 'openai-compatible'" in reply.error["message"]
    assert provider.requests == []


async def test_a_model_of_openai_searches_by_responses(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url, provider="openai")
    route, customer = make_route(make_target(upstream, model="gpt-5"), modes={"deepsearch": SEARCH}), make_project()
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "?"}], "deepsearch": True}
        reply = await caller.post("/v1/chat/completions", body)
    assert reply.json["choices"][0]["message"]["content"] == "Hello! How can I help?"
    [request] = provider.requests
    assert (request.path, request.json["tools"]) == ("/v1/responses", [{"type": "web_search"}])
    assert "deepsearch" not in request.json


async def test_a_search_model_of_openai_is_sent_web_search_options(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstreams = make_upstream(provider.base_url), make_upstream(provider.base_url, provider="openai")
    targets = [
        make_target(upstreams[0], model="llama"), make_target(upstreams[1], model="gpt-4o-search-preview", priority=1),
    ]  # fmt: skip
    route, customer = make_route(*targets, modes={"deepsearch": SEARCH}), make_project()
    await world.apply(*upstreams, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "?"}], "deepsearch": True}
        reply = await caller.post("/v1/chat/completions", body)
    assert reply.status == 200
    sent = provider.requests[0].json
    assert (sent["model"], sent["web_search_options"]) == ("gpt-4o-search-preview", {})
    assert "deepsearch" not in sent


async def test_modes_that_lead_to_different_targets_are_not_mixed(
    world: World, gateway: GatewayProcess, provider: FakeProvider
) -> None:
    upstream = make_upstream(provider.base_url)
    modes = {name: Mode(targets=(make_target(upstream, model=name),)) for name in ("think", "deepsearch")}
    route, customer = make_route(make_target(upstream), modes=modes), make_project()
    await world.apply(upstream, route, customer)
    async with calling(gateway.base_url, customer.live) as caller:
        body = {"model": route.model, "messages": [{"role": "user", "content": "?"}], "deepsearch": True}
        alone = await caller.post("/v1/chat/completions", body)
        both = await caller.post("/v1/chat/completions", {**body, "think": True})
    assert alone.status == 200
    assert provider.requests[0].json["model"] == "deepsearch"
    assert (both.status, both.error["param"]) == (400, "deepsearch")


async def test_what_a_stream_could_not_tell_is_named_in_the_log(claude: Asked, gateway: GatewayProcess) -> None:
    claude.provider.script(RawEvents((CASES / "search.stream.chunks").read_bytes()))
    reply = await claude.ask(deepsearch=True, stream=True)
    assert "x-havuz-dropped" not in reply.headers, "headers are sent before the answer is known"
    (line,) = await lines_of(gateway, reply.headers["x-request-id"])
    assert line["dropped"] == "server_tool_use,web_search_tool_result"


async def test_the_names_of_what_is_dropped_fill_no_more_than_a_header(claude: Asked) -> None:
    claude.provider.script(Json(body=MESSAGE))
    messages = [{"role": "user", "name": "ada", "content": "?"}] * 500
    reply = await claude.ask(messages=messages)
    named = reply.headers["x-havuz-dropped"]
    assert named.startswith("messages[0].name,")
    assert named.endswith(" more")
    assert len(named) < 1_100
