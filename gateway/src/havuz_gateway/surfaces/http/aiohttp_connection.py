"""The connections that aiohttp reads: what is no plain request, or all of them where the front is switched off."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.web_protocol import RequestHandler

from havuz_gateway.surfaces.base import Rendered
from havuz_gateway.surfaces.http.answer import refused
from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.half_closed import look_for_client

_log = logging.getLogger(__name__)
_FIELDS = 4  # of the largest size, which all fields of a head may take together

Refusal = Callable[[int], Rendered]
"""Renders what is refused before a request exists, by its status."""


class AiohttpConnection(RequestHandler):
    """One connection. What is no HTTP gets the surface's JSON error, and none of the client's bytes back.

    A head that does not arrive in time is refused; aiohttp's own clock only looks at idle connections.
    """

    __slots__ = ("_begun", "_body", "_ended", "_head_seconds", "_head_timer", "_max_part", "_part", "_refusal")

    def __init__(self, server: web.Server, *, refusal: Refusal, bounds: HttpBounds, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._refusal = refusal
        self._head_seconds = bounds.head
        self._head_timer: asyncio.TimerHandle | None = None
        self._part = 0  # bytes that have come of a head
        self._max_part = _FIELDS * bounds.max_header
        self._begun = self._ended = 0  # requests
        self._body: StreamReader | None = None  # of the last one begun

    def begin(self, request: web.BaseRequest) -> None:
        """A request goes to work."""
        self._begun += 1
        self._body = request.content

    def end(self) -> None:
        """It has been answered."""
        self._ended += 1
        self._watch_head()

    def close_if_idle(self) -> None:
        """Close between requests: while the next one is waited for and nothing of it was read."""
        if self._between_requests:
            self.force_close()  # `close` would leave the socket open and deaf

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see that the head it may be a part of comes to its end."""
        known = self._request_count
        of_head = self._begun == known and (self._body is None or self._body.is_eof())
        super().data_received(data)
        if self._request_count > known:
            self._part = 0
            self._stop_head_timer()
        elif data and of_head:
            self._part += len(data)
            self._watch_head()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client says no more. One whose request is whole may still wait for the answer, as in the front."""
        request, transport = self._current_request, self.transport
        if transport is None or transport.is_closing() or self._between_requests:
            return False
        if not all(payload.is_eof() for _, payload in self._messages):
            return False
        if request is not None and not _may_be_half_closed(request):
            return False
        if len(self._messages) + (request is not None) <= 1:
            self.close()  # after this answer
        if request is None:
            self._loop.call_soon(self._look_again)  # it is about to begin
        else:
            look_for_client(transport, lambda: request.writer.output_size > 0)
        return True

    def _look_again(self) -> None:
        if not self.eof_received() and self.transport is not None:
            self.transport.close()

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
        rendered = self._refusal(status)
        response = web.Response(status=rendered.status, headers=rendered.headers, body=rendered.body)
        response.force_close()
        return response

    @property
    def _between_requests(self) -> bool:
        return self._request_count == self._ended

    def _watch_head(self) -> None:
        """Bound the head that has begun, in time and in all: aiohttp counts its fields, and the bytes of each."""
        if not self._part or not self._between_requests:
            return
        if self._part > self._max_part:
            self._refuse_head(400)
        elif self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_seconds, self._refuse_head, 408)

    def _refuse_head(self, status: int) -> None:
        self._stop_head_timer()
        if self._between_requests and self.transport is not None:
            self.transport.write(refused(self._refusal(status)))
            self.force_close()

    def _stop_head_timer(self) -> None:
        timer, self._head_timer = self._head_timer, None
        if timer is not None:
            timer.cancel()


def _may_be_half_closed(request: web.BaseRequest) -> bool:
    """Whether its client may wait for an answer, and can be asked: HTTP/1.0 knows no interim answers."""
    return request.content.is_eof() and not request.writer.output_size and request.version >= HttpVersion11
