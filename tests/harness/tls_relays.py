"""TLS before servers that are built without it: relays that end it and pass everything on.

Servers that talk to each other by the addresses they announce come from `SERVERS`, and are let in without TLS.
"""

import asyncio
import shutil
import socket
import ssl
import tempfile
import threading
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import trustme

from harness.ports import free_port

SERVERS = "127.0.0.9"  # for `bind-source-addr`; whoever comes from another address speaks TLS, or is not understood


class TlsRelays:
    """Use it as a context manager. `ports` gives the TLS port for that of each server; `ca_file` is whom to trust."""

    def __init__(self, *behind: int) -> None:
        self.ports: Mapping[int, int] = {port: free_port() for port in behind}
        self._folder = Path(tempfile.mkdtemp(prefix="havuz-tls-"))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._listening = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="tls-relays")
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def ca_file(self) -> Path:
        """The authority that signed the certificate, which is for 127.0.0.1."""
        return self._folder / "ca.pem"

    def __enter__(self) -> "TlsRelays":
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with ExitStack() as stack:
            accepting = []
            for behind, port in self.ports.items():
                listener = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=128))
                listener.setblocking(False)
                accepting.append(asyncio.create_task(self._accept(listener, behind), name=f"relay {port}"))
            self._listening.set()
            await self._stop.wait()
            for task in (*accepting, *self._connections):
                task.cancel()
            await asyncio.gather(*accepting, *self._connections, return_exceptions=True)

    async def _accept(self, listener: socket.socket, behind: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, (address, _) = await loop.sock_accept(listener)
            tls = None if address == SERVERS else self._context
            task = asyncio.create_task(self._serve(connection, tls, behind), name="connection")
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, connection: socket.socket, tls: ssl.SSLContext | None, behind: int) -> None:
        loop = asyncio.get_running_loop()
        reader = StreamReader()
        protocol = StreamReaderProtocol(reader)
        with suppress(OSError):  # a handshake that fails included
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
            writer = StreamWriter(transport, protocol, reader, loop)
            try:
                onward, back = await asyncio.open_connection("127.0.0.1", behind)
                await asyncio.gather(_pour(reader, back), _pour(onward, writer))
            finally:
                writer.close()


async def _pour(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while data := await source.read(64 * 1024):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
