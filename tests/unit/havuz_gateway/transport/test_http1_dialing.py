"""From a base URL to an open connection: names, addresses, TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from harness.calls_upstream import ask
from harness.fake_provider import DeadPort, FakeProvider
from harness.raw_provider import RawProvider, answering, once
from havuz_gateway.transport.base import TransportFailure, UpstreamRequest
from havuz_gateway.transport.client import HttpTransport
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import Dialer
from havuz_gateway.transport.http1.names import FRESH_SECONDS, STALE_SECONDS, Address, Names
from havuz_gateway.transport.http1.request_head import Origin
from havuz_gateway.transport.http1.tls import Resumed

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "http://host:port/", "https://ho st/", "http://host/ä", "x"])
async def test_a_url_that_can_not_be_called_fails_as_a_connection_would(transport: HttpTransport, url: str) -> None:
    with pytest.raises(TransportFailure) as failure:
        await transport.send(UpstreamRequest(method="GET", url=url, headers={}))
    assert failure.value.kind == "connect"


async def test_the_name_of_the_host_is_what_its_certificate_must_be_for(transport: HttpTransport) -> None:
    async with FakeProvider(tls="valid") as provider:
        url = provider.base_url.replace("127.0.0.1", "localhost")
        request = UpstreamRequest(method="GET", url=f"{url}/models", headers={}, ca_bundle=provider.ca_pem)
        assert (await ask(transport, request))[0] == 200
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, UpstreamRequest(method="GET", url=f"{url}/models", headers={}))
        assert failure.value.kind == "tls"


async def test_a_handshake_that_fails_leaves_nothing_behind(transport: HttpTransport) -> None:
    async with FakeProvider(tls="expired") as provider:
        request = UpstreamRequest(method="GET", url=provider.base_url, headers={}, ca_bundle=provider.ca_pem)
        with pytest.raises(TransportFailure):
            await transport.send(request)
        (pool,) = transport._pools.values()
        assert pool.sweep() is False


async def test_a_bundle_that_holds_no_certificate_fails_as_tls(transport: HttpTransport) -> None:
    request = UpstreamRequest(method="GET", url="https://127.0.0.1:1/", headers={}, ca_bundle="nothing")
    with pytest.raises(TransportFailure, match="CA bundle") as failure:
        await transport.send(request)
    assert failure.value.kind == "tls"


async def test_tls_to_a_port_that_speaks_none_fails_as_tls(transport: HttpTransport) -> None:
    async with RawProvider(once(OK)) as provider:
        request = UpstreamRequest(method="GET", url=provider.url.replace("http:", "https:"), headers={})
        with pytest.raises(TransportFailure) as failure:
            await transport.send(request)
        assert failure.value.kind in ("tls", "connect")


def address(host: str, port: int) -> Address:
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)


class Server:
    """A name server that tests ask and switch off."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.hosts:
            raise socket.gaierror("no such name")
        return [address(one, port) for one in self.hosts]


async def test_a_name_is_asked_for_once_and_again_when_its_answer_is_old() -> None:
    clock, server = Clock(), Server("127.0.0.1", "127.0.0.2")
    names = Names(now=clock, look_up=server)
    found = await asyncio.gather(*(names.addresses("a.example", 80) for _ in range(4)))
    assert server.asked == 1
    assert [addresses[0][4][0] for addresses in found] == ["127.0.0.2", "127.0.0.1", "127.0.0.2", "127.0.0.1"]
    clock.now += FRESH_SECONDS + 1
    server.hosts = ("127.0.0.3",)
    assert [one[4][0] for one in await names.addresses("a.example", 80)] == ["127.0.0.3"]
    assert server.asked == 2
    await names.close()


async def test_an_old_answer_is_used_for_a_while_where_no_name_server_helps() -> None:
    clock, server = Clock(), Server("127.0.0.1")
    names = Names(now=clock, look_up=server)
    await names.addresses("a.example", 80)
    server.hosts = ()
    clock.now += STALE_SECONDS - 1
    assert [one[4][0] for one in await names.addresses("a.example", 80)] == ["127.0.0.1"]
    clock.now += 2
    with pytest.raises(OSError, match="no such name"):
        await names.addresses("a.example", 80)
    await names.close()


