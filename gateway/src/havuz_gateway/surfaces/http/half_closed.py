"""Telling a client that has said all it will from one that has gone: both look the same to the reading side.

A client may close its sending side behind a request and wait for the answer; one that hangs up closes both sides, and
its request is to be cancelled at once. What is sent to the first is read, what is sent to the second is refused by its
kernel with a reset. So a few interim answers are sent, which every client of HTTP/1.1 has to pass over
(https://www.rfc-editor.org/rfc/rfc9110#section-15.2); Go's takes five of them.
"""

import asyncio
import socket
from collections.abc import Callable

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DELAYS = (0.05, 0.5, 2.0, 5.0)  # seconds from one to the next, and from the last until it is looked at


def look_for_client(transport: asyncio.Transport, begun: Callable[[], bool]) -> None:
    """Abort the transport if nobody is at the other end. `begun` says that the answer has: then its own bytes tell."""
    _Look(transport, begun).send()


class _Look:
    __slots__ = ("_begun", "_sent", "_transport")

    def __init__(self, transport: asyncio.Transport, begun: Callable[[], bool]) -> None:
        self._transport = transport
        self._begun = begun
        self._sent = 0

    def send(self) -> None:
        """Send one, and look after a while."""
        self._transport.write(CONTINUE)
        asyncio.get_running_loop().call_later(_DELAYS[self._sent], self._look)
        self._sent += 1

    def _look(self) -> None:
        if self._transport.is_closing():
            return
        if _was_reset(self._transport):
            self._transport.abort()
        elif self._sent < len(_DELAYS) and not self._begun():
            self.send()


def _was_reset(transport: asyncio.Transport) -> bool:
    connection = transport.get_extra_info("socket")
    return connection is not None and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
