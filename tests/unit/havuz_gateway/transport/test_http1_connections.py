"""Connections to providers: kept, given up, and never left in doubt."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from harness.calls_upstream import ask, request_to
from harness.raw_provider import Line, RawProvider, answering, once
from havuz_gateway.transport.base import KEEPALIVE_SECONDS, TransportFailure, UpstreamRequest
from havuz_gateway.transport.client import HttpTransport
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import Dialer
from havuz_gateway.transport.http1.names import Names
from havuz_gateway.transport.http1.pool import Pool
from havuz_gateway.transport.http1.request_head import Origin

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


async def test_requests_side_by_side_have_connections_of_their_own_and_then_share_them(
    transport: HttpTransport,
) -> None:
    async with RawProvider(answering(OK)) as provider:
        await asyncio.gather(*(ask(transport, request_to(provider)) for _ in range(5)))
        assert len(provider.lines) == 5
        await asyncio.gather(*(ask(transport, request_to(provider)) for _ in range(5)))
        assert len(provider.lines) == 5


async def test_a_connection_that_was_closed_meanwhile_is_not_used(transport: HttpTransport) -> None:
    async with RawProvider(once(OK)) as provider:
        for _ in range(3):
            assert await ask(transport, request_to(provider)) == (200, b"hello")
            while any(pool.sweep() for pool in transport._pools.values()):  # until the close was seen
                await asyncio.sleep(0)
        assert len(provider.lines) == 3


async def test_what_comes_without_a_question_closes_the_connection(transport: HttpTransport) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        if line.number == 1:
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await line.until_gone()

    async with RawProvider(script) as provider:
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        await asyncio.wait_for(provider.lines[0].gone.wait(), 5)
        assert await ask(transport, request_to(provider)) == (200, b"hello")
        assert len(provider.lines) == 2


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("POST", 2)])
async def test_only_what_may_be_repeated_is_sent_again_over_a_connection_that_had_gone_stale(
    transport: HttpTransport, method: str, sent: int
) -> None:
    heads = 0

    async def script(line: Line) -> None:
        nonlocal heads
        await line.head()
        heads += 1
        await line.say(OK)
        if line.number == 1:
            await line.head()  # a second request arrives, and the answer is a close
            heads += 1

    async with RawProvider(script) as provider:
        request = UpstreamRequest(method=method, url=provider.url, headers={})
        assert await ask(transport, request) == (200, b"hello")
        if method == "GET":
            assert await ask(transport, request) == (200, b"hello")
        else:
            with pytest.raises(TransportFailure) as failure:
                await ask(transport, request)
            assert failure.value.kind == "reset"
        assert heads == sent


async def test_a_new_connection_that_closes_is_not_tried_again(transport: HttpTransport) -> None:
    async with RawProvider(once()) as provider:
        with pytest.raises(TransportFailure):
            await ask(transport, request_to(provider, method="GET", body=b""))
        assert len(provider.lines) == 1


@pytest.mark.parametrize("said", [b"", STREAM + b"5\r\nhello\r\n"], ids=["before-the-head", "within-the-body"])
async def test_a_cancelled_request_closes_its_connection(transport: HttpTransport, said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(said)
        await line.until_gone()

    async with RawProvider(script) as provider:
        task = asyncio.create_task(ask(transport, request_to(provider)))
        line = await provider.line(1)
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(line.gone.wait(), 5)
        assert line.gone.is_set()


async def test_closing_an_answer_in_the_middle_closes_its_connection(transport: HttpTransport) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(STREAM + b"5\r\nhello\r\n")
        await line.until_gone()

    async with RawProvider(script) as provider:
        response = await transport.send(request_to(provider))
        assert await anext(response.chunks()) == b"hello"
        response.close()
        line = await provider.line(1)
        await asyncio.wait_for(line.gone.wait(), 5)
        assert line.gone.is_set()


async def test_a_header_that_would_begin_another_one_is_not_sent(transport: HttpTransport) -> None:
    async with RawProvider(answering(OK)) as provider:
        for value in ("secret\r\nx-admin: 1", "secret\n", "secret\r", "sec\0ret"):
            request = UpstreamRequest(method="POST", url=provider.url, headers={"authorization": value})
            with pytest.raises(TransportFailure, match="line break") as failure:
                await transport.send(request)
            assert failure.value.kind == "protocol"
        assert provider.lines == []


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "goes-on"])
async def test_a_stream_whose_last_word_was_said_has_a_moment_to_end(transport: HttpTransport, ends: bool) -> None:
    closed = asyncio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.say(STREAM + b"5\r\nhello\r\n")
        if line.number == 1:
            await closed.wait()
            if ends:
                await line.say(b"0\r\n\r\n")
                await line.request()
                await line.say(OK)
        await line.until_gone()

    async with RawProvider(script) as provider:
        response = await transport.send(request_to(provider))
        assert await anext(response.chunks()) == b"hello"
        response.close(told=True)
        closed.set()
        if ends:
            (pool,) = transport._pools.values()
            while not pool._free:
                await asyncio.sleep(0)
            assert await ask(transport, request_to(provider)) == (200, b"hello")
            assert len(provider.lines) == 1
        else:
            await asyncio.wait_for(provider.lines[0].gone.wait(), 5)
            assert provider.lines[0].gone.is_set()


async def test_closing_the_transport_closes_what_is_open(transport: HttpTransport) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.until_gone()

    async with RawProvider(script) as provider:
        await ask(transport, request_to(provider))
        await transport.close()
        await asyncio.wait_for(provider.lines[0].gone.wait(), 5)
        assert provider.lines[0].gone.is_set()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_connection_is_not_used_after_a_long_rest_or_a_long_life() -> None:
    clock = Clock()
    async with RawProvider(answering(OK)) as provider:
        origin = Origin(tls=False, host="127.0.0.1", port=provider.port)
        pool = Pool(origin, ca_bundle=None, dialer=Dialer(Names(now=clock)), now=clock, limit=10)
        line = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"

        async def use(connection: Connection) -> None:
            exchange = connection.begin("GET", line, b"")
            await exchange.opened()
            assert await exchange.read(100) == b"hello"

        first = await pool.open()
        await use(first)
        clock.now += KEEPALIVE_SECONDS - 1
        assert pool.take() is first
        await use(first)
        clock.now += KEEPALIVE_SECONDS + 1
        assert pool.take() is None

        second = await pool.open()
        for _ in range(10):
            await use(second)
            clock.now += 31
            if (taken := pool.take()) is None:
                break
            assert taken is second
        assert clock.now > 1000 + 300

        third = await pool.open()
        await use(third)
        assert pool.sweep() is True
        clock.now += KEEPALIVE_SECONDS + 1
        async with asyncio.timeout(5):
            while pool.sweep():
                await asyncio.sleep(0)
        assert not third.usable
