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

MAX_FIELDS = 100

_METHODS = ("POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")
_BEGINNINGS = tuple(f"{method} /".encode() for method in _METHODS)
_LONGEST_BEGINNING = max(len(beginning) for beginning in _BEGINNINGS)
_LONGEST_LENGTH = 15  # digits

_BYTES = bytes([*range(0x20, 0x7F), 0x0D, 0x0A])  # of a head
_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*")
_QUERY = re.compile(r"[A-Za-z0-9\-._~]+=[A-Za-z0-9\-._~:@/,]*(&[A-Za-z0-9\-._~]+=[A-Za-z0-9\-._~:@/,]*)*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_USUAL = (
    "host", "user-agent", "accept", "accept-encoding", "accept-language", "authorization", "connection", "content-type",
    "content-length", "cookie", "origin", "referer", "traceparent", "tracestate", "x-api-key", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip", "x-request-id", "anthropic-beta",
    "anthropic-version", "openai-organization", "x-goog-api-key", "x-stainless-arch", "x-stainless-async",
    "x-stainless-lang", "x-stainless-os", "x-stainless-package-version", "x-stainless-raw-response",
    "x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version",
    "x-stainless-timeout",
)  # fmt: skip
_LOWER = {spelt: name for name in _USUAL for spelt in (name, name.title(), name.upper())}
_ODD = frozenset(("transfer-encoding", "expect", "upgrade", "trailer", "proxy-connection", "http2-settings"))


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


def read_head(head: bytes) -> PlainHead | None:
    """The head of a request, given without the empty line at its end. None where it is not plain."""
    if head.translate(None, _BYTES):
        return None
    first, *lines = head.decode("ascii").split("\r\n")
    if len(lines) > MAX_FIELDS or not head.count(b"\r") == head.count(b"\n") == len(lines):
        return None
    headers = _read_fields(lines)
    if headers is None or "host" not in headers or not _ODD.isdisjoint(headers):
        return None
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > _LONGEST_LENGTH:
        return None
    connection = headers.get("connection")
    if connection is not None:
        connection = connection.lower()
        if connection not in ("keep-alive", "close"):
            return None
    return _with_target(first, headers, int(length), connection != "close")


def _read_fields(lines: list[str]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        lower = _LOWER.get(name)
        if lower is None:
            if not colon or not _NAME.fullmatch(name):
                return None
            lower = name.lower()
        if not colon or lower in headers:
            return None
        headers[lower] = value.strip(" ")
    return headers


def _with_target(line: str, headers: dict[str, str], length: int, keep_alive: bool) -> PlainHead | None:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    path, mark, asked = target.partition("?")
    if version != "HTTP/1.1" or method not in _METHODS or not _TARGET.fullmatch(path) or "//" in path or "/." in path:
        return None
    query: dict[str, tuple[str, ...]] = {}
    if mark:
        if not _QUERY.fullmatch(asked):
            return None
        for pair in asked.split("&"):
            name, _, value = pair.partition("=")
            query[name] = (*query.get(name, ()), value)
    return PlainHead(method, path, query, headers, length, keep_alive)
