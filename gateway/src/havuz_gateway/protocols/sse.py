"""Server-sent events as bytes: where the last whole event ends, and what an event's data is.

The form is https://html.spec.whatwg.org/multipage/server-sent-events.html: an event ends at a blank line, and a line
ends with LF, CRLF or CR, mixed or not. Providers send LF; the rest is understood because the standard says so, as is a
byte order mark before the first event.
"""

import re
from collections.abc import Iterator

CONTENT_TYPE = "text/event-stream; charset=utf-8"
COMMENT_KEEPALIVE = b": keepalive\n\n"
_BLANK_LINE = re.compile(rb"\n\n|\n\r\n|\r\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def split_complete(buffer: bytes) -> tuple[bytes, bytes]:
    """The whole events at the front of `buffer`, and the unfinished rest."""
    if buffer.endswith(b"\n\n"):  # as nearly all that comes
        return buffer, b""
    ends = [_end_of_last(buffer, b"\n\n")]
    if b"\r" in buffer:
        ends += (_end_of_last(buffer, b"\n\r\n"), _end_of_last(buffer, b"\r\r"))
    end = max(ends)
    return buffer[:end], buffer[end:]


def _end_of_last(buffer: bytes, blank: bytes) -> int:
    found = buffer.rfind(blank)
    return found + len(blank) if found >= 0 else 0


def events(complete: bytes) -> Iterator[bytes]:
    """Each event of a run of whole ones, its closing blank line included."""
    start = 0
    for blank in _BLANK_LINE.finditer(complete):
        yield complete[start : blank.end()]
        start = blank.end()


def data_of(event: bytes) -> bytes | None:
    """The `data` field of one event (its lines joined by LF), or None for a comment or an event without data.

    An object without a field's name is data too: Google tells some errors in the middle of a stream so.
    """
    start = event.find(b"\n") + 1 if event.startswith(b"event:") else 0  # nearly all have one line of data, the last
    if event.startswith(b"data: ", start) and event.find(b"\n", start) == len(event) - 2 and b"\r" not in event:
        return event[start + 6 : -2]
    event = event.removeprefix(_BYTE_ORDER_MARK)
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    if lines:
        return b"\n".join(lines)
    bare = event.strip()
    return bare if bare.startswith(b"{") else None


def data_in(complete: bytes) -> list[bytes]:
    """The data of each event of a run of whole ones, without those that have none."""
    if complete.find(b"\n\n") == len(complete) - 2 and b"\r" not in complete:  # one event, the usual case
        data = data_of(complete)
        return [data] if data else []
    return [data for event in events(complete) if (data := data_of(event))]


def encode(data: bytes) -> bytes:
    """One event that carries `data`, which must hold no line break."""
    return b"data: " + data + b"\n\n"


def encode_named(name: str, data: bytes) -> bytes:
    """One event of a type. Neither may hold a line break."""
    return b"event: " + name.encode() + b"\n" + encode(data)
