"""What the edge sees of a request, whichever server read it: the front's own, or aiohttp's."""

from typing import Protocol


class BadFraming(Exception):
    """The body does not end as its head said."""


class Incoming(Protocol):
    """One request on its connection. Names in `headers` are lower case, and a repeated one is joined by commas.

    `path` is percent-decoded; `query` holds each name's values in their order; `minor` is the 1 of HTTP/1.1;
    `keep_alive` says whether the client can send another request on the connection; `length` is what its head says
    of the body (bytes; None where it comes in chunks, or there is none).
    """

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, tuple[str, ...]]
    peer: str
    minor: int
    keep_alive: bool
    length: int | None

    def arrived(self) -> bytes | None:
        """Take the whole body, if it is here; None where some of it is still on its way."""

    async def piece(self) -> bytes:
        """Take what has come of the body: at least a byte, nothing at its end.

        Raises `BadFraming` or `ConnectionError`.
        """

    def invite(self) -> None:
        """Tell a client that waits for it to send the body (100 Continue)."""

    @property
    def waiting(self) -> bool:
        """Whether more was sent than the client has read for now."""

    def send(self, data: bytes) -> None:
        """Send bytes of the answer. Raises `ConnectionError` where the client is gone."""

    async def drain(self) -> None:
        """Wait for a client that reads slowly. Raises `ConnectionError`."""

    def cut(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
