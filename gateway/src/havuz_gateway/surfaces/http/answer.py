"""One answer to a client, written as bytes to its connection: what aiohttp's own response objects do, for less.

https://www.rfc-editor.org/rfc/rfc9112#section-6
"""

from collections.abc import Mapping
from http import HTTPStatus
from re import compile as pattern

from aiohttp.helpers import rfc822_formatted_time

from havuz_gateway.surfaces.base import Rendered
from havuz_gateway.surfaces.http.incoming import Incoming

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_FORBIDDEN = pattern(r"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = (204, 304)
_JOINED_BYTES = 64 * 1024  # a body up to this size goes out in one piece with its head
_LAST_CHUNK = b"0\r\n\r\n"


class Answer:
    """Status, headers (lower case) and body of one answer. `closing`: the connection ends with it.

    `head` or `whole` comes first; then, after `head`, any number of `chunk` and one `last`. Each raises
    `ConnectionError` where the client is gone; `drain` waits until it has read enough.
    """

    __slots__ = ("_bodiless", "_chunked", "_ended", "_keep", "_left", "_request", "status")

    def __init__(self, request: Incoming, status: int, *, closing: bool) -> None:
        self._request = request
        self.status = status
        self._keep = request.keep_alive and not closing
        self._bodiless = status in _BODILESS or request.method == "HEAD"
        self._chunked = False
        self._ended = False
        self._left: int | None = None  # of a length that was announced

    def head(self, headers: Mapping[str, str]) -> None:
        """Send the head of an answer that comes in pieces; without a `content-length` its length is not known yet."""
        framing = ""
        if "content-length" in headers:
            self._left = int(headers["content-length"])
        elif not self._bodiless:
            if self._request.minor:
                self._chunked = True
                framing = "transfer-encoding: chunked\r\n"
            else:
                self._keep = False  # its end is the connection's
        self._request.send(self._lines(headers, framing))

    def chunk(self, data: bytes) -> None:
        """Send a piece of the body. What is longer than was announced is cut: it would be read as the next answer."""
        if not data or self._bodiless:
            return
        if self._chunked:
            self._request.send(b"%x\r\n%b\r\n" % (len(data), data))
            return
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._request.send(data)

    def last(self, data: bytes) -> None:
        """Send the last piece, which may be empty: the answer is whole with it."""
        self.chunk(data)
        if self._chunked:
            self._request.send(_LAST_CHUNK)
        self._ended = self._bodiless or not self._left

    def whole(self, headers: Mapping[str, str], body: bytes) -> None:
        """Send all of it."""
        framing = "" if self.status in _BODILESS else f"content-length: {len(body)}\r\n"
        head = self._lines(headers, framing)
        if self._bodiless:
            self._request.send(head)
        elif len(body) <= _JOINED_BYTES:
            self._request.send(head + body)
        else:
            self._request.send(head)
            self._request.send(body)
        self._ended = True

    @property
    def waiting(self) -> bool:
        """Whether more is to be sent than the client has read for now."""
        return self._request.waiting

    async def drain(self) -> None:
        """Wait for a client that reads slowly. Raises `ConnectionError`."""
        await self._request.drain()

    @property
    def keep_alive(self) -> bool:
        """Whether the next request may come on this connection: never after half an answer."""
        return self._keep and self._ended

    def _lines(self, headers: Mapping[str, str], framing: str) -> bytes:
        minor = self._request.minor
        connection = ""
        if not self._keep:
            connection = "connection: close\r\n"
        elif not minor:
            connection = "connection: keep-alive\r\n"
        return _head(minor, self.status, headers, f"{framing}{connection}")


def refused(told: Rendered) -> bytes:
    """All of the last answer on a connection, to what never became a request."""
    framing = f"content-length: {len(told.body)}\r\nconnection: close\r\n"
    return _head(1, told.status, told.headers, framing) + told.body


def _head(minor: int, status: int, headers: Mapping[str, str], framing: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    written = "".join(lines)
    if not written.isprintable() and _FORBIDDEN.search(written):  # the first is cheap, and true of nearly every head
        raise ValueError("a header of an answer holds a control character")
    first = f"HTTP/1.{minor} {status} {_REASONS.get(status, '')}"
    last = f"{framing}date: {rfc822_formatted_time()}\r\n\r\n"
    return "\r\n".join((first, *lines, last)).encode()
