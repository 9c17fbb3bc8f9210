"""Connections from one request to the next: what waits, what is thrown away, and who reads what, by either server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.http_edge import BOUNDS, Served, serve
from harness.raw_http import Client
from havuz_gateway.surfaces.http.aiohttp_connection import AiohttpConnection
from havuz_gateway.surfaces.http.plain_head import MAX_FIELDS, HeadReader, may_become_plain

PLAIN = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
HANG = b"POST /hang HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
MORE_THAN_SOCKETS_HOLD = 64 * 1024 * 1024


@pytest.fixture(params=[True, False], ids=["front", "aiohttp"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serve(front=request.param) as running:
        yield running


async def test_what_a_client_sends_behind_a_request_in_work_is_bounded(served: Served) -> None:
    async with served.connection() as (_, writer):
        writer.write(HANG)
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        writer.write(PLAIN * (MORE_THAN_SOCKETS_HOLD // len(PLAIN)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.3)
        writer.transport.abort()


async def test_many_requests_in_one_piece_are_all_answered(served: Served) -> None:
    count = 1_300  # more than the bound on what waits
    async with served.connection() as (reader, writer):
        client = Client(reader, writer)
        client.send(PLAIN * count)
        for _ in range(count):
            assert (await client.answer()).status == 200


async def test_the_rest_of_a_body_that_nobody_wants_is_not_the_next_request(served: Served) -> None:
    body = PLAIN * 50  # over the bound of these tests
    async with served.connection() as (reader, writer):
        client = Client(reader, writer)
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert (await client.answer()).status == 413
        client.send(body + PLAIN)
        assert (await client.answer()).status == 200
        assert not await client.closed()


async def test_a_client_that_never_sends_the_rest_is_closed_on(served: Served) -> None:
    async with served.connection() as (reader, writer):
        client = Client(reader, writer)
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BOUNDS.max_body + 1))
        assert (await client.answer()).status == 413
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_connection_is_aiohttps_from_the_first_odd_request_on() -> None:
    async with serve() as served, served.connection() as (reader, writer):
        client = Client(reader, writer)
        client.send(PLAIN)
        assert (await client.answer()).status == 200
        assert served.server.connections == []
        client.send(PLAIN + CHUNKS)
        for _ in range(2):
            assert (await client.answer()).json["body"] == "{}"
        assert [type(one) for one in served.server.connections] == [AiohttpConnection]
        client.send(PLAIN)
        assert (await client.answer()).status == 200


@pytest.mark.parametrize("begun", [HANG, CHUNKS.replace(b"echo", b"hang")], ids=["plain", "in-chunks"])
async def test_a_shutdown_cuts_off_what_is_still_in_work(begun: bytes) -> None:
    async with serve() as served, served.connection() as (reader, writer):
        writer.write(begun)
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        await served.server.shutdown(0.05)
        assert served.endpoints.cancelled.is_set()
        assert await asyncio.wait_for(reader.read(), 5) == b""


HEAD = b"POST /v1/x?a=1&a=2&b= HTTP/1.1\r\nHost: X\r\nContent-Length: 007\r\nX-One:  two  three \r\nuser-agent: me"


def test_a_plain_head_is_read_the_same_each_time() -> None:
    reader = HeadReader()
    for _ in range(2):
        head = reader.read(HEAD)
        assert head is not None
        assert (head.method, head.path, head.query) == ("POST", "/v1/x", {"a": ("1", "2"), "b": ("",)})
        assert (head.length, head.keep_alive) == (7, True)
        assert head.headers == {"host": "X", "content-length": "007", "x-one": "two  three", "user-agent": "me"}
        head.headers.clear()


def test_a_reader_forgets_what_is_said_once_too_often() -> None:
    reader = HeadReader()
    for number in range(3_000):
        head = reader.read(b"GET /v1/%d HTTP/1.1\r\nHost: x\r\nUser-Agent: %d" % (number, number))
        assert head is not None
        assert (head.path, head.headers["user-agent"]) == (f"/v1/{number}", str(number))
    assert len(reader._fields) <= 1_000
    assert len(reader._requests) <= 1_000


def test_secrets_are_not_remembered() -> None:
    reader = HeadReader()
    keys = b"Authorization: Bearer sk-1\r\nx-api-key: sk-2\r\nCookie: sk-3\r\nx-goog-api-key: sk-4"
    assert reader.read(b"POST /v1/x?key=sk-5 HTTP/1.1\r\nHost: x\r\n" + keys) is not None
    assert "sk-" not in str((reader._fields, reader._requests))


@pytest.mark.parametrize(
    "head",
    [
        b"POST /x HTTP/1.1",
        b"POST /x HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(b"x-%d: 1" % number for number in range(MAX_FIELDS)),
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1234567890123456",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2",
        b"POST /x HTTP/1.1\r\nHost: x\r\n",
    ],
    ids=["no-host", "too-many-fields", "too-long-a-length", "no-ascii-digit", "an-empty-line"],
)
def test_what_is_not_plain_is_left_to_aiohttp(head: bytes) -> None:
    assert HeadReader().read(head) is None


@pytest.mark.parametrize(
    ("begun", "may"), [(b"P", True), (b"POST /", True), (b"GET http://", False), (b"\x16\x03\x01" * 4, False)]
)
def test_what_can_no_longer_become_plain_is_told_early(begun: bytes, may: bool) -> None:
    assert may_become_plain(begun) is may
