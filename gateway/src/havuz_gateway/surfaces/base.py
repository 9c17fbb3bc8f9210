"""What a surface is: a set of paths with their endpoints, and the look of an error on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from havuz_gateway.errors import GatewayError
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.credentials import EVERYWHERE, KeyPlaces


@dataclass(frozen=True, slots=True)
class Rendered:
    """A whole answer as plain values."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoint(Protocol):
    """Answers one method of one path. The request holds no key: `credential` is what the client sent as one."""

    async def __call__(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        """Write the whole answer. Raises `GatewayError` to have it rendered, and `ClientGone`."""


Methods = Mapping[str, Endpoint]


class AnswerHeaders(Protocol):
    """What a surface adds to the headers of every answer."""

    def __call__(self, headers: Mapping[str, str], *, request_id: str, now: float) -> Mapping[str, str]:
        """The headers to add to an answer that has `headers`; `now` is unix seconds."""


class Framing(Protocol):
    """Another form for one stream, which the pipeline writes as server-sent events, each time some whole ones."""

    headers: Mapping[str, str]  # that take the place of an event stream's

    def feed(self, events: bytes) -> bytes:
        """What the client is sent for these events and comments."""

    def end(self) -> bytes:
        """What ends the stream."""


FormKind = Literal["image", "audio"]  # what its files are, by which it is bounded


@dataclass(frozen=True, slots=True)
class Surface:
    """One look of the gateway. `paths` are literal; a key of `prefixes` ends in a slash and matches what follows it.

    `render_error` makes a whole answer of an error, `stream_error` an event of a stream that has begun. `asked_by` is a
    header (lower case) by which a client asks for this surface: it has this one's answers on paths that another surface
    has too, and its errors on paths that nobody has. `framing` says how the stream that answers a request is framed
    where it is no stream of server-sent events. `forms` are the paths that take forms with files. `check_sender` says
    whether a client may send a large body where that is not for its key to say; it raises `GatewayError`.
    """

    name: str
    protocol: str  # as in a Project's surface and in `Call.protocol`
    render_error: Callable[[GatewayError, Request], Rendered]
    stream_error: Callable[[GatewayError, Request], bytes]
    paths: Mapping[str, Methods]
    prefixes: Mapping[str, Methods] = field(default_factory=dict)
    asked_by: str | None = None
    answer_headers: AnswerHeaders | None = None
    key_places: KeyPlaces = EVERYWHERE
    framing: Callable[[Request], Framing | None] | None = None
    forms: Mapping[str, FormKind] = field(default_factory=dict)
    check_sender: Callable[[Request], object] | None = None
