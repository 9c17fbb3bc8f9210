"""Reading what is in force of the gateways' verdicts: once at the start, and where the stream of them has a gap."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from havuz_contract import keys

FIRST = b"0"  # the id before all entries


async def in_force(redis: Redis) -> tuple[bytes, list[bytes]]:
    """The id of the last entry of the stream, after which to read on, and the verdicts in force as JSON.

    Some may have ended since they were told. Raises `redis.RedisError`.
    """
    newest: Any = await redis.xrevrange(keys.VERDICTS, count=1)  # before the rest, so that nothing falls in between
    told: Any = await redis.hgetall(keys.VERDICTS_IN_FORCE)
    return (newest[0][0] if newest else FIRST), list(told.values())


def is_gap(fields: Mapping[bytes, bytes], last: bytes) -> bool:
    """Whether entries between the one with the id `last` and this one were trimmed, or lost with a server."""
    return fields.get(b"after", last) != last
