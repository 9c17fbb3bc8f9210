"""Reading a Redis stream, with the types that its client leaves open."""

from collections.abc import Mapping
from typing import Any, cast

from redis.asyncio import Redis

Entry = tuple[bytes, Mapping[bytes, bytes]]


async def newest_id(client: Redis, stream: str) -> bytes:
    """The id of the last entry, or the one before all entries. Raises `redis.RedisError`."""
    entries = cast("list[Entry]", await client.xrevrange(stream, count=1))
    return entries[0][0] if entries else b"0"


async def read_after(client: Redis, stream: str, *, last: bytes, seconds: float) -> list[Entry]:
    """The entries after `last`, waiting up to `seconds` for one. Raises `redis.RedisError`."""
    answer: Any = await client.xread({stream: last}, block=int(seconds * 1000))
    return [entry for _, entries in answer or () for entry in entries]
