"""Traces of a real gateway, read from a real OTLP collector."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from harness.builders import Customer
from harness.caller import calling
from harness.fake_provider import CutStream, DeadPort, FakeProvider, Hang, Json, Stream, error
from harness.fixtures import StartGateway
from harness.gateway import GatewayProcess
from harness.otlp_receiver import OtlpReceiver, SeenSpan, otlp_receiver, under
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Failover, Route

CHAT = "/v1/chat/completions"
PROMPT = "the prompt that nobody but the provider may see"
ANSWER = "the answer that nobody but the client may see"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{'a' * 32}-{SPAN}-00"


@dataclass(frozen=True, slots=True)
class Traced:
    """A gateway that exports to a collector, and the configuration it serves."""

    gateway: GatewayProcess
    receiver: OtlpReceiver
    world: World

    async def post(self, customer: Customer, route: Route, *, traceparent: str, stream: bool = False) -> int:
        body = {
            "model": route.model,
            "stream": stream,
            "max_tokens": 7,
            "messages": [{"role": "user", "content": PROMPT}],
        }
        async with calling(self.gateway.base_url, customer.live) as caller:
            return (await caller.post(f"{CHAT}?secret=in-the-query", body, traceparent=traceparent)).status


Start = Callable[..., Awaitable[Traced]]


@pytest.fixture
async def traced(start_gateway: StartGateway, valkey: ValkeyServer, encryption_keys: str) -> AsyncIterator[Start]:
    """Starts a gateway that exports every span at once to a collector of its own."""
    async with AsyncExitStack() as stack:

        async def start(**environment: str) -> Traced:
            receiver = await stack.enter_async_context(otlp_receiver())
            defaults = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
            world = World(redis_url=valkey.url, encryption_keys=encryption_keys)
            await stack.enter_async_context(world)
            await world.apply()  # a gateway is ready once there is something to load
            gateway = start_gateway(environment=defaults | environment)  # type: ignore[arg-type]
            world.gateways.append(gateway)
            return Traced(gateway, receiver, world)

        yield start


@asynccontextmanager
async def _two_providers() -> AsyncIterator[tuple[FakeProvider, FakeProvider]]:
    async with FakeProvider() as first, FakeProvider() as second:
        yield first, second


def _one(spans: list[SeenSpan], kind: str) -> SeenSpan:
    (span,) = [span for span in spans if span.kind == kind and span.scope == "havuz_gateway"]
    return span


def _names_with(spans: list[SeenSpan], word: str) -> set[str]:
    return {span.name for span in spans if any(word in name for name in span.attributes)}


@pytest.mark.parametrize("client", ["own", "aiohttp"])
async def test_a_failed_and_a_good_attempt_are_two_spans_under_one_logical_call(traced: Start, client: str) -> None:
    setting = await traced(HAVUZ_HTTP_CLIENT=client)
    async with FakeProvider() as provider:
        provider.script(error(429, headers={"retry-after": "30"}), Json())
        customer, route = await setting.world.serve(provider.base_url, provider.base_url)
        assert await setting.post(customer, route, traceparent=SAMPLED) == 200
        seen = await setting.receiver.spans(6)
        sent = provider.requests
    server, call = _one(seen, "SERVER"), _one(seen, "CLIENT")
    assert (server.name, server.trace_id, server.parent_id) == (f"POST {CHAT}", TRACE, SPAN)
    assert (call.name, call.parent_id) == (f"chat {route.model}", server.span_id)
    first, second = under(seen, call)
    assert [first.attributes["havuz.verdict"], second.attributes["havuz.verdict"]] == ["RateLimited", "ok"]
    assert [first.attributes["http.response.status_code"], second.attributes["http.response.status_code"]] == [429, 200]
    assert [first.attributes["havuz.attempt"], second.attributes["havuz.attempt"]] == [1, 2]
    assert [first.attributes["havuz.committed"], second.attributes["havuz.committed"]] == [False, True]
    assert (first.error, first.attributes["error.type"], second.error) == (True, "RateLimited", False)
    assert second.attributes["http.request.resend_count"] == 1
    assert first.attributes["havuz.upstream_key"] != second.attributes["havuz.upstream_key"]
    assert {first.attributes["server.address"], second.attributes["server.address"]} == {"127.0.0.1"}
    for attempt, request, status in zip((first, second), sent, (429, 200), strict=True):
        (http,) = under(seen, attempt)
        assert (http.name, http.kind, http.error) == ("POST", "CLIENT", status == 429)
        assert http.attributes["http.response.status_code"] == status
        assert http.attributes.items() >= {"http.request.method": "POST", "server.address": "127.0.0.1"}.items()
        assert http.resource == server.resource
        assert http.attributes["url.full"].endswith("/v1/chat/completions")
        assert request.headers["traceparent"] == f"00-{TRACE}-{http.span_id}-01"


async def test_usage_and_the_models_are_told_by_the_logical_call_alone(traced: Start) -> None:
    setting = await traced()
    async with FakeProvider() as provider:
        customer, route = await setting.world.serve(provider.base_url)
        assert await setting.post(customer, route, traceparent=SAMPLED, stream=True) == 200
        seen = await setting.receiver.spans(4)
    call = _one(seen, "CLIENT")
    assert call.attributes["gen_ai.request.model"] == route.model
    assert call.attributes["gen_ai.request.max_tokens"] == 7
    assert call.attributes["gen_ai.request.stream"] is True
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert call.attributes["gen_ai.usage.input_tokens"] > 0
    assert call.attributes["gen_ai.usage.output_tokens"] > 0
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert _names_with(seen, "usage") == {call.name}


async def test_no_prompt_no_answer_no_key_and_no_query_leaves_the_process(traced: Start) -> None:
    setting = await traced(OTEL_METRIC_EXPORT_INTERVAL="50")
    async with FakeProvider() as provider:
        provider.script(error(400, f"bad request, you said: {PROMPT}"), Stream([ANSWER]))
        customer, route = await setting.world.serve(provider.base_url)
        assert await setting.post(customer, route, traceparent=SAMPLED) == 400
        assert await setting.post(customer, route, traceparent=SAMPLED, stream=True) == 200
        await setting.receiver.spans(8)
        await setting.receiver.points("havuz.attempts")
    everything = b"".join(setting.receiver.raw)
    (upstream,) = setting.world.snapshot.upstreams.values()
    for secret in (PROMPT, ANSWER, customer.live, upstream.credential, "in-the-query", "authorization", "Bearer"):
        assert secret.encode() not in everything, secret


async def test_an_unsampled_request_sends_nothing_anywhere(traced: Start) -> None:
    setting = await traced()
    async with FakeProvider() as provider:
        customer, route = await setting.world.serve(provider.base_url)
        assert await setting.post(customer, route, traceparent=UNSAMPLED) == 200
        assert await setting.post(customer, route, traceparent=SAMPLED) == 200
        await setting.receiver.spans(4)
        assert "traceparent" not in provider.requests[0].headers
    setting.gateway.terminate()
    assert await setting.gateway.wait() == 0
    assert {span.trace_id for span in setting.receiver.received} == {TRACE}


async def test_a_client_that_hangs_up_leaves_a_cancelled_trace(traced: Start) -> None:
    setting = await traced()
    async with FakeProvider() as provider:
        provider.always(Hang())
        customer, route = await setting.world.serve(provider.base_url)
        hurried = aiohttp.ClientSession(headers={"authorization": f"Bearer {customer.live}", "traceparent": SAMPLED})
        async with hurried:
            body = {"model": route.model, "messages": [{"role": "user", "content": PROMPT}]}
            asking = asyncio.create_task(hurried.post(setting.gateway.base_url + CHAT, json=body))
            await provider.received()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        seen = await setting.receiver.spans(4)
    ended = {span.kind: span.attributes["error.type"] for span in seen if span.scope == "havuz_gateway"}
    assert ended == {"SERVER": "cancelled", "CLIENT": "cancelled", "INTERNAL": "cancelled"}


async def test_a_stream_that_breaks_after_its_first_content_is_an_error_of_a_committed_attempt(traced: Start) -> None:
    setting = await traced()
    async with FakeProvider() as provider:
        provider.script(CutStream())
        customer, route = await setting.world.serve(provider.base_url)
        assert await setting.post(customer, route, traceparent=SAMPLED, stream=True) == 200
        seen = await setting.receiver.spans(4)
    (attempt,) = under(seen, _one(seen, "CLIENT"))
    assert attempt.attributes["havuz.committed"] is True
    assert (attempt.error, attempt.attributes["havuz.verdict"]) == (True, "Broken")
    assert _one(seen, "CLIENT").error


async def test_when_nothing_answers_every_attempt_is_told_and_the_server_span_is_an_error(traced: Start) -> None:
    setting = await traced()
    with DeadPort() as dead:
        customer, route = await setting.world.serve(dead.base_url, dead.base_url, failover=Failover(attempts=2))
        assert await setting.post(customer, route, traceparent=SAMPLED) == 503
        seen = await setting.receiver.spans(6)
    assert [span.attributes["havuz.verdict"] for span in under(seen, _one(seen, "CLIENT"))] == ["Connect", "Connect"]
    server = _one(seen, "SERVER")
    assert (server.error, server.attributes["http.response.status_code"]) == (True, 503)


async def test_a_collector_that_is_away_costs_neither_a_request_nor_the_exit(traced: Start) -> None:
    with DeadPort() as nobody:
        setting = await traced(OTEL_EXPORTER_OTLP_ENDPOINT=nobody.base_url, OTEL_METRIC_EXPORT_INTERVAL="20")
        customer, route = await setting.world.serve()
        for _ in range(3):
            assert await setting.post(customer, route, traceparent=SAMPLED) == 200
        begun = time.monotonic()
        setting.gateway.terminate()
        assert await setting.gateway.wait() == 0
    assert time.monotonic() - begun < 12
    assert "Traceback" not in setting.gateway.log
