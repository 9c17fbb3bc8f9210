"""The head of a request as bytes: https://www.rfc-editor.org/rfc/rfc9112#section-2.1."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from havuz_gateway.transport.base import TransportFailure

_PORTS = {"http": 80, "https": 443}
_UNWRITABLE = frozenset(" \r\n\t\0")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a URL leads: connections to one origin can be used for any of its paths."""

    tls: bool
    host: str  # in ASCII; an IPv6 address without its brackets
    port: int


@lru_cache(maxsize=4096)
def start_of(method: str, url: str) -> tuple[Origin, str, str]:
    """The origin of a URL, the request line with CRLF, and the `Host` header with CRLF.

    Raises `TransportFailure` of kind `connect` for a URL that can't be called.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError as error:  # UnicodeError is one
        raise TransportFailure("connect", f"the base URL can't be read: {error}") from error
    usual = _PORTS.get(parts.scheme)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if usual is None or not host or not target.isascii() or not _UNWRITABLE.isdisjoint(target + host + method):
        raise TransportFailure("connect", "the base URL is not http:// or https:// with a host and an ASCII path")
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != usual:
        shown += f":{port}"
    origin = Origin(tls=parts.scheme == "https", host=host, port=port or usual)
    return origin, f"{method} {target} HTTP/1.1\r\n", f"host: {shown}\r\n"


def head_of(line: str, host: str, headers: Mapping[str, str], *, length: int | None) -> bytes:
    """The whole head. `length` is that of the body, None for a request that has none.

    Raises `TransportFailure` of kind `protocol` for a header that would end its line early.
    """
    framing = "" if length is None else f"content-length: {length}\r\n"
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if fields.count("\n") != len(headers) or fields.count("\r") != len(headers) or "\0" in fields:
        raise TransportFailure("protocol", "a header to the provider holds a line break: check the key's secret")
    if "host" in headers:
        host = ""
    return f"{line}{host}{fields}{framing}\r\n".encode()
