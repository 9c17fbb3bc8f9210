"""What this gateway tells the operator: that it lives, and which revision it runs."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.view import View

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


class FleetReport:
    """Reports at once when a new revision is in force, and every `FLEET_HEARTBEAT_SECONDS` that it still is.

    Entry of `ACKS`: `{gateway, revision}`. Field of `FLEET`: JSON `{revision, loadedAt, startedAt}`, unix seconds.
    """

    def __init__(self, client: Redis, holder: Holder, *, gateway_id: str, wall: Callable[[], float]) -> None:
        self._redis = client
        self._holder = holder
        self._gateway_id = gateway_id
        self._wall = wall
        self._started_at = wall()
        self._told = 0
        self._changed = asyncio.Event()
        holder.listen(self._hear)

    def _hear(self, _: View) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Report until cancelled. While Redis is away there is nobody to tell, and nothing is lost by that."""
        await self._holder.loaded.wait()
        while True:
            self._changed.clear()
            try:
                await self._report()
            except (redis.RedisError, OSError) as error:
                _log.debug("the fleet could not be told", extra={"error": type(error).__name__})
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            try:
                async with asyncio.timeout(keys.FLEET_HEARTBEAT_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def leave(self) -> None:
        """Take this gateway off the list: it ends on purpose."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(keys.FLEET, self._gateway_id)
                pipe.zrem(keys.FLEET_SEEN, self._gateway_id)
                await pipe.execute()
        except (redis.RedisError, OSError) as error:
            _log.info("could not leave the fleet; the operator will drop it soon", extra={"error": str(error)})

    async def _report(self) -> None:
        revision = self._holder.view().revision
        report = {"revision": revision, "loadedAt": self._holder.loaded_at, "startedAt": self._started_at}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.FLEET, self._gateway_id, json.dumps(report))
            pipe.zadd(keys.FLEET_SEEN, {self._gateway_id: self._wall()})
            if revision != self._told:
                entry: dict[Any, Any] = {"gateway": self._gateway_id, "revision": str(revision)}
                pipe.xadd(keys.ACKS, entry, maxlen=keys.ACKS_KEPT, approximate=True)
            await pipe.execute()
        self._told = revision
