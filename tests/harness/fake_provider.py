"""A provider on a loopback socket, in the protocols of OpenAI, Anthropic and Google, that fails as a test wants it to.

    async with FakeProvider() as provider:
        provider.script(error(429, headers={"retry-after": "2"}), Stream(["Hi"]))
        ...
        assert provider.requests[0].json["model"] == "gpt-4o-mini"

Scripted answers are used in order, then the one of `always`, then a good answer. They are for POSTs (a probe's GET must
not use them up) unless a path is given. HTTP/1.1 is written by hand, since no server library breaks it on purpose.
"""

import argparse
import asyncio
import socket
import struct
from collections import defaultdict, deque
from types import TracebackType
from typing import Self

from harness.fake_provider_answers import (
    Answer,
    Default,
    Generated,
    GeneratedStream,
    Json,
    Message,
    MessageStream,
    RawEvents,
    Received,
    Redirect,
    Scripted,
    Stream,
    error,
    google_error,
    message_error,
)
from harness.fake_provider_faults import (
    CloseWithoutAnswer,
    CutBody,
    CutStream,
    Garbage,
    GarbageBody,
    Hang,
    Reset,
)
from harness.fake_provider_tls import Certificate, make_certificate

__all__ = [
    "CloseWithoutAnswer", "CutBody", "CutStream", "DeadPort", "Default", "FakeProvider", "Garbage", "GarbageBody",
    "Generated", "GeneratedStream", "Hang", "Json", "Message", "MessageStream", "RawEvents", "Received", "Redirect",
    "Reset", "Stream", "error", "google_error", "message_error",
]  # fmt: skip

_PATIENCE_SECONDS = 10.0
_Slot = tuple[str | None, str | None]  # credential, end of the path; None is any


class DeadPort:
    """A loopback port that refuses connections and that nobody else gets. `with DeadPort() as dead: dead.base_url`"""

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class FakeProvider:
    """The scripted provider; runs in the test's own event loop. `tls` chooses the certificate it shows."""

    def __init__(self, *, tls: Certificate | None = None, port: int = 0) -> None:
        self.requests: list[Received] = []
        self.connections = 0  # accepted so far
        self.ca_pem: str | None = None  # what a client is to trust, with `tls`
        self._tls = tls
        self._port = port
        self._scripts: dict[_Slot, deque[Scripted]] = defaultdict(deque)
        self._always: dict[_Slot, Scripted] = {}
        self._arrived = asyncio.Condition()
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Up to and with the version, as an upstream's base URL."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}/v1"

    def script(self, *answers: Scripted, key: str | None = None, path: str | None = None) -> None:
        """Answer the next requests with these, in order; `key` and `path` (its end) narrow which."""
        self._scripts[key, path].extend(answers)

    def always(self, answer: Scripted, *, key: str | None = None, path: str | None = None) -> None:
        """Answer so whenever no script is left."""
        self._always[key, path] = answer

    async def received(self, count: int = 1) -> list[Received]:
        """Wait until so many requests have come, and return them all."""
        async with asyncio.timeout(_PATIENCE_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def __aenter__(self) -> Self:
        context = None
        if self._tls is not None:
            context, self.ca_pem = make_certificate(self._tls)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, ssl=context)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Cut every connection and listen no more. Safe to repeat."""
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every connection that is open, and go on listening."""
        for connection in list(self._open):
            connection.abort()

    def joined(self, connection: "_Connection") -> None:
        """A client connected."""
        self.connections += 1
        connection.number = self.connections
        self._open.add(connection)
        task = asyncio.get_running_loop().create_task(connection.serve(), name=f"fake provider {self.connections}")
        connection.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def left(self, connection: "_Connection") -> None:
        """A client's connection is gone."""
        self._open.discard(connection)

    async def answer_to(self, request: Received) -> Answer:
        """Record the request and choose its answer."""
        self.requests.append(request)
        async with self._arrived:
            self._arrived.notify_all()
        chosen = self._choose(request)
        return chosen(request) if not hasattr(chosen, "play") and callable(chosen) else chosen

    def _choose(self, request: Received) -> Scripted:
        slots: list[_Slot] = []
        for path in {path for _, path in [*self._scripts, *self._always] if path is not None}:
            if request.path.partition("?")[0].endswith(path):
                slots += [(request.credential, path), (None, path)]
        if request.method == "POST":
            slots += [(request.credential, None), (None, None)]
        for slot in slots:
            if self._scripts.get(slot):
                return self._scripts[slot].popleft()
        return next((self._always[slot] for slot in slots if slot in self._always), Default())


class _Connection(asyncio.Protocol):
    """One client's connection: reads requests one after the other and plays the answers."""

    def __init__(self, provider: FakeProvider) -> None:
        self.number = 0
        self.task: asyncio.Task[None] | None = None
        self._provider = provider
        self._buffer = bytearray()
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._current: Received | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._writable.set()
        self._provider.joined(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._more.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._current is not None:
            self._current.gone.set()
        self._provider.left(self)
        if self.task is not None:
            self.task.cancel()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    async def serve(self) -> None:
        """Answer until the connection ends, which cancels this."""
        try:
            while not self._transport.is_closing():
                request = self._current = await self._read_request()
                await (await self._provider.answer_to(request)).play(request, self)
                self._current = None
                request.answered.set()
        except asyncio.CancelledError:
            pass
        finally:
            self._transport.close()

    async def write(self, data: bytes) -> None:
        self._transport.write(data)
        await self._writable.wait()

    def reset(self) -> None:
        self._current = None
        linger = struct.pack("ii", 1, 0)  # close at once and drop what is unsent: the kernel sends an RST
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    def close(self) -> None:
        self._current = None
        self._transport.close()

    async def _read_request(self) -> Received:
        head = await self._read_to(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._read_chunked()
        else:
            body = await self._read_exactly(int(headers.get("content-length", "0")))
        return Received(method, path, headers, body, self.number)

    async def _read_chunked(self) -> bytes:
        body = b""
        while size := int(await self._read_to(b"\r\n"), 16):
            body += (await self._read_exactly(size + 2))[:-2]
        await self._read_to(b"\r\n")
        return body

    async def _read_to(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            await self._wait_for_more()
        return (await self._read_exactly(end + len(mark)))[: -len(mark)]

    async def _read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._wait_for_more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def _wait_for_more(self) -> None:
        self._more.clear()
        await self._more.wait()


async def _serve_for_ever(port: int) -> None:
    async with FakeProvider(port=port) as provider:
        print(provider.base_url, flush=True)  # noqa: T201 (whoever started this waits for it)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake provider that answers well, until it is interrupted.")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve_for_ever(parser.parse_args().port))