async def test_a_name_server_that_is_slow_holds_up_nobody_who_has_an_old_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("havuz_gateway.transport.http1.names._REFRESH_SECONDS", 0.01)
    clock, answers, late = Clock(), ["127.0.0.1"], asyncio.Event()

    async def look_up(host: str, port: int) -> Sequence[Address]:
        if clock.now > 1000:
            await late.wait()
        return [address(one, port) for one in answers]

    names = Names(now=clock, look_up=look_up)
    await names.addresses("a.example", 80)
    answers[0] = "127.0.0.2"
    clock.now += FRESH_SECONDS + 1
    assert [one[4][0] for one in await names.addresses("a.example", 80)] == ["127.0.0.1"]
    late.set()
    while names._asking:
        await asyncio.sleep(0)
    assert [one[4][0] for one in await names.addresses("a.example", 80)] == ["127.0.0.2"]
    await names.close()


async def test_another_address_of_a_name_is_called_where_one_is_dead(transport: HttpTransport) -> None:
    made: list[Connection] = []

    def make() -> Connection:
        made.append(Connection(on_free=lambda _: None, on_lost=lambda _: None))
        return made[-1]

    async with RawProvider(answering(OK)) as provider:
        names = Names(now=Clock(), look_up=Server("127.0.0.9", "127.0.0.1"))
        for _ in range(2):
            origin = Origin(tls=False, host="a.example", port=provider.port)
            connection = await Dialer(names).dial(origin, ca_bundle=None, make=make)
            assert connection.usable
        for one in made:
            one.cut()
        await names.close()


async def test_a_name_that_nobody_knows_fails_as_a_connection_would() -> None:
    names = Names(now=Clock(), look_up=Server())
    with pytest.raises(TransportFailure, match=r"can't connect to a\.example:80: ") as failure:
        origin = Origin(tls=False, host="a.example", port=80)
        await Dialer(names).dial(origin, ca_bundle=None, make=lambda: Connection(on_free=print, on_lost=print))
    assert failure.value.kind == "connect"
    await names.close()


async def test_a_dead_port_is_named(transport: HttpTransport) -> None:
    with DeadPort() as dead, pytest.raises(TransportFailure, match=r"can't connect to 127\.0\.0\.1:") as failure:
        await transport.send(UpstreamRequest(method="GET", url=dead.base_url, headers={}))
    assert failure.value.kind == "connect"


async def test_a_tls_session_is_taken_up_again_by_the_next_connection_to_the_same_host(
    transport: HttpTransport,
) -> None:
    resumed: list[bool] = []
    async with FakeProvider(tls="valid") as provider:
        request = UpstreamRequest(
            method="GET", url=f"{provider.base_url}/models", headers={}, ca_bundle=provider.ca_pem
        )
        for _ in range(3):
            response = await transport.send(request)
            (pool,) = transport._pools.values()
            (connection,) = pool._open
            resumed.append(_session_reused(connection))
            await response.read(1_000_000)
            while connection not in pool._free:
                await asyncio.sleep(0)
            connection.cut()
            while pool.sweep():
                await asyncio.sleep(0)
    assert resumed == [False, True, True]


async def test_many_connections_take_up_one_session(transport: HttpTransport) -> None:
    async with FakeProvider(tls="valid") as provider:
        url = f"{provider.base_url}/models"
        request = UpstreamRequest(method="GET", url=url, headers={}, ca_bundle=provider.ca_pem)
        for count in (1, 20, 40):
            answers = await asyncio.gather(*(ask(transport, request) for _ in range(count)))
            assert {status for status, _ in answers} == {200}
        (pool,) = transport._pools.values()
        reused = [_session_reused(connection) for connection in pool._open]
        assert (len(reused), reused.count(False)) == (40, 1)


async def test_a_session_is_not_shared_among_those_who_trust_others(transport: HttpTransport) -> None:
    async with FakeProvider(tls="valid") as provider:
        url = f"{provider.base_url}/models"
        trusted = UpstreamRequest(method="GET", url=url, headers={}, ca_bundle=provider.ca_pem)
        assert (await ask(transport, trusted))[0] == 200
        with pytest.raises(TransportFailure) as failure:
            await ask(transport, UpstreamRequest(method="GET", url=url, headers={}))
        assert failure.value.kind == "tls"


def _session_reused(connection: Connection) -> bool:
    assert connection._transport is not None
    end = connection._transport.get_extra_info("ssl_object")
    assert isinstance(end, Resumed)
    return bool(end.session_reused)
