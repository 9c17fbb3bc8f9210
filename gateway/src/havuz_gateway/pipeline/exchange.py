"""The seam between HTTP and the pipeline: a request as plain values, an answer through a small writer.

Nothing right of this line knows `aiohttp.web`; another HTTP server is swapped in here and nowhere else.
"""

from collections.abc import Mapping
from typing import Protocol

from havuz_gateway.transport.upload import Upload
from havuz_gateway.values import frozen


@frozen
class Request:
    """A request as it was read. Header names are lower case; `query` keeps each name's first value."""

    id: str
    method: str
    path: str
    host: str  # lower case, without the port
    headers: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    body: bytes
    upload: Upload | None = None  # in place of the body, where that is a form with files
    template: str | None = None  # the path as it is registered
    peer: str = ""  # the IP address at the other end of the connection, which may be a proxy's

    @property
    def shown_path(self) -> str:
        """The path for logs and spans: without what a client put in an id's place, which may be its key."""
        return self.path if self.template is None else self.template


class Writer(Protocol):
    """Where an answer goes. `start` once, then `write` any number of times, then `end` once.

    `accounted` is set by the pipeline: it writes this request's line in the log, with all it knows. So is `whole`, for
    an answer to which nothing can be added: where it goes wrong once it is started, the client is cut off.
    """

    accounted: bool
    whole: bool

    @property
    def started(self) -> bool:
        """Whether status and headers are out, so that only the body can still tell of an error."""

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers. Raises `ClientGone`."""

    async def write(self, data: bytes) -> None:
        """Send body bytes; waits while the client reads too slowly. Raises `ClientGone`."""

    async def end(self) -> None:
        """Finish the answer cleanly. Raises `ClientGone`."""

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer of known length. Raises `ClientGone`."""


class ClientGone(Exception):
    """The client hung up, or read so slowly that it was cut. Nobody is left to be told."""
