"""The front: the protocol of a new connection, which answers plain requests itself and leaves the others to aiohttp.

A request is plain if `plain_head` can read its head. With the first that is not, the connection is given to aiohttp's
own protocol, together with every byte from the beginning of that request, for the rest of its life: so odd HTTP is
read by a parser that is made for it, and nothing is read by both. The front itself never guesses where a request ends:
it takes only heads that say so in one way (see there), and begins to read the next one at the byte behind.

A body that is small and still on its way has a moment to come before its request is begun, since many clients send the
head and the body in two pieces; it is read as a whole then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from aiohttp.tcp_helpers import tcp_keepalive, tcp_nodelay

from havuz_gateway.surfaces.http.front_request import FrontRequest
from havuz_gateway.surfaces.http.half_closed import look_for_client
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.plain_head import PlainHead, may_become_plain

_log = logging.getLogger(__name__)

_HEAD_END = b"\r\n\r\n"
_BEHIND = 64 * 1024  # bytes of further requests that wait for the one in work; beyond that, the client has to
_SMALL = 64 * 1024  # bytes of a body for which the request waits
_MOMENT = 0.5  # seconds that it waits


@dataclass(frozen=True, slots=True)
class FrontServer:
    """What a front connection is told by its server.

    `read_head` reads a plain head; `answer` answers a request and says whether the connection may go on; `refusal`
    are the bytes that refuse what never became a request, with a status; `leave` gives the connection to aiohttp, with
    the bytes that were not read and whether writing is paused; `connections` are those that are open.
    `max_head` is in bytes, the times are in seconds: `head` bounds the arrival of a head, `keepalive` an idle
    connection, `lingering` the rest of a body that nobody wants.
    """

    read_head: Callable[[bytes], PlainHead | None]
    answer: Callable[[Incoming], Awaitable[bool]]
    refusal: Callable[[int], bytes]
    leave: Callable[[asyncio.Transport, bytes, bool], None]
    connections: set["FrontConnection"]
    draining: Callable[[], bool]
    max_head: int
    head: float
    keepalive: float
    lingering: float


class FrontConnection(asyncio.Protocol):
    """One connection of a client, until it ends or is left to aiohttp."""

    __slots__ = (
        "_buffer", "_drained", "_ended", "_held", "_idle_since", "_keepalive", "_loop", "_paused", "_peer", "_request",
        "_server", "_timer", "_transport", "task",
    )  # fmt: skip

    def __init__(self, server: FrontServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = b""  # from the beginning of a request that is not begun
        self._request: FrontRequest | None = None
        self.task: asyncio.Task[None] | None = None  # the request in work
        self._timer: asyncio.TimerHandle | None = None  # for a head, a small body, or the rest of a large one
        self._keepalive: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._ended = False  # nothing more will come
        self._held = False  # not reading
        self._paused = False  # not to be written to
        self._drained: asyncio.Future[None] | None = None
        self._peer = ""

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come."""
        return self._request is None and not self._buffer

    def begin_now(self) -> None:
        """Begin a request that waits for its small body."""
        if self._request is not None and self.task is None and not self._request.over:
            self._begin()

    def close(self) -> None:
        """Close once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        tcp_nodelay(self._transport, True)
        tcp_keepalive(self._transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else str(peer or "")
        self._idle_since = self._loop.time()
        self._keepalive = self._loop.call_later(self._server.keepalive, self._close_if_idle)
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of requests behind the one in work."""
        request = self._request
        if request is None:
            self._buffer = self._buffer + data if self._buffer else data
            self._advance()
            return
        if request.missing:
            data = request.feed(data)
        if data:
            self._buffer += data
            if len(self._buffer) > _BEHIND:
                self.hold()
        if self._timer is not None and not request.missing:
            self._body_came(request)

    def eof_received(self) -> bool:
        """The client says no more. One whose request is whole may still wait for the answer."""
        request, self._ended = self._request, True
        if request is None or request.missing or request.begun or self._transport is None:
            return False
        look_for_client(self._transport, lambda: request.begun)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it whoever waited for an answer."""
        self._transport = None
        self._forget()
        self._server.connections.discard(self)
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():  # not only the request's own task may wait
            drained.set_exception(ConnectionResetError("the client is gone"))
        if self._request is not None:
            self._request.lose()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # the request's side

    @property
    def waiting(self) -> bool:
        """Whether more was sent than the client has read."""
        return self._paused

    def send(self, data: bytes) -> None:
        """Send bytes. Raises `ConnectionError`."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait for the client to read. Raises `ConnectionError`."""
        if self._transport is None:
            raise ConnectionResetError("the client is gone")
        if self._paused:
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await self._drained

    def cut(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def hold(self) -> None:
        """Read no more for now."""
        if not self._held and self._transport is not None:
            self._held = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._held and self._transport is not None and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()

    # from one request to the next

    def _advance(self) -> None:
        """Begin the request at the beginning of the buffer, or leave it to aiohttp."""
        data = self._buffer
        end = data.find(_HEAD_END)
        if end < 0 and len(data) <= self._server.max_head and may_become_plain(data):
            if self._ended:
                self.close()
            elif self._timer is None:
                self._timer = self._loop.call_later(self._server.head, self._refuse_late_head)
            return
        self._stop_timer()
        head = self._server.read_head(data[:end]) if 0 <= end <= self._server.max_head else None
        if head is None:
            self._leave()
            return
        self._request = request = FrontRequest(head, self, peer=self._peer)
        self._buffer = request.feed(data[end + len(_HEAD_END) :])
        if request.missing and head.length <= _SMALL and not self._server.draining():
            self._timer = self._loop.call_later(_MOMENT, self._begin)
        else:
            self._begin()

    def _body_came(self, request: FrontRequest) -> None:
        """The last of a body that was waited for: of a request to be begun, or of one that was answered without it."""
        self._stop_timer()
        if request.over:
            self._go_on(request.keep_alive)
        else:
            self._begin()

    def _begin(self) -> None:
        request = self._request
        self._stop_timer()
        if request is not None:
            self.task = self._loop.create_task(self._answer(request), name="request")

    async def _answer(self, request: FrontRequest) -> None:
        kept = False
        try:
            kept = await self._server.answer(request)
        except Exception as error:
            # the message may hold parts of the request; its type is enough to find the line
            _log.error("a connection failed", extra={"error_type": type(error).__name__})
        finally:
            self.task = None
            self._answered(request, kept=kept)

    def _answered(self, request: FrontRequest, *, kept: bool) -> None:
        """A body that has not come whole is read to its end, or for a while, so that the client reads the answer."""
        if not request.missing or self._transport is None:
            self._go_on(kept)
            return
        request.keep_alive = kept
        request.throw_away()
        self._timer = self._loop.call_later(self._server.lingering, self.close)
        self.resume()

    def _go_on(self, kept: bool) -> None:
        self._request = None
        if not kept or self._transport is None or (self._ended and not self._buffer):
            self.close()
            return
        self._idle_since = self._loop.time()
        if self._buffer:
            self._advance()
        if self._request is None or len(self._buffer) <= _BEHIND:
            self.resume()

    def _leave(self) -> None:
        """Give the connection to aiohttp, with every byte of the request that is not plain."""
        transport, self._transport = self._transport, None
        if transport is None or transport.is_closing():
            return
        if self._held:
            transport.resume_reading()
        self._forget()
        self._server.connections.discard(self)
        self._server.leave(transport, self._buffer, self._paused)

    # time

    def _refuse_late_head(self) -> None:
        self._timer = None
        if self._transport is not None:
            self._transport.write(self._server.refusal(408))
            self._transport.close()

    def _close_if_idle(self) -> None:
        left = self._idle_since + self._server.keepalive - self._loop.time()
        if self.idle and left <= 0:
            self.close()
            return
        self._keepalive = self._loop.call_later(left if left > 0 else self._server.keepalive, self._close_if_idle)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _forget(self) -> None:
        self._stop_timer()
        keepalive, self._keepalive = self._keepalive, None
        if keepalive is not None:
            keepalive.cancel()
