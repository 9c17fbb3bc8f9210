"""The two forms of Google's streams: server-sent events where a client asks for `alt=sse`, else one JSON array."""

from collections.abc import Mapping

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.protocols import sse
from havuz_gateway.surfaces.base import Framing

_STREAMED = ":streamGenerateContent"


def framing(request: Request) -> Framing | None:
    """The form that a request for a stream asks for. Raises `InvalidRequest`."""
    if not request.path.endswith(_STREAMED):
        return None
    match request.query.get("alt", ("json",))[0]:
        case "sse":
            return EventFraming()
        case "json":
            return ArrayFraming()
        case other:
            raise InvalidRequest(f"'alt' is {other[:20]!r}; it must be 'sse' or 'json'", param="alt")


class EventFraming:
    """Events as they are. What keeps the connection alive is an empty line: Google's SDK can't read comments."""

    headers: Mapping[str, str] = {}

    def feed(self, events: bytes) -> bytes:
        """The events, or the empty line."""
        return b"\n" if events == sse.COMMENT_KEEPALIVE else events

    def end(self) -> bytes:
        """Nothing: the end of the body is the end."""
        return b""


class ArrayFraming:
    """Each event's data is an item; what keeps the connection alive is white space. An error is the last item."""

    headers: Mapping[str, str] = {"content-type": "application/json; charset=UTF-8"}

    def __init__(self) -> None:
        self._begun = False

    def feed(self, events: bytes) -> bytes:
        """The items that the events carry, or a line break where they are comments only."""
        items = sse.data_in(events)
        if not items:
            return b"\n"
        before, self._begun = b",\r\n" if self._begun else b"[", True
        return before + b",\r\n".join(items)

    def end(self) -> bytes:
        """The end of the array."""
        return b"\n]" if self._begun else b"[]"
