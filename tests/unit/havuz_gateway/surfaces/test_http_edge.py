"""The HTTP side over real sockets: plain values in, the surface's answers out; no client holds a connection."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web

from havuz_gateway.errors import RateLimited, StreamBroken
from havuz_gateway.pipeline.exchange import ClientGone, Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.http import HttpBounds, HttpEdge
from havuz_gateway.surfaces.openai.errors import render_error, stream_error
from havuz_gateway.surfaces.registry import Registry

SECRET = "pk_live_never_to_be_seen"
BOUNDS = HttpBounds(max_body=1_000, read_idle=0.2, read_total=0.6, write_idle=0.3, keepalive=0.5, lingering=0.2)
NO_SERVICES = cast("Services", None)  # the endpoints of these tests use none


class Endpoints:
    """Endpoints that show what reaches them."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.gone = asyncio.Event()
        self.entered = asyncio.Event()

    def surface(self) -> Surface:
        names = ("echo", "stream", "limited", "bug", "late", "hang", "flood", "silent")
        paths = {f"/{name}": {"POST": getattr(self, name), "GET": getattr(self, name)} for name in names}
        return Surface("test", "test", render_error, stream_error, paths)

    async def echo(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        told = {
            "method": request.method,
            "path": request.path,
            "host": request.host,
            "headers": dict(request.headers),
            "query": request.query,
            "body": request.body.decode(),
            "credential": credential,
        }
        await writer.respond(200, {"content-type": "application/json"}, json.dumps(told).encode())

    async def stream(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.start(200, {"content-type": "text/event-stream"})
        await writer.write(b"data: 1\n\n")
        raise StreamBroken("it broke off")

    async def limited(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        raise RateLimited("too fast", retry_after=1.2)

    async def bug(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        raise ValueError(f"holds {credential}")

    async def late(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.respond(200, {}, b"whole")
        raise ValueError("after the answer")

    async def hang(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        self.entered.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def flood(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        await writer.start(200, {})
        self.entered.set()
        try:
            while True:
                await writer.write(b"x" * 100_000)
        except (ClientGone, asyncio.CancelledError):
            self.gone.set()
            raise

    async def silent(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        return


class Served:
    """A running edge."""

    def __init__(self, edge: HttpEdge, server: web.Server, endpoints: Endpoints, port: int) -> None:
        self.edge = edge
        self.server = server
        self.endpoints = endpoints
        self.port = port

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def send(self, raw: bytes) -> "Answer":
        """Send bytes on a connection of their own and read until the server closes it."""
        async with self.connection() as (reader, writer):
            writer.write(raw)
            return Answer(await asyncio.wait_for(reader.read(), 10))

    async def post(self, path: str, body: bytes = b"{}", *headers: str, method: str = "POST") -> "Answer":
        lines = [f"{method} {path} HTTP/1.1", "Host: Example.COM:8080", "Connection: close", *headers]
        if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
            lines.append(f"Content-Length: {len(body)}")
        return await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


class Answer:
    """A response as it came."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        return self.json["error"]


@asynccontextmanager
async def serve(bounds: HttpBounds = BOUNDS) -> AsyncIterator[Served]:
    endpoints = Endpoints()
    surface = endpoints.surface()
    edge = HttpEdge(Registry((surface,), default=surface), NO_SERVICES, bounds=bounds)
    server = edge.server()
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Served(edge, server, endpoints, runner.addresses[0][1])
    finally:
        await runner.cleanup()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as running:
        yield running


async def test_a_request_arrives_as_plain_values_without_its_key(served: Served) -> None:
    told = (
        await served.post(f"/echo?api_key={SECRET}&limit=1&limit=2", b'{"a":1}', f"Authorization: Bearer {SECRET}")
    ).json
    assert told["credential"] == SECRET
    assert SECRET not in json.dumps({**told, "credential": None})
    assert (told["method"], told["path"], told["host"]) == ("POST", "/echo", "example.com")
    assert told["query"] == {"limit": ["1", "2"]}
    assert told["body"] == '{"a":1}'
    assert told["headers"]["connection"] == "close"


async def test_every_answer_has_an_id_of_its_own_and_hides_the_server(served: Served) -> None:
    one, two = await served.post("/echo"), await served.post("/nothing", b"{}", "x-request-id: mine")
    assert one.headers["x-request-id"] != two.headers["x-request-id"] != "mine"
    assert len(one.headers["x-request-id"]) == len("req_") + 24
    assert one.headers["server"] == two.headers["server"] == "havuz"


async def test_an_unknown_path_and_a_wrong_method_get_the_surfaces_error(served: Served) -> None:
    assert (await served.post("/nothing")).error["code"] == 404
    answer = await served.post("/echo", method="DELETE")
    assert answer.error["code"] == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_and_head_have_no_body(served: Served) -> None:
    options = await served.post("/echo", method="OPTIONS")
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    head = await served.post("/echo", method="HEAD")
    assert (head.status, head.body) == (200, b"")


async def test_two_keys_are_refused(served: Served) -> None:
    answer = await served.post("/echo", b"{}", "Authorization: Bearer one", "x-api-key: two")
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


async def test_a_key_sent_twice_in_one_header_is_two_keys(served: Served) -> None:
    assert (await served.post("/echo", b"{}", "Authorization: Bearer a", "Authorization: Bearer b")).status == 400


async def test_a_busy_answer_says_when_to_come_back(served: Served) -> None:
    answer = await served.post("/limited")
    assert (answer.status, answer.headers["retry-after"], answer.headers["retry-after-ms"]) == (429, "2", "1200")


async def test_a_bug_is_a_500_without_its_story(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = await served.post("/bug", b"{}", f"x-api-key: {SECRET}")
    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert b"ValueError" not in answer.raw
    records = [vars(record) for record in caplog.records]
    assert [record["error_type"] for record in records] == ["ValueError"]
    assert "test_http_edge" in records[0]["frames"]
    assert SECRET not in str(records)


async def test_a_failure_after_the_answer_does_not_spoil_it(served: Served) -> None:
    answer = await served.post("/late")
    assert (answer.status, answer.body) == (200, b"whole")


async def test_an_endpoint_that_says_nothing_is_a_500(served: Served) -> None:
    assert (await served.post("/silent")).status == 500


async def test_an_error_in_a_stream_is_an_event_and_the_end(served: Served) -> None:
    answer = await served.post("/stream")
    assert b"data: 1\n\n" in answer.body
    assert b'data: {"error":{"message":"it broke off"' in answer.body
    assert answer.body.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in answer.body


async def test_a_body_over_the_limit_is_refused_before_it_is_read(served: Served) -> None:
    answer = await served.post("/echo", b"", "Content-Length: 1001")
    assert (answer.status, answer.error["type"]) == (413, "invalid_request_error")


async def test_a_chunked_body_over_the_limit_is_refused(served: Served) -> None:
    body = b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(11)) + b"0\r\n\r\n"
    assert (await served.post("/echo", body, "Transfer-Encoding: chunked")).status == 413


async def test_a_compressed_body_is_read_and_a_bomb_is_not(served: Served) -> None:
    deflated = "Content-Encoding: deflate"
    assert (await served.post("/echo", zlib.compress(b'{"a":1}'), deflated)).json["body"] == '{"a":1}'
    bomb = zlib.compress(b" " * 500_000)
    assert len(bomb) < BOUNDS.max_body
    assert (await served.post("/echo", bomb, deflated)).status == 413


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip"])
async def test_an_unknown_encoding_is_refused(served: Served, encoding: str) -> None:
    answer = await served.post("/echo", b"{}", f"Content-Encoding: {encoding}")
    assert (answer.status, "gzip" in answer.error["message"]) == (415, True)


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b"{}")[:-4], b""])
async def test_a_body_that_is_not_compressed_as_it_says_is_refused(served: Served, body: bytes) -> None:
    assert (await served.post("/echo", body, "Content-Encoding: gzip")).status == 400


async def test_broken_chunks_are_refused(served: Served) -> None:
    assert (await served.post("/echo", b"zz\r\nhello\r\n", "Transfer-Encoding: chunked")).status == 400


async def test_what_is_no_http_gets_json_and_none_of_its_bytes_back(served: Served) -> None:
    answer = await served.send(f"HELLO {SECRET}\r\nWhat is this\r\n\r\n".encode())
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert SECRET.encode() not in answer.raw


async def test_headers_that_are_too_large_are_refused(served: Served) -> None:
    assert (await served.post("/echo", b"{}", "x-large: " + "x" * 20_000)).status == 400


async def test_a_body_that_stops_coming_is_refused_in_time(served: Served) -> None:
    answer = await served.post("/echo", b"{", "Content-Length: 100")
    assert (answer.status, answer.error["type"]) == (408, "invalid_request_error")


async def test_a_body_that_drips_is_refused_in_time(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n")

        async def drip() -> None:
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        try:
            line = await asyncio.wait_for(reader.readline(), 5)
        finally:
            dripping.cancel()
    assert b" 408 " in line


@pytest.mark.parametrize("begun", [b"", b"POST /ec", b"POST /echo HTTP/1.1\r\nHost: x\r\nx-half: "])
async def test_a_client_that_never_finishes_its_headers_is_cut(served: Served, begun: bytes) -> None:
    async with served.connection() as (reader, writer):
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_client_that_waits_for_100_continue_gets_it(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
        )
        assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 100 Continue\r\n"
        writer.write(b"{}")
        assert b'"body": "{}"' in await asyncio.wait_for(reader.read(), 5)


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    one = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    raw = (await served.send(one + b"a" + one + b"b" + last)).raw
    assert raw.index(b'"body": "a"') < raw.index(b'"body": "b"') < raw.index(b"404 Not Found")


async def test_a_client_that_hangs_up_cancels_its_request(served: Served) -> None:
    async with served.connection() as (_, writer):
        writer.write(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        assert served.edge.active == 1
        assert not served.edge.idle.is_set()
    await asyncio.wait_for(served.endpoints.cancelled.wait(), 5)
    await asyncio.wait_for(served.edge.idle.wait(), 5)
    assert served.edge.active == 0


async def test_a_client_that_does_not_read_is_cut(served: Served) -> None:
    async with served.connection() as (_, writer):
        writer.write(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        await asyncio.wait_for(served.endpoints.gone.wait(), 5)
    await asyncio.wait_for(served.edge.idle.wait(), 5)


async def test_a_drain_closes_idle_connections_and_lets_a_body_arrive(served: Served) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    async with served.connection() as (idle, idle_writer), served.connection() as (busy, busy_writer):
        idle_writer.write(head + b"{}")
        await idle.readuntil(b'"credential": null}')
        busy_writer.write(head + b"{")
        async with asyncio.timeout(5):
            while not served.edge.active:  # noqa: ASYNC110 - the edge tells when it is idle, not when it is busy
                await asyncio.sleep(0)
        served.server.pre_shutdown()
        assert await asyncio.wait_for(idle.read(), 5) == b""
        busy_writer.write(b"}")
        answer = Answer(await asyncio.wait_for(busy.read(), 5))
    assert (answer.status, answer.headers["connection"]) == (200, "close")
