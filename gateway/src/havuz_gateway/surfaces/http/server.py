"""What listens on the public port: the front for plain requests, and aiohttp's low-level server for all others.

aiohttp's is used without its router and middlewares, and with JSON where it would answer itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from havuz_gateway.surfaces.http.aiohttp_connection import AiohttpConnection, Refusal
from havuz_gateway.surfaces.http.aiohttp_request import AiohttpRequest, Sent
from havuz_gateway.surfaces.http.answer import Answer, refused
from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.front import FrontConnection, FrontServer
from havuz_gateway.surfaces.http.incoming import Incoming
from havuz_gateway.surfaces.http.plain_head import HeadReader

_CLIENT_GONE = 499  # nginx's number for it; no client ever sees it

Handler = Callable[[Incoming], Awaitable[Answer | None]]
"""Answers a request. None: nobody was left to be answered."""


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
        self._refusal = refusal
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
            return self._aiohttp_connection()
        return cast("RequestHandler", FrontConnection(self._front, self._loop))

    def _refuse(self, status: int) -> bytes:
        """The last answer on a connection, to what never became a request."""
        return refused(self._refusal(status))

    def _front_server(self) -> FrontServer:
        return FrontServer(
            read_head=HeadReader().read,
            answer=self._answer,
            refusal=self._refuse,
            leave=self._leave_to_aiohttp,
            connections=self._fronts,
            draining=lambda: self.draining,
            max_head=self._bounds.max_header,
            head=self._bounds.head,
            keepalive=self._bounds.keepalive,
            lingering=self._bounds.lingering,
        )

    def _leave_to_aiohttp(self, transport: asyncio.Transport, data: bytes, paused: bool) -> None:
        connection = self._aiohttp_connection()
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if paused:
            connection.pause_writing()
        connection.data_received(data)

    def _aiohttp_connection(self) -> AiohttpConnection:
        return AiohttpConnection(self, refusal=self._refusal, bounds=self._bounds, loop=self._loop, **self._kwargs)

    async def _answer(self, request: Incoming) -> bool:
        answer = await self._handler(request)
        return answer is not None and answer.keep_alive

    async def _handle(self, raw: web.BaseRequest) -> Sent | web.StreamResponse:
        connection = cast("AiohttpConnection", raw.protocol)
        connection.begin(raw)
        try:
            answer = await self._handler(AiohttpRequest(raw))
        finally:
            connection.end()
        return web.Response(status=_CLIENT_GONE) if answer is None else Sent(keep_alive=answer.keep_alive)
