"""Answers as they are on the wire: framing by version, method and length, and what becomes of the connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from havuz_gateway.pipeline.exchange import ClientGone
from havuz_gateway.surfaces.base import Rendered
from havuz_gateway.surfaces.http.answer import Answer
from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.server import HttpServer
from havuz_gateway.surfaces.http.writer import ResponseWriter

Play = Callable[[ResponseWriter], Awaitable[None]]
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def served(play: Play, *, closing: bool = False) -> AsyncIterator[Dial]:
    """A server whose every request is answered by `play`."""

    async def handle(incoming: Incoming) -> Answer | None:
        writer = ResponseWriter(incoming, request_id="req_1", timeout=5, closing=lambda: closing)
        try:
            await play(writer)
        finally:
            writer.close()
        return writer.response

    server = HttpServer(handle, refusal=lambda status: Rendered(status, {}, b""), bounds=HttpBounds())
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    opened: list[asyncio.StreamWriter] = []

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    try:
        yield dial
    finally:
        for writer in opened:
            writer.transport.abort()
        await runner.cleanup()


async def asked(dial: Dial, *lines: str, method: str = "GET", version: str = "1.1") -> tuple[list[str], bytes, bool]:
    """Header lines (sorted, without the date), what follows them until the server is silent, and whether it closed."""
    reader, writer = await dial()
    writer.write("\r\n".join([f"{method} / HTTP/{version}", "host: x", *lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
    body, closed = b"", False
    while not closed:
        try:
            async with asyncio.timeout(0.3):
                piece = await reader.read(65536)
        except TimeoutError:
            break
        body, closed = body + piece, not piece
    kept = sorted(line for line in head if not line.startswith(("date: ", "x-request-id: ", "server: ")))
    return kept, body, closed


async def in_pieces(writer: ResponseWriter) -> None:
    await writer.start(200, {"content-type": "text/plain"})
    await writer.write(b"hello ")
    await writer.write(b"")
    await writer.write(b"world")
    await writer.end()


async def at_once(writer: ResponseWriter) -> None:
    await writer.respond(200, {"content-type": "text/plain"}, b"hello world")


CHUNKS = b"6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
TYPE = "content-type: text/plain"


@pytest.mark.parametrize(
    ("version", "line", "head", "body", "closed"),
    [
        ("1.1", "a: b", ["HTTP/1.1 200 OK", TYPE, "transfer-encoding: chunked"], CHUNKS, False),
        ("1.1", "connection: close",
         ["HTTP/1.1 200 OK", "connection: close", TYPE, "transfer-encoding: chunked"], CHUNKS, True),
        ("1.0", "a: b", ["HTTP/1.0 200 OK", "connection: close", TYPE], b"hello world", True),
        ("1.0", "connection: keep-alive", ["HTTP/1.0 200 OK", "connection: close", TYPE], b"hello world", True),
    ],
    ids=["1.1", "1.1-close", "1.0", "1.0-keep-alive"],
)  # fmt: skip
async def test_an_answer_in_pieces(version: str, line: str, head: list[str], body: bytes, closed: bool) -> None:
    async with served(in_pieces) as dial:
        assert await asked(dial, line, version=version) == (head, body, closed)


@pytest.mark.parametrize(
    ("version", "line", "head", "closed"),
    [
        ("1.1", "a: b", ["HTTP/1.1 200 OK", "content-length: 11", TYPE], False),
        ("1.1", "connection: close", ["HTTP/1.1 200 OK", "connection: close", "content-length: 11", TYPE], True),
        ("1.0", "a: b", ["HTTP/1.0 200 OK", "connection: close", "content-length: 11", TYPE], True),
        ("1.0", "connection: keep-alive",
         ["HTTP/1.0 200 OK", "connection: keep-alive", "content-length: 11", TYPE], False),
    ],
    ids=["1.1", "1.1-close", "1.0", "1.0-keep-alive"],
)  # fmt: skip
async def test_a_whole_answer(version: str, line: str, head: list[str], closed: bool) -> None:
    async with served(at_once) as dial:
        assert await asked(dial, line, version=version) == (head, b"hello world", closed)


@pytest.mark.parametrize("play", [in_pieces, at_once], ids=["in-pieces", "whole"])
async def test_while_draining_every_answer_ends_its_connection(play: Play) -> None:
    async with served(play, closing=True) as dial:
        head, _, closed = await asked(dial)
        assert "connection: close" in head
        assert closed


@pytest.mark.parametrize("play", [in_pieces, at_once], ids=["in-pieces", "whole"])
async def test_an_answer_to_head_has_no_body_and_the_next_request_is_answered(play: Play) -> None:
    async with served(play) as dial:
        _, body, closed = await asked(dial, method="HEAD")
        assert (body, closed) == (b"", False)


async def test_an_answer_without_content_has_no_length() -> None:
    async def play(writer: ResponseWriter) -> None:
        await writer.respond(204, {"allow": "GET"}, b"")

    async with served(play) as dial:
        assert await asked(dial) == (["HTTP/1.1 204 No Content", "allow: GET"], b"", False)


@pytest.mark.parametrize(
    ("length", "body", "closed"), [(11, b"hello world", False), (5, b"hello", False), (20, b"hello world", True)]
)
async def test_no_more_is_sent_than_was_announced_and_with_less_the_connection_ends(
    length: int, body: bytes, closed: bool
) -> None:
    async def play(writer: ResponseWriter) -> None:
        await writer.start(200, {"content-length": str(length)})
        await writer.write(b"hello ")
        await writer.write(b"world")
        await writer.end()

    async with served(play) as dial:
        assert await asked(dial) == (["HTTP/1.1 200 OK", f"content-length: {length}"], body, closed)


async def test_an_answer_that_is_given_up_half_way_ends_its_connection_without_a_last_chunk() -> None:
    async def play(writer: ResponseWriter) -> None:
        await writer.start(200, {})
        await writer.write(b"hello")

    async with served(play) as dial:
        _, body, closed = await asked(dial)
        assert (body, closed) == (b"5\r\nhello\r\n", True)


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\rb", "a\0b"])
async def test_a_header_that_would_begin_another_one_is_not_sent(value: str) -> None:
    failures: list[Exception] = []

    async def play(writer: ResponseWriter) -> None:
        try:
            await writer.respond(200, {"x-name": value}, b"")
        except ValueError as error:
            failures.append(error)
            raise ClientGone from error

    async with served(play) as dial:
        reader, writer = await dial()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"set-cookie" not in await reader.read()
        assert len(failures) == 1


async def test_requests_behind_each_other_are_answered_in_their_order() -> None:
    count = 0

    async def play(writer: ResponseWriter) -> None:
        nonlocal count
        count += 1
        number = count
        await asyncio.sleep(0)
        await writer.respond(200, {}, b"answer %d" % number)

    async with served(play) as dial:
        reader, writer = await dial()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
        for number in (1, 2, 3):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(8) == b"answer %d" % number
