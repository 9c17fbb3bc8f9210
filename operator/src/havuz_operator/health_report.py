"""Health of the upstream keys, as the gateways tell each other: followed into the book that statuses are made of."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_operator.health_book import HealthBook, Verdict
from havuz_operator.stream import read_after

_log = logging.getLogger(__name__)

_FIRST_SECONDS = 0.001  # what the stream holds is there at once
_BLOCK_SECONDS = 5.0
_RETRY_SECONDS = 0.5


class HealthReport:
    """Follows the stream of verdicts into a book; `on_change` is called after each."""

    def __init__(self, client: Redis, *, on_change: Callable[[], None]) -> None:
        self.book = HealthBook()
        self._redis = client
        self._on_change = on_change

    async def run(self) -> None:
        """Follow until cancelled, beginning with what the stream still holds."""
        last = b"0"
        while True:
            try:
                seconds = _BLOCK_SECONDS if self.book.fed else _FIRST_SECONDS
                entries = await read_after(self._redis, keys.VERDICTS, last=last, seconds=seconds)
                for _, entry in entries:
                    self._hear(entry)
                last = entries[-1][0] if entries else last
                if entries or not self.book.fed:
                    self.book.fed = True
                    self._on_change()
            except (redis.RedisError, OSError) as error:
                _log.warning("verdicts can't be read from Redis; trying again", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)

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
