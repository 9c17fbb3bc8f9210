"""The connections to one origin: open ones are used again, the one that rested for the shortest time first."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from havuz_gateway.transport.base import CONNECT_TIMEOUT_SECONDS, TransportFailure
from havuz_gateway.transport.http1.connection import Connection
from havuz_gateway.transport.http1.dialing import Dialer
from havuz_gateway.transport.http1.request_head import Origin

_LONGEST_USE_SECONDS = 300.0
"""Age from which a connection is not used again, so that a change of the host's addresses is followed."""

_RESTED_SECONDS = 0.1
"""Rest after which a connection is looked at before it is used: the loop may not have read yet that it was closed."""

_WARNING_SECONDS = 60.0  # between two lines in the log
_log = logging.getLogger(__name__)


class Pool:
    """Connections to one origin with one set of trusted authorities: as many as requests are under way, up to `limit`.

    Requests beyond that wait their turn, as long as a connection may take to be made.
    """

    def __init__(
        self, origin: Origin, *, ca_bundle: str | None, dialer: Dialer, now: Callable[[], float], limit: int
    ) -> None:
        self._origin = origin
        self._ca_bundle = ca_bundle
        self._dialer = dialer
        self._now = now
        self._limit = limit
        self._free: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._opening = 0  # being made, or promised to a request that has waited
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._next_warning = 0.0

    def take(self) -> Connection | None:
        """An open connection that nobody uses, or None."""
        now = self._now()
        while self._free:
            connection = self._free.pop()
            rested = now - connection.free_since > _RESTED_SECONDS
            if connection.usable and not self._outworn(connection, now) and (not rested or connection.quiet()):
                return connection
            connection.cut()
        return None

    async def open(self) -> Connection:
        """A new connection, or one that another request has just done with, for the caller alone.

        Raises `TransportFailure`.
        """
        if len(self._open) + self._opening < self._limit:
            self._opening += 1
        elif (passed_on := await self._turn()) is not None:
            return passed_on if passed_on.usable else await self.open()
        try:
            connection = await self._dialer.dial(self._origin, ca_bundle=self._ca_bundle, make=self._make)
            if not connection.usable:
                raise TransportFailure("reset", "the provider closed the connection as soon as it was made")
        except BaseException:
            self._opening -= 1
            self._let_in()
            raise
        self._opening -= 1
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
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(TransportFailure("connect", "this gateway is being stopped"))
        self._free.clear()
        for connection in list(self._open):
            connection.stop()

    async def _turn(self) -> Connection | None:
        """Wait for a connection, or for the leave to make one: then it counts as being made already."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise self._none_left() from None
            raise

    def _give_back(self, turn: Connection | None) -> None:
        if turn is None:
            self._opening -= 1
            self._let_in()
        else:
            self._freed(turn)

    def _let_in(self) -> None:
        """Let whoever has waited longest make a connection."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._opening += 1
                waiter.set_result(None)
                return

    def _outworn(self, connection: Connection, now: float) -> bool:
        rested = now - connection.free_since > connection.rest
        return rested or now - connection.opened_at > _LONGEST_USE_SECONDS

    def _make(self) -> Connection:
        return Connection(on_free=self._freed, on_lost=self._lost)

    def _freed(self, connection: Connection) -> None:
        now = connection.free_since = self._now()
        if self._waiting and (not connection.usable or self._outworn(connection, now)):
            connection.cut()  # whose end lets the next one in
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)

    def _lost(self, connection: Connection) -> None:
        if connection not in self._open:
            return
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        self._let_in()

    def _none_left(self) -> TransportFailure:
        sentence = (
            f"all {self._limit} connections to {self._origin.host}:{self._origin.port} were in use for"
            f" {CONNECT_TIMEOUT_SECONDS:g} seconds: raise HAVUZ_UPSTREAM_CONNECTIONS, or run more gateways"
        )
        if self._now() >= self._next_warning:
            self._next_warning = self._now() + _WARNING_SECONDS
            _log.warning("%s", sentence)
        return TransportFailure("connect", sentence)
