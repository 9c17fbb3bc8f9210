"""The heads that the front reads itself: a part of HTTP/1.1 in which nothing can be read in two ways.

Whatever is left out here is no error; it is aiohttp's to read. So this grammar may be as narrow as it likes, and what
it takes has one meaning in every reading of https://www.rfc-editor.org/rfc/rfc9112:

- A head ends at its first empty line. Lines end with CR LF, and there is no other CR, no other LF and no control
  character in it, so nobody finds an end of a line elsewhere. A line that begins with a space has no name, so none is
  folded (section 5.2).
- A body ends where the one `content-length`, of digits alone, says (section 6.3); without one, there is none. With
  `transfer-encoding`, or any field twice, a head is not plain. So the next request begins at the same byte for all.
- There is no `upgrade`, no `expect` and no `trailer`, and `connection` says `close`, `keep-alive` or nothing: the
  connection stays one of requests and answers.
- A target is a path of unescaped characters, with a query of the same: it is decoded by being itself.
"""

import re
from dataclasses import dataclass
from typing import cast

MAX_FIELDS = 100

_METHODS = ("POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")
_BEGINNINGS = tuple(f"{method} /".encode() for method in _METHODS)
_LONGEST_BEGINNING = max(len(beginning) for beginning in _BEGINNINGS)
_LONGEST_LENGTH = 15  # digits
_REMEMBERED = 1_000  # lines
_LONGEST_REMEMBERED = 200  # characters of one

_BYTES = bytes([*range(0x20, 0x7F), 0x0D, 0x0A])  # of a head
_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*")
_QUERY = re.compile(r"[A-Za-z0-9\-._~]+=[A-Za-z0-9\-._~:@/,]*(&[A-Za-z0-9\-._~]+=[A-Za-z0-9\-._~:@/,]*)*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ODD = frozenset(("transfer-encoding", "expect", "upgrade", "trailer", "proxy-connection", "http2-settings"))
_STEADY = frozenset(
    ("host", "user-agent", "accept", "accept-encoding", "accept-language", "connection", "content-type", "origin")
) | frozenset(("anthropic-version", "anthropic-beta", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"))
_STEADY_PREFIX = "x-stainless-"  # of the OpenAI and Anthropic libraries

_Line = tuple[str, str]  # method and target, or name and value


@dataclass(slots=True)
class PlainHead:
    """A head as it was read; names in `headers` are lower case, `length` is that of the body in bytes."""

    method: str
    path: str
    query: dict[str, tuple[str, ...]]
    headers: dict[str, str]
    length: int
    keep_alive: bool


def may_become_plain(begun: bytes) -> bool:
    """Whether bytes without an empty line may be the beginning of a plain head."""
    return begun.startswith(_BEGINNINGS) or len(begun) < _LONGEST_BEGINNING


class HeadReader:
    """Reads heads. Clients say most lines again with every request, so those that hold no secret are remembered."""

    __slots__ = ("_fields", "_requests")

    def __init__(self) -> None:
        self._fields: dict[str, _Line] = {}
        self._requests: dict[str, _Line] = {}

    def read(self, head: bytes) -> PlainHead | None:
        """The head of a request, given without the empty line at its end. None where it is not plain."""
        if head.translate(None, _BYTES):
            return None
        first, *lines = head.decode("ascii").split("\r\n")
        if len(lines) > MAX_FIELDS or not head.count(b"\r") == head.count(b"\n") == len(lines):
            return None
        headers = self._read_fields(lines)
        if headers is None or "host" not in headers:
            return None
        request = self._requests.get(first) or self._read_request(first)
        length = headers.get("content-length", "0")
        if request is None or not length.isdecimal() or len(length) > _LONGEST_LENGTH:
            return None
        connection = headers.get("connection", "keep-alive").lower()
        if connection not in ("keep-alive", "close"):
            return None
        path, mark, asked = request[1].partition("?")
        query = _read_query(asked) if mark else {}
        return PlainHead(request[0], path, query, headers, int(length), connection == "keep-alive")

    def _read_fields(self, lines: list[str]) -> dict[str, str] | None:
        fields = [*map(self._fields.get, lines)]
        while None in fields:
            place = fields.index(None)
            field = fields[place] = self._read_field(lines[place])
            if field is None:
                return None
        headers = dict(cast("list[_Line]", fields))
        return headers if len(headers) == len(lines) else None

    def _read_field(self, line: str) -> _Line | None:
        name, colon, value = line.partition(":")
        lower = name.lower()
        if not colon or not _NAME.fullmatch(name) or lower in _ODD:
            return None
        field = lower, value.strip(" ")
        if lower in _STEADY or lower.startswith(_STEADY_PREFIX):
            _remember(self._fields, line, field)
        return field

    def _read_request(self, line: str) -> _Line | None:
        method, _, rest = line.partition(" ")
        target, _, version = rest.partition(" ")
        path, mark, asked = target.partition("?")
        if version != "HTTP/1.1" or method not in _METHODS or not _TARGET.fullmatch(path):
            return None
        if "//" in path or "/." in path or (mark and not _QUERY.fullmatch(asked)):
            return None
        request = method, target
        if not mark:
            _remember(self._requests, line, request)
        return request


def _read_query(asked: str) -> dict[str, tuple[str, ...]]:
    query: dict[str, tuple[str, ...]] = {}
    for pair in asked.split("&"):
        name, _, value = pair.partition("=")
        query[name] = (*query.get(name, ()), value)
    return query


def _remember(known: dict[str, _Line], line: str, read: _Line) -> None:
    """A client that never says the same twice costs the others a little time, and nobody memory."""
    if len(line) <= _LONGEST_REMEMBERED:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[line] = read
