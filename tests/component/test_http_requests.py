"""HTTP as clients and proxies may speak it, by the byte: read by the front, by aiohttp, or by one after the other."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from harness.fake_provider import FakeProvider, Hang, Json
from harness.gateway import GatewayProcess
from harness.raw_http import Client, Heard, chat_body, chat_head, dial
from harness.valkey import ValkeyServer
from harness.world import World

HEAD_SECONDS = 0.6
StartGateway = Callable[..., GatewayProcess]


@pytest.fixture(scope="module", params=["own", "aiohttp"])
def server(request: pytest.FixtureRequest, valkey: ValkeyServer, encryption_keys: str) -> Iterator[GatewayProcess]:
    """A gateway with one of the two servers."""
    given = {"http_server": request.param, "http_head_seconds": str(HEAD_SECONDS)}
    with GatewayProcess(redis_url=valkey.url, encryption_keys=encryption_keys, **given) as process:
        yield process


class Ready:
    """A gateway with a customer whose only model answers at once, unless the provider is told otherwise."""

    def __init__(self, gateway: GatewayProcess, provider: FakeProvider, key: str, model: str) -> None:
        self.gateway, self.provider, self.key, self.model = gateway, provider, key, model

    def chat(self, *fields: str, model: str = "", version: str = "1.1", target: str = "/v1/chat/completions") -> bytes:
        """A whole request; with a model that does not exist, its answer is a 404 that names it."""
        body = chat_body(model or self.model)
        return chat_head(self.key, *fields, f"Content-Length: {len(body)}", version=version, target=target) + body

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Client]:
        async with dial(self.gateway.port) as client:
            yield client


@pytest.fixture
async def ready(world: World, provider: FakeProvider, server: GatewayProcess) -> Ready:
    world.gateways.append(server)
    customer, route = await world.serve(provider.base_url)
    return Ready(server, provider, customer.live, route.model)


def chunked(*pieces: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    frames = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces]
    return b"".join(frames) + b"0\r\n" + trailer + b"\r\n"


@pytest.mark.parametrize("kinds", ["pp", "ppppp", "pcp", "cpc", "pppch"])
async def test_requests_in_one_piece_are_answered_in_their_order(ready: Ready, kinds: str) -> None:
    """`p` is plain, `c` comes in chunks and `h` is of HTTP/1.0, which aiohttp reads."""
    sent = b""
    for number, kind in enumerate(kinds):
        model = f"nobodys-{number}"
        if kind == "c":
            sent += chat_head(ready.key, "Transfer-Encoding: chunked") + chunked(chat_body(model))
        else:
            sent += ready.chat(model=model, version="1.0" if kind == "h" else "1.1")
    async with ready.connection() as client:
        client.send(sent)
        for number in range(len(kinds)):
            answer = await client.answer()
            assert answer.status == 404
            assert f"nobodys-{number}" in answer.json["error"]["message"]


@pytest.mark.parametrize("extension", [b"", b";a=b", b';a="b c"'], ids=["plain", "extended", "quoted"])
@pytest.mark.parametrize("trailer", [b"", b"X-Sum: 1\r\n"], ids=["no-trailer", "trailer"])
async def test_a_body_in_chunks_is_read_to_its_end(ready: Ready, extension: bytes, trailer: bytes) -> None:
    body = chat_body(ready.model)
    async with ready.connection() as client:
        client.send(
            chat_head(ready.key, "Transfer-Encoding: chunked")
            + chunked(body[:7], body[7:], extension=extension, trailer=trailer)
        )
        assert (await client.answer()).status == 200
        client.send(ready.chat(model="nobodys"))
        assert (await client.answer()).status == 404


async def test_a_client_that_expects_100_continue_is_told_to_go_on(ready: Ready) -> None:
    body = chat_body(ready.model)
    async with ready.connection() as client:
        client.send(ready.chat())
        assert (await client.answer()).status == 200
        client.send(chat_head(ready.key, "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert (await client.answer(interim=True)).status == 100
        client.send(body)
        assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("version", "field", "stays"),
    [("1.1", "a: b", True), ("1.1", "Connection: close", False), ("1.1", "Connection: Close", False),
     ("1.0", "a: b", False), ("1.0", "Connection: keep-alive", True)],
)  # fmt: skip
async def test_the_connection_stays_as_version_and_field_say(
    ready: Ready, version: str, field: str, stays: bool
) -> None:
    async with ready.connection() as client:
        client.send(ready.chat(field, version=version))
        assert (await client.answer()).status == 200
        client.send(ready.chat(model="nobodys"))
        assert (await client.closed()) is not stays


@pytest.mark.parametrize(
    ("line", "status"),
    [("HEAD /v1/chat/completions HTTP/1.1", 405), ("OPTIONS /v1/chat/completions HTTP/1.1", 204),
     ("HEAD /v1/models HTTP/1.1", 200), ("GET /v1/models HTTP/1.1", 200), ("GET /v1/%6dodels HTTP/1.1", 200),
     ("GET http://api.example/v1/models HTTP/1.1", 200), ("GET /v1/models?a=%20b HTTP/1.1", 200)],
)  # fmt: skip
async def test_other_methods_and_targets(ready: Ready, line: str, status: int) -> None:
    async with ready.connection() as client:
        client.send(f"{line}\r\nHost: x\r\nAuthorization: Bearer {ready.key}\r\n\r\n".encode())
        answer = await client.answer(bodiless=line.startswith("HEAD"))
        assert answer.status == status
        client.send(ready.chat(model="nobodys"))
        assert (await client.answer()).status == 404


async def test_a_request_may_come_byte_by_byte(ready: Ready) -> None:
    async with ready.connection() as client:
        for byte in ready.chat(f"X-Long: {'x' * 700}"):
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).status == 200


async def test_a_head_and_a_body_may_come_in_two_pieces(ready: Ready) -> None:
    head, end, body = ready.chat().partition(b"\r\n\r\n")
    async with ready.connection() as client:
        for _ in range(3):
            client.send(head + end)
            await asyncio.sleep(0.02)
            client.send(body)
            assert (await client.answer()).status == 200


async def test_a_packed_body_is_unpacked(ready: Ready) -> None:
    body = gzip.compress(chat_body(ready.model), mtime=0)
    async with ready.connection() as client:
        client.send(chat_head(ready.key, "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
        assert (await client.answer()).status == 200


async def test_a_large_body_waits_for_nobody_and_arrives_whole(ready: Ready) -> None:
    fields = json.loads(chat_body(ready.model))
    fields["messages"][0]["content"] = "x" * 3_000_000
    body = json.dumps(fields).encode()
    async with ready.connection() as client:
        client.send(chat_head(ready.key, f"Content-Length: {len(body)}") + body + ready.chat(model="nobodys"))
        assert (await client.answer()).status == 200
        assert len(ready.provider.requests[-1].json["messages"][0]["content"]) == 3_000_000
        assert (await client.answer()).status == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"x-%d: 1\r\n" % number for number in range(200))
        + b"\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nx: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"a" * 20_000 + b": x\r\n\r\n",
        b"GET /v1/models?" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 20_000,
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"x: " + b"a" * 17_000,
    ],
    ids=["200-fields", "a-long-value", "a-long-name", "a-long-target", "a-target-without-end", "a-value-without-end"],
)
async def test_a_head_has_bounds(ready: Ready, raw: bytes) -> None:
    async with ready.connection() as client:
        client.send(raw)
        assert (await client.answer()).status == 400
        assert await client.closed()


async def test_a_long_target_below_the_bound_is_only_unknown(ready: Ready) -> None:
    async with ready.connection() as client:
        client.send(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer()).status == 404


@pytest.mark.parametrize("begun", ["G", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx:", "\r\n", "GET /a%20b"])
async def test_a_head_that_does_not_arrive_is_refused_in_time(ready: Ready, begun: str) -> None:
    async with ready.connection() as client:
        client.send(ready.chat(model="nobodys"))
        assert (await client.answer()).status == 404
        client.send(begun.encode())
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await client.closed()


async def test_a_head_that_drips_is_refused_in_time(ready: Ready) -> None:
    async with ready.connection() as client:

        async def drip() -> None:
            for byte in ready.chat():
                client.send(bytes([byte]))
                await asyncio.sleep(HEAD_SECONDS / 20)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        dripping.cancel()


@pytest.mark.parametrize("odd", [False, True], ids=["plain", "in-chunks"])
async def test_a_client_that_says_no_more_still_gets_its_answer(ready: Ready, odd: bool) -> None:
    ready.provider.script(Json(delay=0.8))
    body = chat_body(ready.model)
    chunks = chat_head(ready.key, "Transfer-Encoding: chunked") + chunked(body)
    async with ready.connection() as client:
        client.send(chunks if odd else ready.chat())
        client.end()
        assert (await client.answer()).status == 200
        assert await client.closed()


@pytest.mark.parametrize("odd", [False, True], ids=["plain", "in-chunks"])
async def test_a_client_that_hangs_up_ends_the_call_to_the_provider(ready: Ready, odd: bool) -> None:
    ready.provider.script(Hang())
    chunks = chat_head(ready.key, "Transfer-Encoding: chunked") + chunked(chat_body(ready.model))
    async with ready.connection() as client:
        client.send(chunks if odd else ready.chat())
        await ready.provider.received(1)
    await asyncio.wait_for(ready.provider.requests[0].gone.wait(), 5)


@pytest.mark.parametrize("size", [2_000, 200_000], ids=["small", "large"])
async def test_a_reset_within_a_body_leaves_nothing_behind(ready: Ready, size: int) -> None:
    sock = socket.create_connection(("127.0.0.1", ready.gateway.port))
    sock.sendall(chat_head(ready.key, f"Content-Length: {size}") + b"x" * 100)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    async with ready.connection() as client:
        client.send(ready.chat())
        assert (await client.answer()).status == 200
    assert "Traceback" not in ready.gateway.log


@pytest.mark.parametrize("http_server", ["own", "aiohttp"])
@pytest.mark.parametrize("padding", [0, 300_000], ids=["small", "large"])
async def test_a_drain_waits_for_the_rest_of_a_body(
    world: World, provider: FakeProvider, start_gateway: StartGateway, http_server: str, padding: int
) -> None:
    gateway = start_gateway(http_server=http_server)
    world.gateways.append(gateway)
    customer, route = await world.serve(provider.base_url)
    provider.always(Json(delay=1.5))  # longer than what is left of the process after its grace
    body = chat_body(route.model) + b" " * padding
    async with dial(gateway.port) as client:
        client.send(chat_head(customer.live, f"Content-Length: {len(body)}") + body[:50])
        await asyncio.sleep(0.1)
        gateway.terminate()
        while gateway.readiness()[0] != 503:
            await asyncio.sleep(0.02)
        client.send(body[50:])
        answer: Heard = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.closed()
    assert await gateway.wait(10) == 0
