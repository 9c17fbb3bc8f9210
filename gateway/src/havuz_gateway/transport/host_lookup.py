"""From the host of a client's URL to addresses, once, and back to a connection that goes to these and no others."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host (a name, or a number in any form). Raises `OSError`."""

_LOOKUPS_AT_ONCE = 8


class SystemResolver:
    """Asks the system's resolver, which also reads numbers such as `127.1` or `0x7f000001`.

    In threads of its own: a name server that does not answer holds one for as long as it likes, and must not hold up
    the look-ups of providers' names.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="names-of-clients")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host. Raises `OSError` and `UnicodeError`."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Pinned(AbstractResolver):
    """Answers with the addresses that were checked, whatever the host's name leads to by now."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses as aiohttp wants them."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def number_of(host: str) -> str | None:
    """The address that a host is where it is none of a name: IPv6, or IPv4 in any form that the C library reads."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
