"""When each key was used last, for people: noted in memory with a request, written once a minute at most per key."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract import keys

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0
_FLUSH_SECONDS = 2.0
_MOST_KNOWN = 100_000
_AT_ONCE = 1_000


class LastUsed:
    """`wall` gives unix seconds. What could not be written while Redis was away is written when it is back."""

    def __init__(self, redis: Redis, *, wall: Callable[[], float], flush_seconds: float = _FLUSH_SECONDS) -> None:
        self._redis: Any = redis  # redis-py types what the same method gives with and without asyncio as one
        self._wall = wall
        self._flush_seconds = flush_seconds
        self._written: dict[str, float] = {}
        self._waiting: dict[tuple[str, str], float] = {}

    def note(self, project_uid: str, key_id: str) -> None:
        """The key was used now. Costs a look into a dictionary, most of the time."""
        now = self._wall()
        if now - self._written.get(key_id, 0.0) < _EVERY_SECONDS:
            return
        if len(self._written) >= _MOST_KNOWN:
            self._written.clear()
        self._written[key_id] = now
        self._waiting[project_uid, key_id] = now

    async def of(self, project_uid: str) -> dict[str, float]:
        """Key ids of a project to when each was used last (unix seconds). Raises `redis.RedisError`."""
        fields = await self._redis.hgetall(keys.last_used(project_uid))
        return {key_id.decode(): float(moment) for key_id, moment in fields.items()}

    async def run(self) -> None:
        """Write what was noted, again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._flush_seconds)
            try:
                await self.flush()
            except (redis.RedisError, OSError) as error:
                _log.debug("last uses of keys wait for Redis", extra={"error": str(error)})

    async def close(self) -> None:
        """Write what waits, if Redis takes it now."""
        try:
            await self.flush()
        except (redis.RedisError, OSError) as error:
            _log.info("last uses of keys were not written", extra={"error": str(error), "keys": len(self._waiting)})

    async def flush(self) -> None:
        """Write what waits. Raises `redis.RedisError`, and it waits on."""
        batch = dict(list(self._waiting.items())[:_AT_ONCE])
        if not batch:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for (project_uid, key_id), moment in batch.items():
                pipe.hset(keys.last_used(project_uid), key_id, f"{moment:.0f}")
                pipe.expire(keys.last_used(project_uid), keys.LAST_USED_SECONDS)
            await pipe.execute()
        for key, moment in batch.items():
            if self._waiting.get(key) == moment:
                del self._waiting[key]
