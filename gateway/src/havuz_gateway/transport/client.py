"""HTTP to providers: pooled connections, verified TLS, no redirects, bounded answers."""

import asyncio
from dataclasses import replace

from havuz_gateway.transport.base import CallTrace, Transport, TransportFailure, UpstreamRequest, UpstreamResponse
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import Dialer
from havuz_gateway.transport.http1.exchange import Exchange
from havuz_gateway.transport.http1.names import Names
from havuz_gateway.transport.http1.pool import Pool
from havuz_gateway.transport.http1.request_head import Origin, head_of, start_of

_SWEEP_SECONDS = 10.0
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})  # without a body they have no length either
# What may be sent again when a connection that had rested turns out to be closed:
# https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2. A POST may have been worked on, and is never sent twice.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class HttpTransport:
    """Sends requests over shared connections, one pool per origin and set of trusted authorities.

    At most `connections` are open to each.
    """

    def __init__(self, *, connections: int = 4096) -> None:
        self._connections = connections
        self._pools: dict[tuple[Origin, str | None], Pool] = {}
        self._dialer = Dialer(Names(now=_now))
        self._sweeping: asyncio.TimerHandle | None = None

    async def send(self, request: UpstreamRequest, *, trace: CallTrace | None = None) -> UpstreamResponse:
        """Send and wait for status and headers. Raises `TransportFailure`."""
        if trace is None:
            return await self._send(request)
        span = trace.begin_http(request.method, request.url)
        try:
            response = await self._send(replace(request, headers={**request.headers, **span.headers}))
        except BaseException as error:
            span.failed(error.kind if isinstance(error, TransportFailure) else "cancelled")
            raise
        span.answered(response.status)
        return response

    async def _send(self, request: UpstreamRequest) -> Exchange:
        origin, line, host = start_of(request.method, request.url)
        head = head_of(line, host, request.headers, length=_length(request))
        pool = self._pool(origin, request.ca_bundle)
        connection = pool.take()
        if connection is not None:
            try:
                return await _exchanged(connection, request, head)
            except TransportFailure as failure:
                stale = failure.kind == "reset" and not connection.heard
                if not stale or request.method not in _IDEMPOTENT:
                    raise
        return await _exchanged(await pool.open(), request, head)

    async def close(self) -> None:
        """Close every connection."""
        pools, self._pools = list(self._pools.values()), {}
        if self._sweeping is not None:
            self._sweeping.cancel()
        for pool in pools:
            pool.close()
        await self._dialer.names.close()
        await asyncio.sleep(0)  # connections close in callbacks of their own; one turn of the loop lets them run

    def _pool(self, origin: Origin, ca_bundle: str | None) -> Pool:
        place = origin, ca_bundle
        pool = self._pools.get(place)
        if pool is None:
            pool = self._pools[place] = Pool(
                origin, ca_bundle=ca_bundle, dialer=self._dialer, now=_now, limit=self._connections
            )
            if self._sweeping is None:
                self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return pool

    def _sweep(self) -> None:
        self._pools = {place: pool for place, pool in self._pools.items() if pool.sweep()}
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep) if self._pools else None


async def _exchanged(connection: Connection, request: UpstreamRequest, head: bytes) -> Exchange:
    """Send on an open connection and wait for the answer's head. Whatever else happens, the connection is cut."""
    exchange = connection.begin(request.method, head, request.body)
    try:
        await exchange.opened()
    except BaseException:
        exchange.close()
        raise
    return exchange


def _length(request: UpstreamRequest) -> int | None:
    body = request.body
    size = len(body) if isinstance(body, bytes) else body.size
    return None if not size and request.method in _BODILESS else size


def _now() -> float:
    return asyncio.get_running_loop().time()


_: type[Transport] = HttpTransport
