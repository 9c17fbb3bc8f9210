"""A way to a server on which everything takes longer: a TCP proxy that holds back what comes, in both directions.

    async with SlowWay(server.port) as way:
        way.delay = 0.3
        ... redis://127.0.0.1:{way.port}

What was sent arrives, as on a slow network, also when its sender has given up in the meantime.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class SlowWay:
    """A proxy on a loopback port; `delay` is in seconds, for each direction, and may be changed at any time."""

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        self.port = 0
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink), name="slow way")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Read on while what was read before is on its way; order is kept."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(self._deliver(on_the_way, sink), name="slow way's end")
        now = asyncio.get_running_loop().time
        try:
            data = b"."
            while data:
                with contextlib.suppress(ConnectionError):
                    data = b""
                    data = await source.read(_CHUNK)
                on_the_way.put_nowait((now() + self.delay, data))
            await delivering
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    @staticmethod
    async def _deliver(on_the_way: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        """Until the end of what comes, which is empty."""
        try:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                if not data:
                    return
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass  # nobody is there to take it
        finally:
            sink.close()
