"""Connections that are few, and connections that rest: who gets one, and which one is not to be had any more."""

import asyncio
import contextlib

import pytest

from harness.calls_upstream import ask, request_to
from harness.raw_provider import Line, RawProvider, answering, once
from havuz_gateway.transport.base import KEEPALIVE_SECONDS, TransportFailure
from havuz_gateway.transport.client import HttpTransport
from havuz_gateway.transport.http1 import answer_head, pool
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import Dialer
from havuz_gateway.transport.http1.names import Names
from havuz_gateway.transport.http1.request_head import Origin

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
OK = HEAD + b"hello"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_no_more_connections_are_made_than_allowed_and_everybody_gets_a_turn() -> None:
    transport = HttpTransport(connections=2)
    async with RawProvider(answering(OK)) as provider:
        answers = await asyncio.gather(*(ask(transport, request_to(provider)) for _ in range(20)))
        assert answers == [(200, b"hello")] * 20
        assert len(provider.lines) == 2
    await transport.close()


async def test_a_connection_that_closes_lets_the_next_request_make_another() -> None:
    transport = HttpTransport(connections=1)
    async with RawProvider(once(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")) as provider:
        await asyncio.gather(*(ask(transport, request_to(provider)) for _ in range(5)))
        assert len(provider.lines) == 5
    await transport.close()


@pytest.mark.parametrize("gone", [1, 2], ids=["the-first-in-line", "the-second-in-line"])
async def test_who_gives_up_waiting_leaves_the_turn_to_others(gone: int) -> None:
    transport = HttpTransport(connections=1)
    free = asyncio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await free.wait()
        await line.say(OK)
        await answering(OK)(line)

    async with RawProvider(script) as provider:
        tasks = [asyncio.create_task(ask(transport, request_to(provider))) for _ in range(4)]
        await provider.line(1)
        (one,) = transport._pools.values()
        while len(one._waiting) < 3:
            await asyncio.sleep(0)
        tasks[gone].cancel()
        free.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [answer for answer in answers if isinstance(answer, tuple)] == [(200, b"hello")] * 3
        assert len(provider.lines) == 1
    await transport.close()


async def test_who_gives_up_in_the_moment_of_the_turn_passes_it_on() -> None:
    transport = HttpTransport(connections=1)
    async with RawProvider(answering(OK)) as provider:
        await ask(transport, request_to(provider))
        (one,) = transport._pools.values()
        (held,) = one._open
        assert one.take() is held
        first, second = (asyncio.create_task(one.open()) for _ in range(2))
        await asyncio.sleep(0)
        one._freed(held)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        assert await second is held
    await transport.close()


async def test_waiting_has_an_end_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "CONNECT_TIMEOUT_SECONDS", 0.05)
    transport = HttpTransport(connections=1)

    async def script(line: Line) -> None:
        await line.request()
        await line.say(HEAD)
        await line.until_gone()

    async with RawProvider(script) as provider:
        response = await transport.send(request_to(provider))
        with pytest.raises(TransportFailure, match=r"all 1 connections .* HAVUZ_UPSTREAM_CONNECTIONS") as failure:
            await transport.send(request_to(provider))
        assert failure.value.kind == "connect"
        response.close()
    await transport.close()


async def test_a_connection_that_can_not_be_made_lets_the_next_request_try() -> None:
    transport = HttpTransport(connections=1)
    async with RawProvider(answering(OK)) as provider:
        request = request_to(provider)
    answers = await asyncio.gather(*(ask(transport, request) for _ in range(3)), return_exceptions=True)
    assert [answer.kind for answer in answers if isinstance(answer, TransportFailure)] == ["connect"] * 3
    await transport.close()


async def test_closing_tells_those_who_wait() -> None:
    transport = HttpTransport(connections=1)

    async def script(line: Line) -> None:
        await line.request()
        await line.until_gone()

    async with RawProvider(script) as provider:
        tasks = [asyncio.create_task(ask(transport, request_to(provider))) for _ in range(2)]
        await provider.line(1)
        (one,) = transport._pools.values()
        while not one._waiting:
            await asyncio.sleep(0)
        await transport.close()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(answer, TransportFailure) for answer in answers)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, KEEPALIVE_SECONDS),
        ("timeout=5", 4.0),
        ("max=100, Timeout = 5", 4.0),
        ('timeout="20", max=3', 19.0),
        ("timeout=600", KEEPALIVE_SECONDS),
        ("timeout=1", 0.0),
        ("max=100", KEEPALIVE_SECONDS),
        ("timeout=soon", KEEPALIVE_SECONDS),
    ],
)
def test_a_connection_rests_no_longer_than_its_server_says(said: str | None, seconds: float) -> None:
    assert answer_head.rest_of({} if said is None else {"keep-alive": said}) == seconds


async def test_a_connection_that_was_closed_while_it_rested_is_not_used_even_before_the_loop_has_read_it() -> None:
    clock, leave = Clock(), asyncio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await leave.wait()

    async with RawProvider(script) as provider:
        origin = Origin(tls=False, host="127.0.0.1", port=provider.port)
        one = pool.Pool(origin, ca_bundle=None, dialer=Dialer(Names(now=clock)), now=clock, limit=10)
        connection = await one.open()
        exchange = connection.begin("GET", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"")
        await exchange.opened()
        assert await exchange.read(10) == b"hello"
        assert connection.quiet()
        provider.lines[
            0
        ].writer.transport.abort()  # the loop closes it in its next turn, and reads of that in a later one
        while _looks_open(connection):
            await asyncio.sleep(0)
        clock.now += 10
        assert one.take() is None
        one.close()


def _looks_open(connection: Connection) -> bool:
    return connection.usable and connection.quiet()
