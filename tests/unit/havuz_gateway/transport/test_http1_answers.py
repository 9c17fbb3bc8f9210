"""Answers of providers over HTTP/1.1: how they are framed, compressed, cut short, or wrong."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from harness.calls_upstream import ask, request_to
from harness.raw_provider import Line, RawProvider, answering, once
from havuz_gateway.transport.base import TransportFailure
from havuz_gateway.transport.client import HttpTransport
from havuz_gateway.transport.http1.answer_head import MAX_HEAD_BYTES

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"content-length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


def one_by_one(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


@pytest.mark.parametrize("split", [False, True], ids=["at-once", "byte-by-byte"])
@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        CHUNKED,
        OK + b"transfer-encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + CHUNKED,
    ],
    ids=["length", "chunked", "extensions-and-trailers", "continue", "early-hints"],
)
async def test_an_answer_is_read_whole_and_its_connection_is_used_again(
    transport: HttpTransport, answer: bytes, split: bool
) -> None:
    async with RawProvider(answering(*(one_by_one(answer) if split else [answer]))) as provider:
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert len(provider.lines) == 1


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello",
        PLAIN + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        PLAIN + b"garbage",
    ],
    ids=["until-close", "http-1.0", "http-1.0-length", "connection-close", "a-second-answer", "garbage-behind"],
)
async def test_a_connection_that_is_over_or_doubtful_is_not_used_again(transport: HttpTransport, answer: bytes) -> None:
    async with RawProvider(once(answer)) as provider:
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert len(provider.lines) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        OK + b"content-length: -5\r\n\r\nhello",
        OK + b"content-length: 0x5\r\n\r\nhello",
        OK + b"content-length: 99999999999999999999\r\n\r\nhello",
        OK + b"transfer-encoding: gzip\r\n\r\nhello",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"x-folded: one\r\n two\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"content-length : 5\r\n\r\nhello",
        OK + b"x: a\nx-bare: line feed\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"x-null: \0\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"content-encoding: br\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00",
        b"HTTP/2 200\r\n\r\n",
        b"\x16\x03\x01 this is not HTTP\r\n\r\n",
        OK + b"x-long: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
        OK + b"x-many: aaaa\r\n" * (MAX_HEAD_BYTES // 8) + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_HEAD_BYTES + PLAIN,
    ],
    ids=[
        "two-lengths", "the-same-length-twice", "length-and-chunked", "chunked-and-length", "negative-length",
        "hexadecimal-length", "endless-length", "unknown-transfer-coding", "two-transfer-codings",
        "two-transfer-codings-apart",
        "folded-line", "space-before-colon", "bare-line-feed", "null-byte", "unknown-content-coding", "upgrade",
        "http-2", "not-http", "long-header", "many-headers", "endless-interim-answers",
    ],
)  # fmt: skip
async def test_an_answer_that_could_be_read_in_two_ways_is_refused(transport: HttpTransport, answer: bytes) -> None:
    async with RawProvider(once(answer)) as provider:
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, request_to(provider))
        assert failure.value.kind == "protocol"
        await provider.lines[0].until_gone()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"content-length: 10\r\n\r\nhello",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-endless: " + b"a" * (2 * MAX_HEAD_BYTES),
    ],
    ids=["short-of-its-length", "without-a-last-chunk", "no-chunk-size", "endless-trailer"],
)
async def test_what_came_of_a_broken_body_is_given_out_before_it_is_told(
    transport: HttpTransport, answer: bytes
) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    async with RawProvider(once(head + b"\r\n\r\n", body)) as provider:
        response = await transport.send(request_to(provider))
        came = bytearray()

        async def read() -> None:
            async for chunk in response.chunks():
                came.extend(chunk)

        with pytest.raises(TransportFailure) as failure:
            await read()
        assert failure.value.kind == "broken"
        assert came in (b"hello", b"")  # a piece that is wrong in itself is not given out in part


@pytest.mark.parametrize("answer", [b"", b"HTT", b"HTTP/1.1 200 OK\r\ncontent-"], ids=["nothing", "a-word", "half"])
async def test_a_connection_that_closes_before_a_whole_head_was_reset(transport: HttpTransport, answer: bytes) -> None:
    async with RawProvider(once(answer)) as provider:
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, request_to(provider))
        assert failure.value.kind == "reset"


async def test_the_headers_have_lower_case_names_and_the_first_of_each(transport: HttpTransport) -> None:
    answer = OK + b"Retry-After: 3\r\nretry-after: 9\r\nX-Name: \xc3\xbc\r\ncontent-length: 0\r\n\r\n"
    async with RawProvider(once(answer)) as provider:
        response = await transport.send(request_to(provider))
        assert response.headers == {"retry-after": "3", "x-name": "ü", "content-length": "0"}
        response.close()


async def test_an_answer_to_head_and_one_without_content_have_no_body(transport: HttpTransport) -> None:
    async with RawProvider(once(OK + b"content-length: 5\r\n\r\n")) as provider:
        assert await ask(transport, request_to(provider, method="HEAD", body=b"")) == (200, b"")
    async with RawProvider(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as provider:
        assert await ask(transport, request_to(provider)) == (204, b"")
        assert await ask(transport, request_to(provider)) == (204, b"")
        assert len(provider.lines) == 1


TEXT = b"the same words over and over. " * 1000
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(TEXT)),
        (b"GZIP", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", BARE.compress(TEXT) + BARE.flush()),
        (b"identity", TEXT),
        (b"gzip", b""),
    ],
    ids=["gzip", "two-members", "zlib", "bare-deflate", "identity", "empty"],
)
@pytest.mark.parametrize("split", [False, True], ids=["at-once", "byte-by-byte"])
async def test_a_compressed_answer_is_unpacked(
    transport: HttpTransport, coding: bytes, packed: bytes, split: bool
) -> None:
    head = OK + b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (coding, len(packed))
    body = [*one_by_one(packed[:2000]), packed[2000:]] if split else [packed]
    async with RawProvider(answering(head, *body)) as provider:
        assert await ask(transport, request_to(provider)) == (200, TEXT if packed else b"")


@pytest.mark.parametrize("packed", [gzip.compress(TEXT)[:-9], b"not gzip"], ids=["cut", "plain"])
async def test_a_compressed_answer_that_is_not_whole_is_broken(transport: HttpTransport, packed: bytes) -> None:
    answer = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    async with RawProvider(answering(answer)) as provider:
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, request_to(provider))
        assert failure.value.kind == "broken"


async def test_a_small_piece_that_unfolds_to_much_comes_in_bounded_pieces(transport: HttpTransport) -> None:
    packed = gzip.compress(bytes(20_000_000))
    answer = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    async with RawProvider(answering(answer)) as provider:
        response = await transport.send(request_to(provider))
        sizes = [len(chunk) async for chunk in response.chunks()]
        assert sum(sizes) == 20_000_000
        assert max(sizes) <= 256 * 1024


async def test_the_request_has_a_host_its_headers_and_a_length_and_nothing_else(transport: HttpTransport) -> None:
    heads: list[tuple[bytes, bytes]] = []

    async def script(line: Line) -> None:
        while True:
            heads.append(await line.request())
            await line.say(PLAIN)

    async with RawProvider(script) as provider:
        await ask(transport, request_to(provider, body=b"body"))
        await ask(transport, request_to(provider, method="GET", body=b""))
        await ask(transport, request_to(provider, body=b""))
        host = b"host: 127.0.0.1:%d\r\nx-test: yes\r\n" % provider.port
        path = b"/v1/chat/completions HTTP/1.1\r\n"
        assert heads == [
            (b"POST " + path + host + b"content-length: 4\r\n\r\n", b"body"),
            (b"GET " + path + host + b"\r\n", b""),
            (b"POST " + path + host + b"content-length: 0\r\n\r\n", b""),
        ]
