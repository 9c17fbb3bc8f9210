"""The meter's way to Redis: one connection on which all calls of an event-loop turn travel in one write.

A general client spends several times of what a request's whole metering costs on each call. This one knows nothing but
ready-made commands and their replies. It is either up or down, says so at once, and never lets a request wait for a
server that does not answer: one unanswered second closes the connection, and then every call fails until it is back.
"""

import asyncio
import logging
import random
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis

Sink = Callable[[Any], None]
"""Takes a reply: as Redis sent it, an `ErrorReply`, or a `LinkDown` when it is not known whether the call counted."""

_log = logging.getLogger(__name__)
_pack: Callable[[tuple[bytes | str | int, ...]], bytes] = cast(
    "Any", hiredis.pack_command
)  # its stub knows one part only
_FIRST_PAUSE_SECONDS = 0.05
_LAST_PAUSE_SECONDS = 1.0
# Errors of a server that must not be asked any more: a demoted master, one that loads its data, one that is overdue.
_LEAVE = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS")


class LinkDown(Exception):
    """Redis is away. `sent` says that the call was on its way, so that it may have counted."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the meter's Redis is away")
        self.sent = sent


class ErrorReply(Exception):
    """Redis answered with an error."""


class _ProtocolFault(Exception):
    """What came is no reply of Redis."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and as whom to call it. `path` is a unix socket, in place of host and port."""

    host: str = "127.0.0.1"
    port: int = 6379
    path: str | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0


def packed(*parts: bytes | str | int) -> bytes:
    """One command as Redis reads it."""
    return _pack(parts)


def packed_parts(*parts: bytes | str | int) -> bytes:
    """Parts of a command, to be put together later."""
    command = _pack(parts)
    return command[command.index(b"\n") + 1 :]


class Calls(ABC):
    """What calls are made through: a `Link` to one server, or several of them. `on_up` hears of each that is ready."""

    def __init__(self) -> None:
        self.tried = asyncio.Event()  # set once the first attempt to connect has ended
        self.on_up: list[Callable[[], None]] = []

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether calls are answered, as far as is known."""

    @abstractmethod
    def submit(self, command: bytes, sink: Sink) -> None:
        """Send with everything else of this turn. `sink` hears of the end exactly once, never within this call."""

    @abstractmethod
    async def run(self) -> None:
        """Stay connected until cancelled. The loss of Redis is waited out and never raises."""

    async def ask(self, command: bytes) -> Any:
        """One reply. Raises `LinkDown` or `ErrorReply`."""
        answer = asyncio.get_running_loop().create_future()

        def sink(reply: Any) -> None:
            if answer.done():
                return
            if isinstance(reply, Exception):
                answer.set_exception(reply)
            else:
                answer.set_result(reply)

        self.submit(command, sink)
        return await answer


class Link(Calls):
    """Owns the connection. `run` is one task's work, until cancelled; `submit` may be called at any time.

    `locate` finds the server each time anew (a Sentinel may name another); `greeting` are commands for a fresh
    connection, such as the loading of scripts.
    """

    def __init__(
        self,
        locate: Callable[[], Awaitable[Address]],
        *,
        greeting: Sequence[bytes] = (),
        timeout: float = 1.0,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__()
        self._locate = locate
        self._greeting = greeting
        self._timeout = timeout
        self._rng = rng or random.Random()  # noqa: S311 (spreads reconnects)
        self._wire: _Wire | None = None

    @property
    def up(self) -> bool:
        """Whether calls are answered, as far as is known."""
        return self._wire is not None and not self._wire.closed.is_set()

    def submit(self, command: bytes, sink: Sink) -> None:
        """Send with everything else of this turn."""
        if self._wire is None:
            asyncio.get_running_loop().call_soon(sink, LinkDown(sent=False))
        else:
            self._wire.submit(command, sink)

    async def run(self) -> None:
        """Stay connected. The loss of Redis is waited out with short pauses and never raises."""
        pause = _FIRST_PAUSE_SECONDS
        told = False
        while True:
            wire = _Wire(self._timeout)
            try:
                await self._connect(wire)
                pause, told = _FIRST_PAUSE_SECONDS, False
                await wire.closed.wait()
            except (OSError, ErrorReply, LinkDown, TimeoutError) as error:
                if not told:
                    _log.warning("the meter's Redis is away", extra={"error": f"{type(error).__name__}: {error}"})
                    told = True
            finally:
                self._wire = None
                self.tried.set()
                wire.abort()
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)

    async def _connect(self, wire: "_Wire") -> None:
        async with asyncio.timeout(self._timeout):
            address = await self._locate()
            loop = asyncio.get_running_loop()
            if address.path is not None:
                await loop.create_unix_connection(lambda: wire, address.path)
            else:
                await loop.create_connection(lambda: wire, address.host, address.port, ssl=address.tls)
            for command in (*_introduction(address), *self._greeting):
                await _asked(wire, command)
        self._wire = wire
        self.tried.set()
        for tell in self.on_up:
            tell()


async def _asked(wire: "_Wire", command: bytes) -> Any:
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def sink(reply: Any) -> None:
        if not answer.done():
            answer.set_result(reply)

    wire.submit(command, sink)
    reply = await answer
    if isinstance(reply, Exception):
        raise reply
    return reply


def _introduction(address: Address) -> list[bytes]:
    commands = []
    if address.password is not None:
        names = (address.username,) if address.username is not None else ()
        commands.append(packed("AUTH", *names, address.password))
    commands.append(packed("CLIENT", "SETNAME", "havuz-meter"))
    if address.database:
        commands.append(packed("SELECT", address.database))
    return commands


class _Wire(asyncio.Protocol):
    """One connection: commands out in one write a turn, replies in the same order."""

    def __init__(self, timeout: float) -> None:
        self.closed = asyncio.Event()
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(protocolError=_ProtocolFault, replyError=ErrorReply)
        self._waiting: list[bytes] = []
        self._sinks: deque[Sink] = deque()
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def submit(self, command: bytes, sink: Sink) -> None:
        if self.closed.is_set():
            self._loop.call_soon(sink, LinkDown(sent=False))
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        if not self._sinks:
            self._heard = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(self._timeout, self._look)
        self._waiting.append(command)
        self._sinks.append(sink)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._transport is not None and not self.closed.is_set():
            self._transport.write(b"".join(waiting))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                sink = self._sinks.popleft()
                if isinstance(reply, ErrorReply) and str(reply).startswith(_LEAVE):
                    sink(reply)
                    self.abort()
                    return
                sink(reply)
        except (_ProtocolFault, IndexError):
            _log.warning("the meter's Redis sent what is no reply; the connection is closed")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def abort(self) -> None:
        """Close at once; whoever waits hears of it now. Safe to repeat."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def _end(self) -> None:
        self.closed.set()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        sinks, self._sinks = self._sinks, deque()
        for sink in sinks:
            sink(LinkDown(sent=True))

    def _look(self) -> None:
        """No reply for too long, though one is due: the server hangs, or the way to it is gone."""
        self._watch = None
        if not self._sinks:
            return
        quiet = self._loop.time() - self._heard
        if quiet >= self._timeout:
            _log.warning("the meter's Redis does not answer; the connection is closed", extra={"seconds": quiet})
            self.abort()
        else:
            self._watch = self._loop.call_later(self._timeout - quiet, self._look)
