"""A request that aiohttp's server has read, as the edge sees requests."""

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from havuz_gateway.surfaces.http.half_closed import CONTINUE
from havuz_gateway.surfaces.http.incoming import BadFraming, Incoming


class AiohttpRequest:
    """`Incoming` over one of aiohttp's requests."""

    __slots__ = ("_raw", "headers", "keep_alive", "length", "method", "minor", "path", "peer", "query")

    def __init__(self, raw: web.BaseRequest) -> None:
        self._raw = raw
        self.method = raw.method
        self.path = raw.path
        self.headers: dict[str, str] = {}
        for name, value in raw.headers.items():
            lower = name.lower()
            self.headers[lower] = f"{self.headers[lower]}, {value}" if lower in self.headers else value
        self.query: dict[str, tuple[str, ...]] = {}
        if raw.query_string:
            self.query = {name: tuple(raw.query.getall(name)) for name in raw.query}
        self.peer = raw.remote or ""
        self.minor = 1 if raw.version >= (1, 1) else 0
        self.keep_alive = raw.keep_alive
        self.length = raw.content_length

    def arrived(self) -> bytes | None:
        """Take the whole body, if it is here."""
        content = self._raw.content
        return content.read_nowait(-1) if content.is_eof() else None

    async def piece(self) -> bytes:
        """Take what has come of the body. Raises `BadFraming`, `ConnectionError`."""
        try:
            return await self._raw.content.readany()
        except (RequestPayloadError, HttpProcessingError) as error:
            raise BadFraming from error

    def invite(self) -> None:
        """Send 100 Continue."""
        self.send(CONTINUE)
        self._raw.writer.output_size = 0  # by which aiohttp knows that an answer has begun: this is none

    @property
    def waiting(self) -> bool:
        """Whether more was sent than the client has read for now."""
        return self._raw.protocol.writing_paused

    def send(self, data: bytes) -> None:
        """Send bytes of the answer. Raises `ConnectionError`."""
        transport = self._raw.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._raw.writer.output_size += len(data)
        transport.write(data)

    async def drain(self) -> None:
        """Wait for a client that reads slowly. Raises `ConnectionError`."""
        await self._raw.writer.drain()

    def cut(self) -> None:
        """Close the connection at once."""
        if self._raw.transport is not None:
            self._raw.transport.abort()


class Sent:
    """An answer that is out already, as aiohttp wants to see answers: it asks for these three."""

    __slots__ = ("keep_alive",)

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, _: web.BaseRequest) -> None:
        """It is sent already."""

    async def write_eof(self) -> None:
        """It is sent already."""


_: type[Incoming] = AiohttpRequest
