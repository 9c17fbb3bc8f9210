"""What listens on the public port: the front for plain requests, and aiohttp's low-level server for all others.

aiohttp's is used without its router and middlewares, and with JSON where it would answer itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from havuz_gateway.surfaces.base import Rendered
from havuz_gateway.surfaces.http.aiohttp_request import AiohttpRequest, Sent
from havuz_gateway.surfaces.http.answer import Answer, refused
from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.front import FrontConnection, FrontServer
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.plain_head import HeadReader

_log = logging.getLogger(__name__)
_CLIENT_GONE = 499  # nginx's number for it; no client ever sees it

Handler = Callable[[Incoming], Awaitable[Answer | None]]
"""Answers a request. None: nobody was left to be answered."""

Refusal = Callable[[int], Rendered]
"""Renders what is refused before a request exists, by its status."""


class HttpServer(web.Server):
    """Makes one protocol object per connection. With `front`, plain requests never meet aiohttp."""

    def __init__(self, handler: Handler, *, refusal: Refusal, bounds: HttpBounds, front: bool = True) -> None:
        super().__init__(
            cast("Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]", self._handle),
            handler_cancellation=True,  # a client that hangs up cancels its request
            auto_decompress=False,  # bodies are unpacked within a bound in body.py
            access_log=None,
            keepalive_timeout=bounds.keepalive,
            lingering_time=bounds.lingering,
            max_line_size=bounds.max_header,
            max_field_size=bounds.max_header,
        )
        self._handler = handler
        self._bounds = bounds
        self.refusal = refusal
        self.draining = False
        self._fronts: set[FrontConnection] = set()
        self._front = self._front_server() if front else None

    def pre_shutdown(self) -> None:
        """Close idle connections. One with a request on it stays whole, so that a body on its way still arrives."""
        self.draining = True
        for connection in self.connections:
            if isinstance(connection, AiohttpConnection):
                connection.close_if_idle()
        for front in list(self._fronts):
            if front.idle:
                front.close()
            else:
                front.begin_now()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Wait for the requests in work, `timeout` seconds at most; then cut them off."""
        tasks = [front.task for front in self._fronts if front.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=timeout)
        for front in list(self._fronts):
            front.close()
        await super().shutdown(timeout)

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        if self._front is None:
            return AiohttpConnection(self, loop=self._loop, bounds=self._bounds, **self._kwargs)
        return cast("RequestHandler", FrontConnection(self._front, self._loop))

    def refuse(self, status: int) -> bytes:
        """The last answer on a connection, to what never became a request."""
        rendered = self.refusal(status)
        return refused(rendered.status, rendered.headers, rendered.body)

    def _front_server(self) -> FrontServer:
        return FrontServer(
            read_head=HeadReader().read,
            answer=self._answer,
            refusal=self.refuse,
            leave=self._leave_to_aiohttp,
            opened=self._fronts.add,
            closed=self._fronts.discard,
            draining=lambda: self.draining,
            max_head=self._bounds.max_header,
            head=self._bounds.head,
            keepalive=self._bounds.keepalive,
            lingering=self._bounds.lingering,
        )

    def _leave_to_aiohttp(self, transport: asyncio.Transport, data: bytes, paused: bool) -> None:
        connection = AiohttpConnection(self, loop=self._loop, bounds=self._bounds, **self._kwargs)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if paused:
            connection.pause_writing()
        connection.data_received(data)

    async def _answer(self, request: Incoming) -> bool:
        answer = await self._handler(request)
        return answer is not None and answer.keep_alive

    async def _handle(self, raw: web.BaseRequest) -> Sent | web.StreamResponse:
        answer = await self._handler(AiohttpRequest(raw))
        return web.Response(status=_CLIENT_GONE) if answer is None else Sent(keep_alive=answer.keep_alive)


class AiohttpConnection(RequestHandler):
    """One connection. What is no HTTP gets the surface's JSON error, and none of the client's bytes back.

    A head that does not arrive in time is refused; aiohttp's own clock only looks at idle connections.
    """

    __slots__ = ("_head_seconds", "_head_timer", "_server")

    def __init__(self, server: HttpServer, *, bounds: HttpBounds, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._server = server
        self._head_seconds = bounds.head
        self._head_timer: asyncio.TimerHandle | None = None

    def close_if_idle(self) -> None:
        """Close between requests: while the next one is waited for and nothing of it was read."""
        if self._between_requests:
            self.force_close()  # `close` would leave the socket open and deaf

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see that the head it may be a part of comes to its end."""
        super().data_received(data)
        if self._messages or not self._between_requests:
            self._stop_head_timer()
        elif data and self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_seconds, self._refuse_late_head)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never became a request, and close the connection."""
        if status >= 500 and exc is not None:
            # the message may hold parts of the request; its type is enough to find the line
            _log.error("a connection failed", extra={"error_type": type(exc).__name__})
        if request.writer.output_size > 0:
            raise ConnectionError("an answer had begun when the connection failed")
        rendered = self._server.refusal(status)
        response = web.Response(status=rendered.status, headers=rendered.headers, body=rendered.body)
        response.force_close()
        return response

    @property
    def _between_requests(self) -> bool:
        return self._request_count == 0 or (self._waiter is not None and not self._waiter.done())

    def _refuse_late_head(self) -> None:
        self._head_timer = None
        if self._between_requests and self.transport is not None:
            self.transport.write(self._server.refuse(408))
            self.force_close()

    def _stop_head_timer(self) -> None:
        timer, self._head_timer = self._head_timer, None
        if timer is not None:
            timer.cancel()
