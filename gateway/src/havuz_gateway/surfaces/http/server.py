"""aiohttp's low-level server, without its router and middlewares, and with JSON where aiohttp itself would answer."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from havuz_gateway.surfaces.http.answer import Answer

_log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[Answer | web.StreamResponse]]
Refusal = Callable[[int], web.Response]


class HttpServer(web.Server):
    """Makes one protocol object per connection. `refusal` renders what is refused before a request exists."""

    def __init__(self, handler: Handler, *, refusal: Refusal, **settings: Any) -> None:
        told = cast("Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]", handler)
        super().__init__(told, auto_decompress=False, **settings)  # bodies are unpacked within a bound in body.py
        self.refusal = refusal
        self.draining = False

    def pre_shutdown(self) -> None:
        """Close idle connections. One with a request on it stays whole, so that a body on its way still arrives."""
        self.draining = True
        for connection in self.connections:
            if isinstance(connection, _Connection):
                connection.close_if_idle()

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return _Connection(self, refusal=self.refusal, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    """One connection. What is no HTTP gets the surface's JSON error, and none of the client's bytes back."""

    __slots__ = ("_refusal",)

    def __init__(self, server: web.Server, *, refusal: Refusal, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._refusal = refusal

    def close_if_idle(self) -> None:
        """Close between requests: while the next one is waited for and nothing of it was read."""
        if self._waiter is not None and not self._waiter.done():
            self.force_close()  # `close` would leave the socket open and deaf

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
        response = self._refusal(status)
        response.force_close()
        return response
