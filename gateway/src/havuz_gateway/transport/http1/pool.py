"""The connections to one origin: open ones are used again, the one that rested for the shortest time first."""

from collections import deque
from collections.abc import Callable

from havuz_gateway.transport.base import KEEPALIVE_SECONDS, TransportFailure
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import dial
from havuz_gateway.transport.http1.names import Names
from havuz_gateway.transport.http1.request_head import Origin

_LONGEST_USE_SECONDS = 300.0
"""Age from which a connection is not used again, so that a change of the host's addresses is followed."""


class Pool:
    """Connections to one origin with one set of trusted authorities. As many are open as requests are under way."""

    def __init__(self, origin: Origin, *, ca_bundle: str | None, names: Names, now: Callable[[], float]) -> None:
        self._origin = origin
        self._ca_bundle = ca_bundle
        self._names = names
        self._now = now
        self._free: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._opening = 0

    def take(self) -> Connection | None:
        """An open connection that nobody uses, or None."""
        now = self._now()
        while self._free:
            connection = self._free.pop()
            if connection.usable and not self._outworn(connection, now):
                return connection
            connection.cut()
        return None

    async def open(self) -> Connection:
        """A new connection, which is the caller's alone. Raises `TransportFailure`."""
        self._opening += 1
        try:
            connection = await dial(self._origin, ca_bundle=self._ca_bundle, names=self._names, make=self._make)
        finally:
            self._opening -= 1
        if not connection.usable:
            raise TransportFailure("reset", "the provider closed the connection as soon as it was made")
        connection.opened_at = self._now()
        self._open.add(connection)
        return connection

    def sweep(self) -> bool:
        """Close what has rested for too long. Whether any connection is left or on its way."""
        now = self._now()
        while self._free and self._outworn(self._free[0], now):
            self._free.popleft().cut()
        return bool(self._open or self._opening)

    def close(self) -> None:
        """Cut every connection, with what is under way on it."""
        self._free.clear()
        for connection in list(self._open):
            connection.cut()

    def _outworn(self, connection: Connection, now: float) -> bool:
        rested = now - connection.free_since > KEEPALIVE_SECONDS
        return rested or now - connection.opened_at > _LONGEST_USE_SECONDS

    def _make(self) -> Connection:
        return Connection(on_free=self._freed, on_lost=self._lost)

    def _freed(self, connection: Connection) -> None:
        connection.free_since = self._now()
        self._free.append(connection)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
