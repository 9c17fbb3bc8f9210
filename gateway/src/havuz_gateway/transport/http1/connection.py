"""One connection to a provider: a request is written, its answer parsed, and then the next one may come."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import cast

import httptools

from havuz_gateway.transport.base import KEEPALIVE_SECONDS, Payload, TransportFailure
from havuz_gateway.transport.http1 import answer_head
from havuz_gateway.transport.http1.answer_head import LISTS, MAX_HEAD_BYTES
from havuz_gateway.transport.http1.exchange import HIGH_WATER, Exchange
from havuz_gateway.transport.http1.tls import Resumed

_LINGER_SECONDS = 1.0  # for the last chunk of a stream, which often comes in a packet of its own
_JOINED_BYTES = 64 * 1024  # a body up to this size goes out in one piece with its head


class Connection(asyncio.Protocol):
    """An open connection. `on_free` is called when the next request may be sent, `on_lost` once when it is gone."""

    def __init__(self, *, on_free: Callable[["Connection"], None], on_lost: Callable[["Connection"], None]) -> None:
        self._on_free = on_free
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._paused = False
        self._writable: asyncio.Event | None = None  # while an upload waits for the socket
        self._upload: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._remembered = False  # the TLS session, if there is one
        self._reset("")
        self.sock: socket.socket | None = None
        self.opened_at = 0.0
        self.free_since = 0.0
        self.rest = KEEPALIVE_SECONDS  # how long it may be free and be used again

    def _reset(self, method: str) -> None:
        self._method = method
        self._fields: dict[str, str] = {}
        self._head_size = 0
        self._frame_size = 0
        self._headed = False
        self._whole = False
        self._kept = False
        self._stray = False
        self._wrong: TransportFailure | None = None
        self.heard = False  # whether any byte of an answer has come

    @property
    def usable(self) -> bool:
        """Whether a request can be written to it."""
        return self._exchange is None and self._transport is not None and not self._transport.is_closing()

    def quiet(self) -> bool:
        """Whether nothing has come that the loop has not read: the provider's close, or what nobody asked for."""
        if self.sock is None:
            return True
        try:
            self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def begin(self, method: str, head: bytes, body: bytes | Payload) -> Exchange:
        """Send a request; its answer arrives in what is returned. Only for a connection that is `usable`."""
        transport = self._transport
        if transport is None:
            raise RuntimeError("a request on a connection that is not open")
        self._reset(method)
        exchange = self._exchange = Exchange(self)
        if not isinstance(body, bytes):
            transport.write(head)
            loop = asyncio.get_running_loop()
            self._upload = loop.create_task(self._send(body.chunks(), exchange), name="upload to a provider")
        elif len(body) <= _JOINED_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return exchange

    def resume(self) -> None:
        """Read on after the answer's reader has caught up."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def linger(self) -> None:
        """Wait a moment for an end that nobody reads; more than a little of it is never read off the socket."""
        self._lingering = asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.cut)

    def cut(self) -> None:
        """Close at once; what was under way on it has no end any more."""
        self._exchange = None
        self._end_lingering()
        self._end_upload()
        if self._transport is not None:
            self._transport.abort()

    def stop(self) -> None:
        """Close at once, and tell whoever waits for an answer."""
        self._fail(TransportFailure("reset", "this gateway is being stopped"))

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and tell the answer's reader once."""
        exchange = self._exchange
        if exchange is None:  # nobody asked
            self.cut()
            return
        self.heard = True
        before = exchange.size
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._whole:  # behind the end of an answer, it only spoils the connection
                self._fail(self._wrong or TransportFailure("protocol", f"the provider's answer is no HTTP: {error}"))
                return
            self._stray = True
        if self._whole:
            self._finish(exchange)
        elif exchange.size > before:
            self._frame_size = 0
            if exchange.size > HIGH_WATER and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
            exchange.wake()
        else:
            self._count_framing(len(data))
            if self._headed:
                exchange.wake()

    def eof_received(self) -> None:
        """The provider says no more. The transport closes itself, and `connection_lost` tells what that means."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: an answer that had no length has come to its end by that, any other is broken."""
        exchange, self._exchange = self._exchange, None
        transport, self._transport = self._transport, None
        self._end_lingering()
        self._end_upload()
        self._on_lost(self)
        if exchange is None:
            return
        if not self._headed:
            exchange.fail(TransportFailure("reset", "the provider closed the connection without an answer"))
        elif exc is None and not answer_head.has_length(self._fields) and _said_goodbye(transport):
            exchange.end()
        else:
            exchange.fail(TransportFailure("broken", "the provider closed the connection within its answer"))

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        """The socket takes more."""
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set()

    # llhttp's calls

    def on_message_begin(self) -> None:
        """A message begins: the answer, or what nobody asked for behind it."""
        if self._whole:
            self._stray = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head. Of one that is repeated the first counts, but for lists; trailers are not looked at."""
        if self._headed:
            return
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD_BYTES:
            self._wrong = answer_head.too_long()
            raise self._wrong
        fields, lower = self._fields, name.lower().decode()
        if lower not in fields:
            fields[lower] = value.decode("utf-8", "surrogateescape")
        elif lower in LISTS:
            fields[lower] += ", " + value.decode("utf-8", "surrogateescape")

    def on_headers_complete(self) -> None:
        """The head is whole. An interim answer (1xx) is passed over."""
        if self._exchange is None or self._whole:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._fields = {}
            return
        try:
            answer_head.check(status, self._fields)
            self._exchange.open(status, self._fields)
        except TransportFailure as failure:
            self._wrong = failure
            raise
        self._headed = True
        if not self._remembered:
            self._remember()
        if self._method == "HEAD":
            self._whole = True  # llhttp does not know that no body follows, so this connection is not used again

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._exchange is not None and not self._whole:
            self._exchange.put(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._headed and not self._whole:
            self._whole = True
            self._kept = self._parser.should_keep_alive()
            if "transfer-encoding" in self._fields and self._parser.get_http_version() == "1.0":
                self._kept = False  # which has no chunks: https://www.rfc-editor.org/rfc/rfc9112#section-6.1

    # ends

    def _finish(self, exchange: Exchange) -> None:
        """The answer has ended. The connection is kept when both sides are through with this request and agree."""
        self._exchange = None
        self._end_lingering()
        transport = self._transport
        if transport is None or not self._kept or self._stray or transport.is_closing() or self._still_sends(transport):
            self.cut()
        else:
            self.resume()
            self.rest = answer_head.rest_of(self._fields)
            self._on_free(self)
        exchange.end()

    def _remember(self) -> None:
        """Keep the TLS session, whose ticket has come before the first answer, for connections to come."""
        self._remembered = True
        end = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        if isinstance(end, Resumed):
            end.remember()

    def _still_sends(self, transport: asyncio.Transport) -> bool:
        """Whether the answer came before all of the request was sent: the provider may never read the rest."""
        return self._upload is not None or transport.get_write_buffer_size() > 0

    def _fail(self, failure: TransportFailure) -> None:
        exchange = self._exchange
        self.cut()
        if exchange is not None:
            exchange.fail(failure if not exchange.status else TransportFailure("broken", str(failure)))

    def _count_framing(self, size: int) -> None:
        """Bound what is neither head nor body: chunk extensions, trailers, and interim answers without an end."""
        self._frame_size += size
        if self._frame_size > MAX_HEAD_BYTES:
            self._fail(answer_head.too_long())

    def _end_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None

    # uploads

    async def _send(self, chunks: AsyncIterator[bytes], exchange: Exchange) -> None:
        try:
            async for chunk in chunks:
                if self._transport is None:
                    return
                self._transport.write(chunk)
                if self._writable is not None:
                    await self._writable.wait()
        except OSError as error:
            self._upload = None
            self.cut()
            exchange.fail(TransportFailure("reset", f"the request's body could not be read: {error.strerror or error}"))
        finally:
            self._upload = None
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()

    def _end_upload(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.cancel()


def _said_goodbye(transport: asyncio.Transport | None) -> bool:
    """Whether TLS was closed as well, where there is any: else an end that only the close tells may be anybody's.

    https://www.rfc-editor.org/rfc/rfc9112#section-9.8
    """
    end = None if transport is None else transport.get_extra_info("ssl_object")
    return end.was_closed() if isinstance(end, Resumed) else True
