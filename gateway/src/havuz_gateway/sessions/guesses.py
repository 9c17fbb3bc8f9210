"""How often a key may be guessed at the sign-in page: per address, and by everybody together.

Every try is counted before its key is looked at, and taken back when the key was right, so that tries side by side
can't slip through. While Redis is away nobody can be signed in, so nothing has to be counted elsewhere.
"""

import ipaddress
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_gateway.errors import RateLimited, ServiceUnavailable
from havuz_gateway.sessions.tokens import Tokens

_WINDOW_SECONDS = 900
_OF_ONE_ADDRESS = 10
_OF_EVERYBODY = 2_000  # in the window: keys are too long to be guessed, so this bounds noise, not luck
_RETRY_SECONDS = 2.0


class Guesses:
    """Counts failed sign-ins."""

    def __init__(self, client: Redis, tokens: Tokens) -> None:
        self._redis: Any = client  # redis-py types what the same method gives with and without asyncio as one
        self._tokens = tokens

    async def begin(self, address: str) -> None:
        """Count a try from this IP address. Raises `RateLimited` and `ServiceUnavailable`."""
        own, everybody = await self._count(address, 1)
        if own > _OF_ONE_ADDRESS or everybody > _OF_EVERYBODY:
            await self._count(address, -1)  # what is refused unseen is no guess
            raise RateLimited(
                "too many sign-ins have failed: wait a quarter of an hour, then copy the key whole",
                retry_after=_WINDOW_SECONDS,
            )

    async def succeeded(self, address: str) -> None:
        """Take the try back: its key was right."""
        await self._count(address, -1)

    async def _count(self, address: str, by: int) -> tuple[int, int]:
        names = keys.sign_ins_failed(self._tokens.origin(_place(address))), keys.SIGN_INS_FAILED
        pipeline = self._redis.pipeline(transaction=True)
        for name in names:
            pipeline.set(name, 0, ex=_WINDOW_SECONDS, nx=True)
            pipeline.incrby(name, by)
        try:
            _, own, _, everybody = await pipeline.execute()
        except (redis.RedisError, OSError):
            raise ServiceUnavailable(
                "nobody can be signed in at the moment: try again in a few seconds", retry_after=_RETRY_SECONDS
            ) from None
        return own, everybody


def _place(address: str) -> str:
    """The address, or for IPv6 the network that one customer has: https://www.rfc-editor.org/rfc/rfc6177."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return ""  # of a unix socket, or what a proxy wrote: all of them are one place
    if isinstance(read, ipaddress.IPv6Address):
        if read.ipv4_mapped is not None:
            return str(read.ipv4_mapped)
        return str(ipaddress.ip_network((read, 64), strict=False).network_address)
    return str(read)
