"""The meter's way to a Redis Cluster: a link to each primary, and each call to the one that holds its keys.

Every call names keys of one hash tag only, so its first key says where it goes. A node that is away stops the calls
of its own projects, and no others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from redis.crc import key_slot

from havuz_contract.cluster import Host
from havuz_gateway.metering.link import Address, Calls, ErrorReply, Link, LinkDown, Sink, packed

_log = logging.getLogger(__name__)
_ASKING = packed("ASKING")
_KEY = b"\r\nhavuz:{"  # how the first key of a call begins, and nothing before it
_MOST_HOPS = 20  # half a second of a slot that is just being moved
_TRY_AGAIN_SECONDS = 0.05
_LOOK_SECONDS = 0.25  # between two looks at the topology, while something is wrong
_IDLE_SECONDS = 1.0

Discover = Callable[[], Awaitable[Mapping[Host, Sequence[int]]]]
"""Finds the primaries, each with its slots. Raises `OSError`."""


class ClusterLink(Calls):
    """Owns a link for each primary. `discover` is asked at first, and whenever calls go wrong."""

    def __init__(
        self, discover: Discover, address: Callable[[Host], Address], *, greeting: Sequence[bytes], timeout: float
    ) -> None:
        super().__init__()
        self._discover = discover
        self._address = address
        self._greeting = greeting
        self._timeout = timeout
        self._links: dict[Host, Link] = {}
        self._tasks: dict[Host, asyncio.Task[None]] = {}
        self._slots: dict[int, Host] = {}
        self._look = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether any node answers: the calls to another one end with `LinkDown`."""
        return any(link.up for link in self._links.values())

    def submit(self, command: bytes, sink: Sink) -> None:
        """Send to the node that holds the first key."""
        self._send(command, sink, hops=0)

    async def run(self) -> None:
        """Stay connected to every primary."""
        told = False
        async with asyncio.TaskGroup() as group:
            while True:
                self._look.clear()
                try:
                    self._arrange(await self._discover(), group)
                    told = False
                except OSError as error:
                    if not told:
                        _log.warning("the meter's Redis Cluster can't be looked at", extra={"error": str(error)})
                        told = True
                await self._first_connections()
                await asyncio.sleep(_LOOK_SECONDS)
                await self._trouble()

    def _arrange(self, primaries: Mapping[Host, Sequence[int]], group: asyncio.TaskGroup) -> None:
        for host in self._links.keys() - primaries.keys():
            self._tasks.pop(host).cancel()
            del self._links[host]
        for host in primaries.keys() - self._links.keys():
            link = Link(self._locate(host), greeting=self._greeting, timeout=self._timeout)
            link.on_up.append(self._one_is_up)
            self._links[host] = link
            self._tasks[host] = group.create_task(link.run(), name=f"meter-link {host[0]}:{host[1]}")
        self._slots = {slot: host for host, slots in primaries.items() for slot in slots}

    def _locate(self, host: Host) -> Callable[[], Awaitable[Address]]:
        async def locate() -> Address:
            return self._address(host)

        return locate

    async def _first_connections(self) -> None:
        if not self.tried.is_set():
            for link in self._links.values():
                await link.tried.wait()
            self.tried.set()

    async def _trouble(self) -> None:
        """Return once calls have gone wrong, or nothing is connected at all."""
        while not self._look.is_set():
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._look.wait()
            except TimeoutError:
                if not self.up:
                    return

    def _one_is_up(self) -> None:
        for tell in self.on_up:
            tell()

    def _send(self, command: bytes, sink: Sink, *, hops: int) -> None:
        host = self._slots.get(_slot_of(command))
        self._send_to(host, command, sink, hops=hops)

    def _send_to(self, host: Host | None, command: bytes, sink: Sink, *, hops: int, asking: bool = False) -> None:
        link = self._links.get(host) if host is not None else None
        if link is None:
            self._look.set()
            asyncio.get_running_loop().call_soon(sink, LinkDown(sent=False))
            return

        def heard(reply: object) -> None:
            if isinstance(reply, LinkDown | ErrorReply):
                self._went_wrong(reply, command, sink, hops=hops)
            else:
                sink(reply)

        if asking:
            link.submit(_ASKING, _ignore)
        link.submit(command, heard)

    def _went_wrong(self, reply: LinkDown | ErrorReply, command: bytes, sink: Sink, *, hops: int) -> None:
        """Follow a redirection, which says that nothing was done yet; anything else is for the caller."""
        word, _, rest = str(reply).partition(" ")
        redirected = isinstance(reply, ErrorReply) and hops < _MOST_HOPS
        if isinstance(reply, LinkDown) or word in ("MOVED", "CLUSTERDOWN", "READONLY"):
            self._look.set()
        match word:
            case "MOVED" | "ASK" if redirected:
                self._send_to(_host_in(rest), command, sink, hops=hops + 1, asking=word == "ASK")
            case "TRYAGAIN" if redirected:
                loop = asyncio.get_running_loop()
                loop.call_later(_TRY_AGAIN_SECONDS, lambda: self._send(command, sink, hops=hops + 1))
            case _:
                sink(reply)


def _slot_of(command: bytes) -> int:
    start = command.index(_KEY) + 2
    return key_slot(command[start : command.index(b"\r\n", start)])


def _host_in(redirection: str) -> Host:
    """The node of `<slot> <host>:<port>`."""
    host, _, port = redirection.rpartition(" ")[2].rpartition(":")
    return host, int(port)


def _ignore(_: object) -> None:
    """Nothing depends on this reply."""
