"""From a host's name to addresses, kept for a while, so that calls do not wait for a name server."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Address = tuple[int, int, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` gives it."""

LookUp = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host and port. Raises `OSError` and `UnicodeError`."""

FRESH_SECONDS = 30.0
STALE_SECONDS = 300.0
"""How long an answer is used further while no name server gives a new one."""

_LOOKUP_SECONDS = 5.0
_REFRESH_SECONDS = 0.5  # that a new answer is waited for where there is an old one; it may come later, too


class Names:
    """Looks names up, each at most once at a time. `now` is the event loop's clock."""

    def __init__(self, *, now: Callable[[], float], look_up: LookUp | None = None) -> None:
        self._now = now
        self._look_up = look_up or _by_the_system
        self._known: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self._asking: dict[tuple[str, int], asyncio.Task[list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a host, begun at another one each time. Raises `OSError` and `UnicodeError`."""
        number = _as_number(host, port)
        if number is not None:
            return [number]
        place = host, port
        known = self._known.get(place)
        age = float("inf") if known is None else self._now() - known[0]
        if known is not None and age <= FRESH_SECONDS:
            found = known[1]
        elif known is not None and age <= STALE_SECONDS:
            try:
                found = await self._ask(place, _REFRESH_SECONDS)
            except (OSError, UnicodeError):
                found = known[1]
        else:
            found = await self._ask(place, _LOOKUP_SECONDS)
        found.append(found.pop(0))
        return tuple(found)

    async def close(self) -> None:
        """End look-ups that nobody waits for any more."""
        asking, self._asking = list(self._asking.values()), {}
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, place: tuple[str, int], seconds: float) -> list[Address]:
        task = self._asking.get(place)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._answer(place), name=f"look up {place[0]}")
            self._asking[place] = task
            task.add_done_callback(lambda done: self._answered(place, done))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            raise OSError(f"no name server answered within {seconds:g} seconds") from None

    async def _answer(self, place: tuple[str, int]) -> list[Address]:
        return list(await self._look_up(*place))

    def _answered(self, place: tuple[str, int], task: "asyncio.Task[list[Address]]") -> None:
        self._asking.pop(place, None)
        if not task.cancelled() and task.exception() is None:
            self._known[place] = self._now(), task.result()


async def _by_the_system(host: str, port: int) -> Sequence[Address]:
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _as_number(host: str, port: int) -> Address | None:
    """The address that a host is where it is none of a name."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return None
    if number.version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)
