"""Configuration from Redis: one consistent load, then the stream of changes, for ever.

Every entry of the stream raises the revision by one, which is how a missed entry, a trimmed stream or a Redis that lost
data is noticed. Whatever happens to Redis, the revision that was served last stays in force.
"""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.models import SCHEMA_VERSION, Snapshot
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.slices import Slices
from havuz_gateway.config.state import Changes, ConfigUnusableError, Decoder, State
from havuz_gateway.config.view import Indexing, View

_log = logging.getLogger(__name__)

_BLOCK_MILLISECONDS = 2_000  # how long one wait for changes lasts before the revision is looked at anyway
_BATCH = 1_000
_CATCH_UP_ROUNDS = 5
_FEW = 1_000  # fields that are asked for one by one; beyond that all of them cost less
_FIRST_BACKOFF_SECONDS = 0.1
_LAST_BACKOFF_SECONDS = 5.0
_POLL_AFTER = 2  # failures; the pause grows no further while Redis answers with nothing usable


class _BehindError(Exception):
    """Following is not possible from here: entries are missing, or Redis holds another history."""


def _nothing(_: Snapshot) -> Iterable[int]:
    return ()


class RedisSource:
    """Keeps the holder at the newest revision. `on_state` hears of each state from Redis that came into force.

    `prepare` does what can be done for a snapshot before it comes into force, step by step; `kept` gives the copy on
    disk, which is served while Redis gives nothing. `now` is monotonic seconds. `problem` is a sentence while nothing
    usable could be loaded, for `/readyz`.
    """

    def __init__(
        self,
        client: Redis,
        decoder: Decoder,
        holder: Holder,
        *,
        kept: Callable[[], Awaitable[State | None]],
        on_state: Callable[[State], None],
        prepare: Callable[[Snapshot], Iterable[int]] = _nothing,
        now: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._redis = client
        self._decoder = decoder
        self._holder = holder
        self._kept = kept
        self._on_state = on_state
        self._prepare = prepare
        self._now = now
        self._rng = rng
        self._state = State()
        self._heard_at: float | None = None
        self.problem = "the configuration has not been loaded yet"

    def age(self) -> float:
        """Seconds since Redis last said that the revision in force is the newest; 0 before it ever did."""
        return self._now() - self._heard_at if self._heard_at is not None else 0.0

    async def run(self) -> None:
        """Load and follow until cancelled. Errors are told to the log once, and tried again with growing pauses."""
        failures = 0
        while True:
            try:
                await self.load()
                failures = 0
                while True:
                    await self._follow()
            except _BehindError as behind:
                _log.warning("loading the whole configuration again", extra={"reason": str(behind)})
                if failures == 0:  # once without a pause
                    failures = 1
                    continue
            except ConfigUnusableError as error:
                await self._fail(str(error), failures)
                failures = min(failures, _POLL_AFTER)  # Redis answers: look often, it costs nothing
            except (redis.RedisError, OSError) as error:
                await self._fail(f"Redis is not reachable: {type(error).__name__}: {error}", failures)
            failures += 1
            pause = min(_LAST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10))
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))

    async def load(self) -> None:
        """Put the newest revision in force. Raises `ConfigUnusableError` and `redis.RedisError`."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for hash_key in wire.HASHES:
                pipe.hgetall(hash_key)
            _ask_position(pipe)
            *hashes, meta, newest = await pipe.execute()
        revision, position = self._position(meta, newest)
        self._heard_at = self._now()
        if revision == self._state.revision and position == self._state.position:
            return
        texts = {hash_key: await _decoded(fields) for hash_key, fields in zip(wire.HASHES, hashes, strict=True)}
        await self._enforce(await self._decoder.whole(texts, self._state, revision=revision, position=position))

    async def _follow(self) -> None:
        """Wait for entries and apply them. Raises `_BehindError` when they do not continue the state held."""
        entries = await self._read(block=_BLOCK_MILLISECONDS)
        if not entries:
            await self._compare()
            return
        named = _Named()
        for _ in range(_CATCH_UP_ROUNDS):
            named.add(entries)
            if sum(map(len, named.uids.values())) > _FEW:
                await self.load()
                return
            changes, meta, newest = await self._fetch(named)
            revision, position = self._position(meta, newest)
            if position == named.position:
                break
            entries = await self._read(block=None, after=named.position)
        else:
            raise _BehindError("changes come faster than they can be followed one by one")
        if revision != self._state.revision + named.count:
            raise _BehindError(f"revision {revision} does not follow {self._state.revision} by {named.count} changes")
        self._heard_at = self._now()
        await self._enforce(await self._decoder.changed(changes, self._state, revision=revision, position=position))

    async def _compare(self) -> None:
        """Nothing came: see whether that is because nothing happened, or because Redis lost what it had."""
        async with self._redis.pipeline(transaction=True) as pipe:
            _ask_position(pipe)
            meta, newest = await pipe.execute()
        revision, position = self._position(meta, newest)
        if revision != self._state.revision or position != self._state.position:
            raise _BehindError(f"Redis is at revision {revision}, this gateway at {self._state.revision}")
        self._heard_at = self._now()

    async def _read(self, *, block: int | None, after: str | None = None) -> list[tuple[bytes, dict[bytes, bytes]]]:
        answer: Any = await self._redis.xread({keys.CHANGES: after or self._state.position}, count=_BATCH, block=block)
        return list(answer[0][1]) if answer else []

    async def _fetch(self, named: "_Named") -> tuple[Changes, dict[bytes, bytes], list[Any]]:
        wanted = {hash_key: sorted(uids) for hash_key, uids in named.uids.items() if uids}
        async with self._redis.pipeline(transaction=True) as pipe:
            for hash_key, uids in wanted.items():
                pipe.hmget(hash_key, uids)
            _ask_position(pipe)
            *hashes, meta, newest = await pipe.execute()
        changes = {
            hash_key: {uid: None if text is None else text.decode() for uid, text in zip(uids, texts, strict=True)}
            for (hash_key, uids), texts in zip(wanted.items(), hashes, strict=True)
        }
        return changes, meta, newest

    def _position(self, meta: dict[bytes, bytes], newest: list[Any]) -> tuple[int, str]:
        """Revision and newest stream entry. Raises `ConfigUnusableError` for what must not replace the state held."""
        revision = int(meta.get(b"revision", 0))
        if revision == 0:
            raise ConfigUnusableError("Redis holds no configuration yet: start the operator, or wait for it to publish")
        schema = meta.get(b"schema_version", b"").decode()
        if schema != str(SCHEMA_VERSION):
            raise ConfigUnusableError(
                f"the configuration in Redis has schema version {schema!r} and this gateway reads {SCHEMA_VERSION}: "
                "run gateways and operator of the same release"
            )
        return revision, newest[0][0].decode() if newest else "0-0"

    async def _enforce(self, state: State, *, kept: bool = False) -> None:
        slices, former = Slices(), list(self._state.all_parts())
        snapshot, before = state.snapshot(), self._holder.view()
        indexing = Indexing(snapshot, before)
        await slices.through(indexing.steps())
        await slices.through(self._prepare(snapshot))
        self._state = state
        self._holder.swap(View(snapshot, state.revision, index=indexing.index))
        self.problem = ""
        _log.info("configuration in force", extra={"revision": state.revision, "from_disk": kept})
        if not kept:
            self._on_state(state)
        del before, indexing
        await slices.let_go(former)

    async def _fail(self, problem: str, failures: int) -> None:
        """Serve the copy on disk where there is nothing better, and say what is wrong: once per outage, then seldom."""
        if not self._holder.loaded.is_set():
            self.problem = problem
            kept = await self._kept() if failures == 0 else None
            if kept is not None:
                await self._enforce(kept, kept=True)
        if failures <= 1 or failures % 20 == 0:
            _log.warning(
                "the configuration can't be followed; what was loaded last stays in force",
                extra={"reason": problem, "revision": self._state.revision},
            )


class _Named:
    """The fields that entries of the stream name, and how far they reach."""

    def __init__(self) -> None:
        self.uids: dict[str, set[str]] = {hash_key: set() for hash_key in wire.HASHES}
        self.count = 0
        self.position = ""

    def add(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        for entry_id, fields in entries:
            self.count += 1
            self.position = entry_id.decode()
            for hash_key, change in json.loads(fields[b"change"]).items():
                if hash_key in self.uids:
                    self.uids[hash_key].update(change.get("set", ()), change.get("del", ()))


async def _decoded(fields: dict[bytes, bytes]) -> dict[str, str]:
    """The fields of a hash as text."""
    texts, slices = dict[str, str](), Slices()
    for uid, text in fields.items():
        texts[uid.decode()] = text.decode()
        await slices.done(1)
    return texts


def _ask_position(pipe: Any) -> None:
    pipe.hgetall(keys.META)
    pipe.xrevrange(keys.CHANGES, count=1)
