"""No client can fill the memory, hold a connection, or get its bytes back: what is too large, too slow or no HTTP."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from harness.http_edge import BOUNDS, Answer, Served, serve

SECRET = "pk_live_never_to_be_seen"


@pytest.fixture(params=[True, False], ids=["front", "aiohttp"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serve(front=request.param) as running:
        yield running


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


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b"{}", mtime=0)[:-4], b""])
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


async def test_headers_that_are_too_many_bytes_in_all_are_refused(served: Served) -> None:
    fields = b"".join(b"x-%d: %b\r\n" % (number, b"x" * 10_000) for number in range(7))
    answer = await served.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n" + fields)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


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


async def test_a_client_that_never_says_anything_is_cut(served: Served) -> None:
    assert await nothing_more_after(served, b"") == b""


@pytest.mark.parametrize("begun", [b"POST /ec", b"\r\nPOST /ec", b"POST /echo HTTP/1.1\r\nHost: x\r\nx-half: "])
async def test_a_client_that_never_finishes_its_headers_is_refused_and_cut(served: Served, begun: bytes) -> None:
    answer = Answer(await nothing_more_after(served, begun))
    assert (answer.status, answer.error["type"], answer.headers["connection"]) == (
        408,
        "invalid_request_error",
        "close",
    )


async def nothing_more_after(served: Served, begun: bytes) -> bytes:
    """All that a client hears that sends so much and is silent then."""
    async with served.connection() as (reader, writer):
        writer.write(begun)
        return await asyncio.wait_for(reader.read(), 5)


@pytest.mark.parametrize("endpoint", ["flood", "aside"], ids=["its-own-task", "a-task-beside"])
async def test_a_client_that_does_not_read_is_cut(served: Served, endpoint: str) -> None:
    async with served.connection() as (_, writer):
        writer.write(b"GET /" + endpoint.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        await asyncio.wait_for(served.endpoints.gone.wait(), 5)
    await asyncio.wait_for(served.edge.idle.wait(), 5)
