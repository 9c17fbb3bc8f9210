"""Answers that another reader could understand differently: no byte of one ever becomes part of another."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest
import trustme
import uvloop

from harness.calls_upstream import ask, request_to
from harness.raw_provider import Line, RawProvider, answering
from havuz_gateway.transport.base import TransportFailure, UpstreamRequest
from havuz_gateway.transport.client import HttpTransport

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"content-length: 5\r\n\r\nhello"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
END = b"\r\n0\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


REFUSED = {
    "length-with-a-plus": OK + b"content-length: +5\r\n\r\nhello",
    "length-as-a-list": OK + b"content-length: 5, 5\r\n\r\nhello",
    "length-of-two-words": OK + b"content-length: 5 5\r\n\r\nhello",
    "length-that-is-empty": OK + b"content-length: \r\n\r\nhello",
    "chunks-with-bare-line-feeds": CHUNKED + b"5\nhello\n0\n\n",
    "chunk-size-and-a-space": CHUNKED + b"5 \r\nhello" + END,
    "chunk-size-with-0x": CHUNKED + b"0x5\r\nhello" + END,
    "chunk-size-below-nothing": CHUNKED + b"-5\r\nhello" + END,
    "chunk-size-of-17-digits": CHUNKED + b"10000000000000005\r\nhello" + END,
    "chunk-longer-than-its-size": CHUNKED + b"3\r\nhello" + END,
    "line-feed-in-an-extension": CHUNKED + b"5;a\nb\r\nhello" + END,
    "line-feed-behind-a-chunk": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "bare-carriage-return": CHUNKED + b"5\rX\nhello" + END,
    "line-feed-in-a-trailer": CHUNKED + b"5\r\nhello\r\n0\r\nx: y\n\r\n",
    "length-in-a-trailer": CHUNKED + b"5\r\nhello\r\n0\r\ncontent-length: 7\r\n\r\n",
    "status-of-four-digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH,
    "status-of-two-digits": b"HTTP/1.1 20 OK\r\n" + LENGTH,
    "status-below-100": b"HTTP/1.1 099 OK\r\n" + LENGTH,
    "status-above-599": b"HTTP/1.1 600 OK\r\n" + LENGTH,
    "two-spaces": b"HTTP/1.1  200 OK\r\n" + LENGTH,
    "tab": b"HTTP/1.1\t200 OK\r\n" + LENGTH,
    "space-before-the-version": b" HTTP/1.1 200 OK\r\n" + LENGTH,
    "lower-case-version": b"http/1.1 200 OK\r\n" + LENGTH,
    "version-1.2": b"HTTP/1.2 200 OK\r\n" + LENGTH,
    "another-protocol": b"ICY 200 OK\r\n" + LENGTH,
    "line-feeds-only": b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
    "head-that-ends-in-a-line-feed": OK + b"content-length: 5\r\n\nhello",
    "field-without-a-colon": OK + b"content\r\n" + LENGTH,
    "field-without-a-name": OK + b": x\r\n" + LENGTH,
    "space-in-a-name": OK + b"a b: x\r\n" + LENGTH,
    "carriage-return-in-a-value": OK + b"a: x\ry\r\n" + LENGTH,
    "control-character": OK + b"a: x\x01y\r\n" + LENGTH,
    "chunked-is-not-last": OK + b"transfer-encoding: chunked, identity\r\n\r\n5\r\nhello" + END,
    "not-quite-chunked": OK + b"transfer-encoding: xchunked\r\n\r\n5\r\nhello" + END,
    "chunked-behind-a-tab-of-another-kind": OK + b"transfer-encoding:\x0bchunked\r\n\r\n5\r\nhello" + END,
    "chunked-on-a-folded-line": OK + b"transfer-encoding:\r\n chunked\r\n\r\n5\r\nhello" + END,
    "chunked-twice": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello" + END,
    "no-transfer-coding-and-a-length": OK + b"transfer-encoding: \r\n" + LENGTH,
    "identity-and-a-length": OK + b"transfer-encoding: identity\r\n" + LENGTH,
    "interim-answer-with-a-body": b"HTTP/1.1 100 Continue\r\n" + LENGTH + OK + LENGTH,
    "two-content-codings": OK + b"content-encoding: identity\r\ncontent-encoding: gzip\r\n" + LENGTH,
    "zstd": OK + b"content-encoding: zstd\r\n" + LENGTH,
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED.keys())
async def test_an_answer_that_is_wrong_is_refused_and_its_connection_closed(
    transport: HttpTransport, answer: bytes
) -> None:
    async with RawProvider(answering(answer)) as provider:
        for number in (1, 2):
            with pytest.raises(TransportFailure) as failure:
                await ask(transport, request_to(provider))
            assert failure.value.kind in ("protocol", "broken")
            assert len(provider.lines) == number


READ = {
    "chunks-of-http-1.0": b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + CHUNKED[len(OK) :] + b"5\r\nhello" + END,
    "kept-alive-and-closed": OK + b"connection: keep-alive\r\nconnection: close\r\n" + LENGTH,
    "no-content-with-a-body": b"HTTP/1.1 204 No Content\r\n" + LENGTH,
    "no-content-in-chunks": b"HTTP/1.1 204 No Content\r\n" + CHUNKED[len(OK) :] + b"0\r\n\r\n",
    "not-modified-with-a-body": b"HTTP/1.1 304 Not Modified\r\n" + LENGTH,
    "body-behind-an-empty-one": OK + b"content-length: 0\r\n\r\nhello",
    "half-a-second-answer": OK + LENGTH + b"HT",
    "chunk-behind-the-last": CHUNKED + b"5\r\nhello" + END + b"5\r\nagain\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", READ.values(), ids=READ.keys())
async def test_an_answer_whose_end_is_doubtful_is_read_and_its_connection_closed(
    transport: HttpTransport, answer: bytes
) -> None:
    async with RawProvider(answering(answer)) as provider:
        for number in (1, 2):
            _, body = await ask(transport, request_to(provider))
            assert body in (b"hello", b"")
            assert len(provider.lines) == number


USED_AGAIN = {
    "no-reason": b"HTTP/1.1 200\r\n" + LENGTH,
    "an-empty-line-before": b"\r\n" + OK + LENGTH,
    "an-empty-line-behind": OK + LENGTH + b"\r\n",
    "processing": b"HTTP/1.1 102 Processing\r\n\r\n" + OK + LENGTH,
    "unknown-interim-answer": b"HTTP/1.1 199 Wait\r\n\r\n" * 3 + OK + LENGTH,
    "http-1.0-kept-alive": b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + LENGTH,
    "an-offer-to-upgrade": OK + b"connection: upgrade\r\nupgrade: h2c\r\n" + LENGTH,
}


@pytest.mark.parametrize("answer", USED_AGAIN.values(), ids=USED_AGAIN.keys())
async def test_what_is_unusual_and_clear_is_read_over_and_over(transport: HttpTransport, answer: bytes) -> None:
    async with RawProvider(answering(answer)) as provider:
        for _ in range(3):
            assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert len(provider.lines) == 1


def test_the_event_loop_of_gateways_makes_no_difference() -> None:
    async def ask_of_all() -> list[int]:
        transport, lines = HttpTransport(), []
        for answer in (*REFUSED.values(), *READ.values(), *USED_AGAIN.values()):
            async with RawProvider(answering(answer)) as provider:
                for _ in range(2):
                    with contextlib.suppress(TransportFailure):
                        assert (await ask(transport, request_to(provider)))[1] in (b"hello", b"")
                lines.append(len(provider.lines))
        await transport.close()
        return lines

    assert uvloop.run(ask_of_all()) == [2] * len(REFUSED | READ) + [1] * len(USED_AGAIN)


async def test_an_answer_before_the_request_was_read_is_the_last_on_its_connection(transport: HttpTransport) -> None:
    never = asyncio.Event()

    async def script(line: Line) -> None:
        await line.head()
        await line.say(b"HTTP/1.1 413 Too Large\r\n" + LENGTH)
        await never.wait()  # nothing more is read

    async with RawProvider(script) as provider:
        for number in (1, 2):
            assert await ask(transport, request_to(provider, body=bytes(30_000_000))) == (413, b"hello")
            assert len(provider.lines) == number


async def test_a_refusal_is_heard_although_the_provider_closes_in_the_middle_of_the_request(
    transport: HttpTransport,
) -> None:
    async def script(line: Line) -> None:
        await line.head()
        await line.say(b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n" + LENGTH)

    async with RawProvider(script) as provider:
        assert await ask(transport, request_to(provider, body=bytes(30_000_000))) == (401, b"hello")


@pytest.mark.parametrize("said", [b"", CHUNKED + b"5\r\nhello\r\n"], ids=["before-the-head", "within-the-body"])
async def test_a_reset_is_told_as_what_it_interrupts(transport: HttpTransport, said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(said)
        await asyncio.sleep(0)
        reset(line)

    async with RawProvider(script) as provider:
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, request_to(provider))
        assert failure.value.kind == ("broken" if said else "reset")


async def test_a_provider_that_closes_its_half_has_answered_all_it_will(transport: HttpTransport) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK + b"\r\nhello")
        line.writer.write_eof()
        await line.until_gone()

    async with RawProvider(script) as provider:
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        await asyncio.wait_for(provider.lines[0].gone.wait(), 5)
        assert provider.lines[0].gone.is_set()


def reset(line: Line) -> None:
    sock = line.writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.transport.abort()


@pytest.mark.parametrize("loop", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("said", [True, False], ids=["closed", "cut"])
def test_a_body_that_ends_with_its_connection_ends_with_its_tls(
    loop: Callable[[Coroutine[None, None, bytes]], bytes], said: bool
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as plain, contextlib.suppress(OSError):
            line = context.wrap_socket(plain, server_side=True)
            line.recv(10_000)
            line.sendall(OK + b"\r\nhello")
            if said:
                line.unwrap()
            line.close()

    async def call(port: int) -> bytes:
        transport = HttpTransport()
        url, bundle = f"https://localhost:{port}/", authority.cert_pem.bytes().decode()
        try:
            response = await transport.send(UpstreamRequest("GET", url, {}, ca_bundle=bundle))
            return await response.read(100)
        finally:
            await transport.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        if said:
            assert loop(call(listener.getsockname()[1])) == b"hello"
        else:
            with pytest.raises(TransportFailure, match="within its answer"):
                loop(call(listener.getsockname()[1]))
        serving.join()
