"""The seam between the pipeline and HTTP clients: status, headers, byte chunks, cancel.

`transport.client` speaks it over sockets, `transport.aiohttp_client` by aiohttp; the mock provider speaks it in memory.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

CONNECT_TIMEOUT_SECONDS = 5.0
KEEPALIVE_SECONDS = 55.0  # under the 60 s after which the usual servers and load balancers close an idle connection

FailureKind = Literal["connect", "tls", "reset", "protocol", "broken", "timeout"]


class TransportFailure(Exception):
    """A call failed below HTTP: `connect` (also DNS), `tls`, `reset` before an answer, `protocol` (no HTTP), `broken`
    (the body ended before its end), `timeout`."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Payload(Protocol):
    """A body that is too large to be held, of `size` bytes. It can be sent more than once."""

    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        """The body from its beginning."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One HTTP call to a provider. The URL carries no credential; headers do, and are never logged."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Payload = field(default=b"", repr=False)
    ca_bundle: str | None = field(default=None, repr=False)  # PEM of the authorities to trust instead of the system's


class UpstreamResponse(Protocol):
    """An answer whose body has not been read yet. `close` must be called however it ends."""

    status: int
    headers: Mapping[str, str]  # lower-case names

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `TransportFailure`."""

    async def read(self, limit: int) -> bytes:
        """The body, cut where it is longer than `limit` bytes. Raises `TransportFailure`."""

    def close(self, *, told: bool = False) -> None:
        """Give the connection back when the body has come to its end, else cut it at once.

        `told`: the provider has said its last word, so that the end may be waited for a moment without a reader.
        """


class HttpSpan(Protocol):
    """The span of one HTTP request, up to the head of its answer."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that tell the provider of the trace."""

    def answered(self, status: int) -> None:
        """Status and headers have come."""

    def failed(self, error_type: str) -> None:
        """They have not: a `FailureKind`, or `cancelled`."""


class CallTrace(AbstractContextManager[object], Protocol):
    """What a traced call belongs to. Entered, it is the current span for an instrumentation that looks for one."""

    def begin_http(self, method: str, url: str) -> HttpSpan:
        """Begin the span of one HTTP request."""


class Transport(Protocol):
    """Sends requests to providers."""

    async def send(self, request: UpstreamRequest, *, trace: CallTrace | None = None) -> UpstreamResponse:
        """Send and wait for status and headers. Raises `TransportFailure`. Redirects are not followed.

        A call with a `trace` has a span of its own in it, and carries the trace on to the provider.
        """
