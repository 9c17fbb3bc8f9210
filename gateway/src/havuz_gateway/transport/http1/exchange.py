"""One answer as it arrives: the connection puts pieces in, the pipeline takes them out."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Protocol

from havuz_gateway.transport.base import TransportFailure, UpstreamResponse
from havuz_gateway.transport.http1.content_coding import Unpacker, unpacker_for

HIGH_WATER = 128 * 1024
"""Bytes of a body that wait for the pipeline, from which on nothing more is read from the socket."""


class Line(Protocol):
    """What an answer needs of its connection."""

    def resume(self) -> None:
        """Read on: the pipeline has taken what had come."""

    def cut(self) -> None:
        """Close at once: the rest of the answer is not wanted."""

    def linger(self) -> None:
        """Wait a moment for the answer's end, which nobody reads, and close if it does not come."""


class Exchange:
    """An `UpstreamResponse`, whose `status` and `headers` are there once `opened` has returned.

    Its body is its own iterator: one that is dropped half-way needs no clean-up. What had arrived before a failure is
    given out before the failure is raised.
    """

    __slots__ = (
        "_ended", "_failure", "_line", "_pieces", "_plain", "_unpacker", "_waiter", "headers", "size", "status",
    )  # fmt: skip

    def __init__(self, line: Line) -> None:
        self._line: Line | None = line
        self._pieces: list[bytes] = []
        self._ended = False
        self._failure: TransportFailure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._unpacker: Unpacker | None = None
        self._plain: Iterator[bytes] | None = None
        self.size = 0  # of what waits
        self.status = 0
        self.headers: Mapping[str, str] = {}

    # What the connection calls.

    def open(self, status: int, headers: Mapping[str, str]) -> None:
        """The head has come. Raises `TransportFailure` where the body can't be read."""
        coding = headers.get("content-encoding")
        if coding is not None:
            self._unpacker = unpacker_for(coding)
        self.headers = headers
        self.status = status

    def put(self, piece: bytes) -> None:
        """More of the body. `wake` is to be called once all of what was read has been put in."""
        self._pieces.append(piece)
        self.size += len(piece)

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def end(self) -> None:
        """The body is whole; the connection is not this answer's any more."""
        self._ended = True
        self._line = None
        self.wake()

    def fail(self, failure: TransportFailure) -> None:
        """Nothing more comes. The first failure counts."""
        if not self._ended and self._failure is None:
            self._failure = failure
            self._line = None
            self.wake()

    # What the pipeline calls.

    async def opened(self) -> None:
        """Wait for status and headers. Raises `TransportFailure`."""
        while not self.status:
            if self._failure is not None:
                raise self._failure
            await self._news()

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in pieces as large as what has come."""
        return self

    def __aiter__(self) -> "Exchange":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._plain is not None:
                for piece in self._plain:
                    return piece
                self._plain = None
            if self._pieces:
                data = self._take()
                if self._unpacker is None:
                    return data
                self._plain = self._unpacker.feed(data)
            elif self._failure is not None:
                raise self._failure
            elif self._ended:
                if self._unpacker is not None:
                    self._unpacker.close()
                raise StopAsyncIteration
            else:
                await self._news()

    async def read(self, limit: int) -> bytes:
        """The body, cut where it is longer than `limit` bytes."""
        pieces: list[bytes] = []
        size = 0
        async for chunk in self:
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                break
        return b"".join(pieces)[:limit]

    def close(self, *, told: bool = False) -> None:
        """Cut the connection, unless the answer has come to its end already, or is about to."""
        line, self._line = self._line, None
        if line is not None:
            line.linger() if told else line.cut()

    def _take(self) -> bytes:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self.size > HIGH_WATER and self._line is not None:
            self._line.resume()
        self.size = 0
        return data

    def _news(self) -> asyncio.Future[None]:
        """To be awaited. It is not put away afterwards: `wake` passes over one that is done or cancelled."""
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        return waiter


_: type[UpstreamResponse] = Exchange
