"""Uploads to providers and long answers of theirs: neither fills the memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.calls_upstream import ask, request_to
from harness.raw_provider import Line, RawProvider
from havuz_gateway.transport.base import TransportFailure
from havuz_gateway.transport.client import HttpTransport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


class Pieces:
    """A body of so many pieces that tells how many were asked for."""

    def __init__(self, count: int, piece: bytes, *, after: asyncio.Event | None = None) -> None:
        self.size = count * len(piece)
        self.taken = 0
        self.closed = asyncio.Event()
        self._count, self._piece, self._after = count, piece, after

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self._count):
                if number and self._after is not None:
                    await self._after.wait()
                self.taken += 1
                yield self._piece
        finally:
            self.closed.set()


async def test_an_early_answer_ends_the_upload_and_the_connection(transport: HttpTransport) -> None:
    async def script(line: Line) -> None:
        await line.head()
        await line.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nhello")
        await line.until_gone()

    never = asyncio.Event()
    body = Pieces(2, b"piece", after=never)
    async with RawProvider(script) as provider:
        assert await ask(transport, request_to(provider, body=body)) == (413, b"hello")
        await asyncio.wait_for(body.closed.wait(), 5)
        await asyncio.wait_for(provider.lines[0].gone.wait(), 5)
        assert body.taken == 1


async def test_an_upload_is_sent_whole_and_its_connection_is_used_again(transport: HttpTransport) -> None:
    bodies: list[bytes] = []

    async def script(line: Line) -> None:
        while True:
            _, body = await line.request()
            bodies.append(body)
            await line.say(OK)

    async with RawProvider(script) as provider:
        for _ in range(2):
            assert await ask(transport, request_to(provider, body=Pieces(200, b"x" * 10_000))) == (200, b"hello")
        assert [len(body) for body in bodies] == [2_000_000, 2_000_000]
        assert len(provider.lines) == 1


async def test_an_upload_waits_for_a_provider_that_does_not_read(transport: HttpTransport) -> None:
    reading = asyncio.Event()

    async def script(line: Line) -> None:
        await line.head()
        await reading.wait()
        await line.reader.readexactly(100_000_000)
        await line.say(OK)

    body = Pieces(1000, b"x" * 100_000)
    async with RawProvider(script) as provider:
        task = asyncio.create_task(ask(transport, request_to(provider, body=body)))
        before = -1
        while body.taken != before or body.taken == 0:  # until no more of it is taken
            before = body.taken
            await asyncio.sleep(0.05)
        assert body.taken < 500
        reading.set()
        assert await task == (200, b"hello")
        assert body.taken == 1000


async def test_an_upload_that_can_not_be_read_fails(transport: HttpTransport) -> None:
    class Lost:
        size = 10

        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"piece"
            raise OSError("the disk is gone")

    async def script(line: Line) -> None:
        await line.until_gone()

    async with RawProvider(script) as provider:
        with pytest.raises(TransportFailure, match="could not be read: the disk is gone") as failure:
            await ask(transport, request_to(provider, body=Lost()))
        assert failure.value.kind == "reset"


async def test_a_reader_that_is_slow_holds_the_provider_back(transport: HttpTransport) -> None:
    size = 50_000_000

    async def script(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // 100_000):
            line.writer.write(bytes(100_000))
            await line.writer.drain()
            sent.append(100_000)
        await line.until_gone()

    sent: list[int] = []
    async with RawProvider(script) as provider:
        response = await transport.send(request_to(provider))
        before = -1
        while len(sent) != before or not sent:
            before = len(sent)
            await asyncio.sleep(0.05)
        assert sum(sent) < size // 2
        assert sum([len(chunk) async for chunk in response.chunks()]) == size
        response.close()
