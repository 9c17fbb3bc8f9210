"""A Valkey behind TLS that knows nobody but one user of its access control list.

TLS is ended by a relay before it: the embedded server is built without.
"""

import asyncio
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from contextlib import ExitStack, suppress
from pathlib import Path

import trustme

from harness.ports import free_port
from harness.valkey import ValkeyServer

USER, PASSWORD = "havuz", "p@ss/w0rd"
_NOBODY = "default on nopass resetkeys -@all +ping +hello +client"
_USER = f"{USER} on >{PASSWORD} ~havuz:* +@all -@dangerous"


class TlsServer:
    """Use it as a context manager; `url` trusts nothing by itself, `ca_file` is the authority to trust."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server = ValkeyServer("--user", *_NOBODY.split(), "--user", *_USER.split())
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._relay()), name="tls-relay")
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """With a password that needs escaping."""
        return f"rediss://{USER}:p%40ss%2Fw0rd@127.0.0.1:{self.port}/0"

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate."""
        return self._server.directory / "ca.pem"

    def __enter__(self) -> "TlsServer":
        self._stack.enter_context(self._server)
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._thread.start()
        self._stack.callback(self._end)
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _relay(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        self._listening.set()
        await self._stop.wait()
        listener.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", self._server.port)
        with suppress(OSError):
            await asyncio.gather(_pour(reader, back), _pour(onward, writer))


async def _pour(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while data := await source.read(64 * 1024):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
