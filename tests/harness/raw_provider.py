"""A provider on a loopback socket that says exactly the bytes of a test's script, well-formed or not.

    async def script(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")

    async with RawProvider(script) as provider: ...

The script is played once for each connection, which is closed when it returns.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PATIENCE_SECONDS = 10.0
Script = Callable[["Line"], Awaitable[None]]


@dataclass
class Line:
    """One connection, counted from 1. `gone` is set when the client has closed it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def head(self) -> bytes:
        """The head of the next request, with its empty line."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> tuple[bytes, bytes]:
        """The next request, whole: head and body."""
        head = await self.head()
        _, found, length = head.lower().partition(b"content-length: ")
        return head, await self.reader.readexactly(int(length.partition(b"\r\n")[0])) if found else b""

    async def say(self, *pieces: bytes) -> None:
        """Send pieces, each in a packet of its own as far as that can be had."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_gone(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.gone.set()


class RawProvider:
    """Listens on a loopback port and plays `script` on each connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self.lines: list[Line] = []

    @property
    def url(self) -> str:
        """The provider's address, with a path."""
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    async def line(self, number: int) -> Line:
        """The connection of that number, once it is there."""
        async with asyncio.timeout(_PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.lines) >= number)
        return self.lines[number - 1]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self.lines:
            line.writer.transport.abort()
        await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(len(self.lines) + 1, reader, writer)
        self.lines.append(line)
        task = asyncio.get_running_loop().create_task(self._play(line), name=f"raw provider {line.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, line: Line) -> None:
        async with self._changed:
            self._changed.notify_all()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._script(line)
            line.writer.close()


def answering(*pieces: bytes) -> Script:
    """A script that gives each request of a connection the same answer, and then waits for the next."""

    async def script(line: Line) -> None:
        while True:
            await line.request()
            await line.say(*pieces)

    return script


def once(*pieces: bytes) -> Script:
    """A script that answers one request on a connection and then closes it."""

    async def script(line: Line) -> None:
        await line.request()
        await line.say(*pieces)

    return script
