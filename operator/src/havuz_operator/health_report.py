"""Health of the upstream keys, as the gateways tell each other: followed into the book that statuses are made of."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.verdicts import in_force, is_gap
from havuz_operator.health_book import HealthBook, Verdict
from havuz_operator.stream import read_after

_log = logging.getLogger(__name__)

_BLOCK_SECONDS = 5.0
_RETRY_SECONDS = 0.5


class HealthReport:
    """Follows the stream of verdicts into a book; `on_change` is called after each."""

    def __init__(self, client: Redis, *, on_change: Callable[[], None]) -> None:
        self.book = HealthBook()
        self._redis = client
        self._on_change = on_change

    async def run(self) -> None:
        """Follow until cancelled, beginning with what is in force; again where entries were missed."""
        last: bytes | None = None
        while True:
            try:
                last = await self._start() if last is None else await self._read_on(last)
            except (redis.RedisError, OSError) as error:
                _log.warning("verdicts can't be read from Redis; trying again", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)

    async def _start(self) -> bytes:
        """Returns the id to read on after."""
        last, told = await in_force(self._redis)
        self.book.start_over()
        for verdict in told:
            self._hear({b"verdict": verdict})
        self.book.fed = True
        self._on_change()
        return last

    async def _read_on(self, last: bytes) -> bytes | None:
        """Returns the id of the last entry, None where some before it are not there any more."""
        entries = await read_after(self._redis, keys.VERDICTS, last=last, seconds=_BLOCK_SECONDS)
        for entry_id, entry in entries:
            if is_gap(entry, last):
                return None
            self._hear(entry)
            last = entry_id
        if entries:
            self._on_change()
        return last

    def _hear(self, entry: Mapping[bytes, bytes]) -> None:
        verdict = decode(entry)
        if verdict is not None:
            self.book.hear(verdict)


def decode(entry: Mapping[bytes, bytes]) -> Verdict | None:
    """One entry of the stream; None when it is not readable, such as one of a newer gateway."""
    try:
        told = json.loads(entry[b"verdict"])
        return Verdict(
            uid=told["upstream"],
            connection=str(told.get("connection", "")),
            state=told["state"],
            model=told.get("model") if told.get("scope") == "key-model" else None,
            until=float(told.get("until") or 0.0),
            message=str(told.get("message") or ""),
            scope=str(told.get("scope") or "key"),
            reason=str(told.get("reason") or ""),
            status=int(told["status"]) if told.get("status") else None,
        )
    except (ValueError, KeyError, TypeError):
        _log.warning("a verdict is not readable; it is left out")
        return None
