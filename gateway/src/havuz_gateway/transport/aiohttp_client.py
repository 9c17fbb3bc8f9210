"""HTTP to providers over aiohttp: the other client, for who trusts it more, and to compare with."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache

import aiohttp
from yarl import URL

from havuz_gateway.transport.base import (
    CONNECT_TIMEOUT_SECONDS,
    KEEPALIVE_SECONDS,
    CallTrace,
    Transport,
    TransportFailure,
    UpstreamRequest,
    UpstreamResponse,
)
from havuz_gateway.transport.failures import FOREIGN, translate

_DNS_CACHE_SECONDS = 30
_MAX_HEADER_BYTES = 32 * 1024


def _framed(request: UpstreamRequest) -> tuple[Mapping[str, str], bytes | AsyncIterator[bytes] | None]:
    """Headers and body as aiohttp takes them; a body that is not held is announced by its length, too."""
    body = request.body
    if isinstance(body, bytes):
        return request.headers, body or None
    return {**request.headers, "content-length": str(body.size)}, body.chunks()


@lru_cache(maxsize=4096)
def _url(text: str) -> URL:
    return URL(text, encoded=True)


class _Response:
    """An aiohttp response behind the transport's interface."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers  # case-insensitive

    def chunks(self) -> AsyncIterator[bytes]:
        return _Chunks(self._response.content)

    async def read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                break
        return b"".join(pieces)[:limit]

    def close(self, *, told: bool = False) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class _Chunks:
    """A body's chunks as they arrive. An iterator, not a generator: one that is dropped half-way needs no clean-up."""

    __slots__ = ("_content",)

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __aiter__(self) -> "_Chunks":
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._content.readany()
        except FOREIGN as error:
            raise translate(error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk


class AiohttpTransport:
    """Sends requests over shared connection pools, one pool per set of trusted authorities.

    `trace_configs` instrument a second session of each pool, used for traced calls only: an untraced call pays nothing.
    """

    def __init__(self, trace_configs: Sequence[aiohttp.TraceConfig] = ()) -> None:
        self._trace_configs = list(trace_configs)
        self._sessions: dict[tuple[str | None, bool], aiohttp.ClientSession] = {}

    async def send(self, request: UpstreamRequest, *, trace: CallTrace | None = None) -> UpstreamResponse:
        """Send and wait for status and headers. Raises `TransportFailure`."""
        if trace is None or not self._trace_configs:
            return await self._send(request, traced=False)
        with trace:
            return await self._send(request, traced=True)

    async def _send(self, request: UpstreamRequest, *, traced: bool) -> UpstreamResponse:
        session = self._session(request.ca_bundle, traced=traced)
        headers, data = _framed(request)
        try:
            response = await session.request(
                request.method,
                _url(request.url),
                data=data,
                headers=headers,
                allow_redirects=False,
            )
        except FOREIGN as error:
            raise translate(error) from error
        return _Response(response)

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        # aiohttp closes TLS connections in callbacks of their own; one turn of the loop lets them run
        await asyncio.sleep(0)

    def _session(self, ca_bundle: str | None, *, traced: bool) -> aiohttp.ClientSession:
        known = self._sessions.get((ca_bundle, traced))
        if known is None:
            try:
                context = ssl.create_default_context(cadata=ca_bundle)
            except ssl.SSLError as error:
                raise TransportFailure("tls", f"the CA bundle is not usable: {error.reason}") from error
            known = self._sessions[ca_bundle, traced] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=context, limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ttl_dns_cache=_DNS_CACHE_SECONDS
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=self._trace_configs if traced else None,
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            )
        return known


_: type[Transport] = AiohttpTransport
