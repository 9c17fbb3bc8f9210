"""Files that are kept for some days in an object store, under names that nobody guesses."""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from havuz_gateway.errors import GatewayError, ServiceUnavailable
from havuz_gateway.files.contents import Content, Range
from havuz_gateway.files.names import RANDOM_BYTES, FileName, day_of
from havuz_gateway.transport.media_types import LOOK_BYTES, sniff

if TYPE_CHECKING:  # its clients take several MiB, which a gateway without a store does without
    from havuz_gateway.files.bucket import Bucket

_log = logging.getLogger(__name__)
_SWEEP_SECONDS = 3600.0


class ObjectStore:
    """Keeps files for `days` and at most a day longer. `store` None: none is set, and nothing can be kept.

    `run` deletes what has expired, until cancelled; several processes may do so at a time.
    """

    def __init__(
        self,
        store: "Bucket | None",
        *,
        days: int,
        max_bytes: int,
        wall: Callable[[], float],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._days = days
        self._max_bytes = max_bytes
        self._wall = wall
        self._random = random

    @property
    def is_set(self) -> bool:
        """Whether anything can be kept."""
        return self._store is not None

    async def put(self, body: bytes) -> FileName:
        """Keep a picture or sound, of the type that its bytes say. Raises `ServiceUnavailable` and `GatewayError`."""
        kind = sniff(body[:LOOK_BYTES])
        if kind is None:
            raise GatewayError("what the model made is neither a picture nor a sound that is known, and can't be kept")
        if len(body) > self._max_bytes:
            raise GatewayError(f"what the model made has {len(body)} bytes: {self._max_bytes} at most are kept")
        store = self._opened()
        name = FileName.make(kind, now=self._wall(), days=self._days, random=self._random(RANDOM_BYTES))
        await store.put(name.path, body, kind)
        return name

    async def open(self, name: FileName, wanted: Range | None = None) -> Content:
        """A file, or a part of it. Raises `NotFound`, `ServiceUnavailable` and `RangeOutside`."""
        return await self._opened().open(name.path, wanted)

    async def sweep(self) -> int:
        """Delete what has expired; returns how many files that were."""
        store = self._opened()
        today = day_of(datetime.fromtimestamp(self._wall(), UTC))
        deleted = 0
        for day in await store.folders():
            if len(day) == len(today) and day.isdigit() and day < today:  # else not yet, or nothing of ours
                deleted += await store.delete_all(day)
        return deleted

    async def run(self) -> None:
        """Sweep every hour. A store that can't be reached is asked again in an hour."""
        while self._store is not None:
            try:
                deleted = await self.sweep()
            except ServiceUnavailable as error:
                _log.warning("expired files can't be deleted", extra={"error": error.message})
            else:
                if deleted:
                    _log.info("expired files were deleted", extra={"files": deleted})
            await asyncio.sleep(_SWEEP_SECONDS)

    def _opened(self) -> "Bucket":
        if self._store is None:
            raise ServiceUnavailable("no object store is set, so that no file can be kept: set HAVUZ_OBJECT_STORE")
        return self._store
