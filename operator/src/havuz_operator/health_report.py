"""Health of the upstream keys, as the gateways tell each other: what of it belongs into an UpstreamKey's status.

Every verdict ends by itself, and an object is not written more often than every few seconds, whatever the gateways say.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.v1alpha1.conditions import Condition, Reason
from havuz_operator.conditions import timestamp
from havuz_operator.stream import read_after

_log = logging.getLogger(__name__)

_BLOCK_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_QUIET_SECONDS = 3.0
# The states that a status shows, the one that outlasts others first. What a key lacks for one model is not among them.
_STATES = ("Rejected", "Exhausted", "Open", "CoolingDown")
_LONGEST_ERROR = 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry of the stream: a state of a key (for one model, or None for all) until a moment (unix seconds).

    `connection` stands for the address and credential that it is about.
    """

    uid: str
    connection: str
    state: str
    model: str | None
    until: float
    message: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the status says of a key. `until` is unix seconds."""

    state: str = "Usable"
    until: float | None = None
    message: str = ""

    def condition(self) -> Condition:
        """The condition Usable."""
        if self.state == "Usable":
            return Condition("Usable", "True", "Usable", "The provider takes the key.")
        return Condition("Usable", "False", cast("Reason", self.state), self.message)


USABLE = Shown()


@dataclass(slots=True)
class _Key:
    connection: str = ""
    blocks: dict[str | None, Verdict] = field(default_factory=dict)
    last_error: str | None = None
    shown: Shown = USABLE
    shown_at: float = float("-inf")


class HealthBook:
    """What is known of every key. No I/O and no clock: `now` is unix seconds."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._connections: dict[str, object] = {}

    def hear(self, verdict: Verdict) -> None:
        """Take in one verdict; the state `Usable` ends those before it."""
        known = self._keys.setdefault(verdict.uid, _Key())
        if known.connection != verdict.connection:
            known.connection, known.blocks = verdict.connection, {}
        if verdict.state == "Usable":
            known.blocks = {} if verdict.model is None else {**known.blocks}
            known.blocks.pop(verdict.model, None)
            return
        known.last_error = verdict.message[:_LONGEST_ERROR] or known.last_error
        if verdict.state in _STATES:
            known.blocks[verdict.model] = verdict

    def connect(self, uid: str, connection: object) -> None:
        """Say where and with which credential a key is called now: a change of that makes verdicts void."""
        before = self._connections.get(uid)
        self._connections[uid] = connection
        if before is not None and before != connection and uid in self._keys:
            self._keys[uid].blocks = {}

    def look(self, uid: str, now: float) -> tuple[Shown, str | None]:
        """What to show of a key, and the last error. What was shown a moment ago stays for a while."""
        known = self._keys.get(uid)
        if known is None:
            return USABLE, None
        current = _worst(known.blocks, now)
        if current != known.shown and now - known.shown_at >= _QUIET_SECONDS:
            known.shown, known.shown_at = current, now
        return known.shown, known.last_error

    def next_change(self, now: float) -> float | None:
        """When `look` will say something else by the passing of time alone."""
        moments: list[float] = []
        for known in self._keys.values():
            if _worst(known.blocks, now) != known.shown:
                moments.append(max(now, known.shown_at + _QUIET_SECONDS))
            moments.extend(block.until for block in known.blocks.values() if block.until > now)
        return min(moments, default=None)


def _worst(blocks: Mapping[str | None, Verdict], now: float) -> Shown:
    in_force = [block for block in blocks.values() if block.until > now]
    if not in_force:
        return USABLE
    worst = min(in_force, key=lambda block: (_STATES.index(block.state), -block.until))
    about = f"For model {worst.model!r}: " if worst.model else ""
    return Shown(worst.state, worst.until, f"{about}{worst.message or worst.state}")


def fields(shown: Shown, last_error: str | None) -> dict[str, Any]:
    """The status fields of a key in the pool."""
    until = timestamp(datetime.fromtimestamp(shown.until, UTC)) if shown.until is not None else None
    return {"state": shown.state, "until": until, "lastError": last_error}


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
                entries = await read_after(self._redis, keys.VERDICTS, last=last, seconds=_BLOCK_SECONDS)
                for _, entry in entries:
                    self._hear(entry)
                if entries:
                    last = entries[-1][0]
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
        )
    except (ValueError, KeyError, TypeError):
        _log.warning("a verdict is not readable; it is left out")
        return None
