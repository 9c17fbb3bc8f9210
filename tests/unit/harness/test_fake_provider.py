"""The fake provider does what it says, so that a test that passes says something."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from harness.fake_provider import (
    CloseWithoutAnswer,
    CutBody,
    CutStream,
    DeadPort,
    FakeProvider,
    Garbage,
    GarbageBody,
    Hang,
    Json,
    Redirect,
    Reset,
    Stream,
    error,
)
from harness.fake_provider_tls import Certificate
from havuz_gateway.protocols.openai_chat.stream import STREAM
from havuz_gateway.protocols.tap import RelayTap
from havuz_gateway.transport.base import TransportFailure, UpstreamRequest
from havuz_gateway.transport.client import HttpTransport

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as made:
        yield made


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


def chat(provider: FakeProvider, credential: str = "sk-one", **fields: Any) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=f"{provider.base_url}/chat/completions",
        headers={"authorization": f"Bearer {credential}"},
        body=json.dumps(CHAT | fields).encode(),
        ca_bundle=provider.ca_pem,
    )


async def ask(transport: HttpTransport, request: UpstreamRequest) -> tuple[int, bytes]:
    response = await transport.send(request)
    try:
        return response.status, await response.read(1_000_000)
    finally:
        response.close()


async def test_an_unscripted_provider_answers_well_and_remembers(
    provider: FakeProvider, transport: HttpTransport
) -> None:
    status, body = await ask(transport, chat(provider))
    answer = json.loads(body)
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == "Hello! How can I help you today?"
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    (request,) = provider.requests
    assert (request.method, request.path, request.credential) == ("POST", "/v1/chat/completions", "sk-one")
    assert request.json == CHAT
    await request.answered.wait()
    assert not request.hung_up


async def test_scripts_are_used_in_order_by_key_and_never_by_a_probe(
    provider: FakeProvider, transport: HttpTransport
) -> None:
    provider.script(error(429), error(500))
    provider.script(error(401), key="sk-two")
    provider.always(error(503), key="sk-three")
    provider.script(error(403), path="/models")
    models = UpstreamRequest(method="GET", url=f"{provider.base_url}/models", headers={})
    statuses = [(await ask(transport, request))[0] for request in (models, models)]
    statuses += [
        (await ask(transport, chat(provider, key)))[0]
        for key in ("sk-two", "sk-one", "sk-one", "sk-one", "sk-three", "sk-three")
    ]
    assert statuses == [403, 200, 401, 429, 500, 200, 503, 503]


@pytest.mark.parametrize("chunking", [None, 7, "one-by-one"])
@pytest.mark.parametrize("include_usage", [True, False])
async def test_a_stream_has_openais_events_in_any_chunking(
    provider: FakeProvider, transport: HttpTransport, chunking: int | None, include_usage: bool
) -> None:
    provider.script(Stream(("Mer", "haba"), chunking=chunking))
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if include_usage else {}
    _, body = await ask(transport, chat(provider, stream=True, **options))
    *events, done = [event.removeprefix(b"data: ") for event in body.strip().split(b"\n\n")]
    decoded = [json.loads(event) for event in events]
    assert done == b"[DONE]"
    assert decoded[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in decoded if e["choices"]) == "Merhaba"
    assert [e["usage"]["completion_tokens"] for e in decoded if e.get("usage")] == ([2] if include_usage else [])
    tap = RelayTap(STREAM, strip_usage=False, max_event_bytes=10_000)
    assert tap.feed(body) == body
    assert tap.found.done


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Reset(), "reset"), (CloseWithoutAnswer(), "reset"), (Garbage(), "protocol"), (CutBody(), "broken"),
     (CutBody(reset=True), None)],
)  # fmt: skip
async def test_each_fault_is_seen_as_what_it_is(
    provider: FakeProvider, transport: HttpTransport, answer: Reset, kind: str | None
) -> None:
    provider.always(answer)
    with pytest.raises(TransportFailure) as failure:
        await ask(transport, chat(provider))
    assert kind is None or failure.value.kind == kind


@pytest.mark.parametrize("mid_event", [True, False])
async def test_a_cut_stream_gives_its_first_events_and_then_breaks(
    provider: FakeProvider, transport: HttpTransport, mid_event: bool
) -> None:
    provider.script(CutStream(after=3, mid_event=mid_event))
    response = await transport.send(chat(provider, stream=True))
    came = bytearray()

    async def read() -> None:
        async for chunk in response.chunks():
            came.extend(chunk)

    with pytest.raises(TransportFailure):
        await read()
    response.close()
    assert came.count(b"\n\n") == 3
    assert came.endswith(b"\n\n") is not mid_event


@pytest.mark.parametrize("after", [None, "headers", 2])
async def test_a_client_that_hangs_up_on_silence_is_noticed(
    provider: FakeProvider, transport: HttpTransport, after: int | None
) -> None:
    provider.script(Hang(after=after))
    task = asyncio.create_task(ask(transport, chat(provider, stream=after == 2)))
    (request,) = await provider.received()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await request.gone.wait()
    assert request.hung_up
    assert not request.answered.is_set()


async def test_other_answers_keep_the_connection(provider: FakeProvider, transport: HttpTransport) -> None:
    provider.script(GarbageBody(), Redirect(), Json(418, "teapot", {"x-kind": "pot"}))
    answers = [await ask(transport, chat(provider)) for _ in range(3)]
    assert [status for status, _ in answers] == [200, 307, 418]
    assert answers[0][1].startswith(b"<html>")
    assert provider.connections == 1


async def test_a_dead_port_refuses(transport: HttpTransport) -> None:
    with DeadPort() as dead, pytest.raises(TransportFailure) as failure:
        await transport.send(UpstreamRequest(method="GET", url=dead.base_url, headers={}))
    assert failure.value.kind == "connect"


@pytest.mark.parametrize("kind", ["valid", "expired", "untrusted", "wrong-name"])
async def test_only_a_good_certificate_is_taken(transport: HttpTransport, kind: Certificate) -> None:
    async with FakeProvider(tls=kind) as provider:
        if kind == "valid":
            assert (await ask(transport, chat(provider)))[0] == 200
            return
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, chat(provider))
        assert failure.value.kind == "tls"
        assert provider.requests == []


async def test_embeddings_have_the_asked_size_and_encoding(provider: FakeProvider, transport: HttpTransport) -> None:
    def request(**fields: object) -> UpstreamRequest:
        body = json.dumps({"model": "m", "input": ["a", "b"], **fields}).encode()
        return UpstreamRequest(method="POST", url=f"{provider.base_url}/embeddings", headers={}, body=body)

    _, floats = await ask(transport, request(dimensions=8))
    _, packed = await ask(transport, request(encoding_format="base64"))
    assert [len(item["embedding"]) for item in json.loads(floats)["data"]] == [8, 8]
    assert [len(item["embedding"]) for item in json.loads(packed)["data"]] == [8192, 8192]
