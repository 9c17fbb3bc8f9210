"""A request that the front has read, and its body as it comes."""

import asyncio
from typing import Protocol

from havuz_gateway.surfaces.http.half_closed import CONTINUE
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.plain_head import PlainHead

HIGH_WATER = 256 * 1024  # bytes of a body that wait to be taken; beyond that, the client has to


class Line(Protocol):
    """The connection that a request came on."""

    @property
    def waiting(self) -> bool:
        """Whether more was sent than the client has read."""

    def send(self, data: bytes) -> None:
        """Send bytes. Raises `ConnectionError`."""

    async def drain(self) -> None:
        """Wait for the client to read. Raises `ConnectionError`."""

    def cut(self) -> None:
        """Close at once."""

    def hold(self) -> None:
        """Read no more for now."""

    def resume(self) -> None:
        """Read on."""


class FrontRequest:
    """`Incoming` on a connection of the front. `missing` is how many bytes of the body have not come yet."""

    __slots__ = (
        "_held", "_line", "_lost", "_pieces", "_thrown", "_waiter",
        "begun", "headers", "keep_alive", "length", "method", "minor", "missing", "path", "peer", "query",
    )  # fmt: skip

    def __init__(self, head: PlainHead, line: Line, *, peer: str) -> None:
        self.method = head.method
        self.path = head.path
        self.headers = head.headers
        self.query = head.query
        self.peer = peer
        self.minor = 1
        self.keep_alive = head.keep_alive
        self.length: int | None = head.length
        self.missing = head.length
        self._line = line
        self._pieces: list[bytes] = []
        self._held = 0  # bytes in them
        self._waiter: asyncio.Future[None] | None = None
        self._thrown = False
        self._lost = False
        self.begun = False  # whether something of its answer was sent

    @property
    def over(self) -> bool:
        """Whether it was answered before all of it had come."""
        return self._thrown

    # what the connection tells

    def feed(self, data: bytes) -> bytes:
        """Take what came of the body. Returns what is behind it."""
        behind = b""
        if len(data) > self.missing:
            data, behind = data[: self.missing], data[self.missing :]
        self.missing -= len(data)
        if self._thrown or not data:
            return behind
        self._pieces.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER and self.missing:
            self._line.hold()
        self._wake()
        return behind

    def throw_away(self) -> None:
        """Nobody wants the rest of the body."""
        self._thrown = True
        self._take()

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._wake()

    # what the edge asks

    def arrived(self) -> bytes | None:
        """Take the whole body, if it is here."""
        return None if self.missing else self._take()

    async def piece(self) -> bytes:
        """Take what has come of the body. Raises `ConnectionError`."""
        while not self._pieces:
            if self._lost:
                raise ConnectionResetError("the client is gone")
            if not self.missing:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._take()

    def invite(self) -> None:
        """Send 100 Continue, which no plain head asks for."""
        self._line.send(CONTINUE)

    @property
    def waiting(self) -> bool:
        """Whether more was sent than the client has read for now."""
        return self._line.waiting

    def send(self, data: bytes) -> None:
        """Send bytes of the answer. Raises `ConnectionError`."""
        self.begun = True
        self._line.send(data)

    async def drain(self) -> None:
        """Wait for a client that reads slowly. Raises `ConnectionError`."""
        await self._line.drain()

    def cut(self) -> None:
        """Close the connection at once."""
        self._line.cut()

    def _take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        if self._held > HIGH_WATER:
            self._line.resume()
        self._held = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


_: type[Incoming] = FrontRequest
