"""Verdicts between gateways, over one Redis stream, within a second. Every gateway decides alone when Redis is away.

An entry of the stream `keys.VERDICTS` has a `verdict`: a `SharedVerdict` as JSON. The operator reads the same stream
for the status of each UpstreamKey. An open breaker and what is found of a base URL are told, for that status, but not
taken over by other gateways: they may tell of one pod's own network.

What many gateways find out at the same time is told once: nobody tells what it has heard, and one script lets only the
first of several tell the same. What is in force stands beside the stream, for whoever starts or has missed entries.
"""

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from havuz_contract import keys, verdicts
from havuz_gateway.pool.bulletin import FIELD, USABLE, Bulletin, SharedVerdict
from havuz_gateway.pool.heard import Heard
from havuz_gateway.pool.pool import Pool, connection
from havuz_gateway.pool.types import Member, Ruling
from havuz_gateway.pool.verdict import Scope

_WAITING_MAX = 1_000  # findings kept while Redis is away; the oldest go first
_BATCH = 100  # told in one call
_BLOCK_MILLISECONDS = 4_000  # shorter than any usual socket timeout
_FIRST_PAUSE_SECONDS = 0.2
_LAST_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Sharing:
    """Tells the pool's rulings to the other gateways and applies theirs. `run` is one task's work, until cancelled."""

    def __init__(
        self,
        redis: Redis,
        pool: Pool,
        gateway_id: str,
        *,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._redis = redis
        self._bulletin = Bulletin(redis)
        self._pool = pool
        self._gateway_id = gateway_id
        self._now = now
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311 (spreads reconnects)
        self._waiting: dict[str, SharedVerdict] = {}  # by subject, the oldest first
        self._wake = asyncio.Event()
        # No news if it is found here too, and not too late for members whose configuration comes after the verdict.
        self._heard = Heard()
        self._last_id: bytes | None = None
        pool.on_ruling.append(self._tell)
        pool.on_lifted.append(self._tell_lifted)
        pool.on_joined.append(self._apply_heard)

    async def run(self) -> None:
        """Send and follow. The loss of Redis is waited out and never raises."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_on(self._send), name="verdicts-send")
            group.create_task(self._keep_on(self._follow), name="verdicts-follow")

    def _tell(self, ruling: Ruling) -> None:
        block, verdict = ruling.block, ruling.verdict
        upstream = ruling.member.upstream
        self._put(
            ruling.member,
            state=block.state,
            scope=ruling.scope,
            model=ruling.model,
            until=self._wall() + block.until - self._now(),
            reason=verdict.reason.value,
            status=verdict.status,
            # a server may repeat the credential it was sent in a form that no pattern knows
            message=verdict.message.replace(upstream.credential, "[…]") if upstream.credential else verdict.message,
        )

    def _tell_lifted(self, member: Member) -> None:
        self._put(member, state=USABLE, until=self._wall())

    def _put(
        self,
        member: Member,
        *,
        state: str,
        until: float,
        scope: Scope = Scope.KEY,
        model: str | None = None,
        reason: str = "",
        status: int | None = None,
        message: str = "",
    ) -> None:
        found = SharedVerdict(
            gateway=self._gateway_id,
            upstream=member.upstream.uid,
            name=member.upstream.name,
            connection=tag_of(member),
            scope=scope.value,
            model=model,
            state=state,
            until=until,
            reason=reason,
            status=status,
            message=message,
        )
        if not self._heard.is_news(found, self._wall()):
            return
        if state == USABLE:
            self._heard.end(found)  # at once: what is found from now on is news, wherever Redis is
        self._waiting.pop(found.subject, None)
        for ended in found.ends:
            self._waiting.pop(ended, None)
        self._waiting[found.subject] = found
        while len(self._waiting) > _WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._wake.set()

    async def _send(self) -> None:
        """Tell what waits, in as few round trips as may be."""
        if not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        waiting = list(self._waiting.values())[:_BATCH]
        news = [found for found in waiting if self._heard.is_news(found, self._wall())]
        if news:
            await self._bulletin.tell(news, self._wall())
        for found in waiting:
            if self._waiting.get(found.subject) is found:
                del self._waiting[found.subject]

    async def catch_up(self) -> list[SharedVerdict]:
        """Apply all that is in force, by this gateway too, which forgets when it is started again.

        Returns it. Raises `redis.RedisError`.
        """
        self._last_id, told = await verdicts.in_force(self._redis)
        self._heard.clear()
        heard = [self._hear({FIELD: text}, own=True) for text in told]
        return [said for said in heard if said is not None]

    async def _follow(self) -> None:
        """Read on from where it stopped; at the start and after a gap, from what is in force."""
        if self._last_id is None:
            await self.catch_up()
        last = self._last_id or verdicts.FIRST
        answer: Any = await self._redis.xread({keys.VERDICTS: last}, block=_BLOCK_MILLISECONDS)
        for _, entries in answer or ():
            for entry_id, fields in entries:
                if verdicts.is_gap(fields, self._last_id or verdicts.FIRST):
                    self._last_id = None
                    return
                self._last_id = entry_id
                self._hear(fields, own=False)

    def _hear(self, fields: dict[bytes, bytes], *, own: bool) -> SharedVerdict | None:
        """Read one entry and take note of it. `own`: also one by this gateway, from before it was started again."""
        try:
            said = SharedVerdict.model_validate_json(fields[FIELD])
        except (KeyError, ValidationError):
            _log.warning("a shared verdict could not be read and is ignored", extra={"stream": keys.VERDICTS})
            return None
        self._note(said, applied=own or said.gateway != self._gateway_id)
        return said

    def _note(self, said: SharedVerdict, *, applied: bool) -> None:
        """Remember a verdict, and apply it where it is another gateway's."""
        self._heard.note(said, self._wall())
        member = self._pool.members.get(said.upstream)
        if member is None or not applied:
            return
        if said.state != USABLE:
            self._apply(said, member)
        elif said.connection == tag_of(member):
            member.health.restore(self._now())

    def _apply(self, said: SharedVerdict, member: Member) -> None:
        if said.connection == tag_of(member) and said.scope != Scope.UPSTREAM:
            now = self._now()
            member.health.impose(said.state, said.model, now + said.until - self._wall(), now)

    def _apply_heard(self, member: Member) -> None:
        for said in self._heard.of(member.upstream.uid):
            self._apply(said, member)

    async def _keep_on(self, work: Callable[[], Awaitable[None]]) -> None:
        pause = _FIRST_PAUSE_SECONDS
        task = asyncio.current_task()
        # Not simply for ever: until Python 3.12 asyncio.wait_for, which the Redis client sends with, may swallow a
        # cancellation (https://github.com/python/cpython/issues/86296).
        while task is None or not task.cancelling():
            try:
                await work()
                pause = _FIRST_PAUSE_SECONDS
            except (RedisError, OSError) as error:
                if pause == _FIRST_PAUSE_SECONDS:  # once for each time that it goes away
                    _log.warning("verdicts are not shared while Redis is away", extra={"error": str(error)})
                await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))
                pause = min(pause * 2, _LAST_PAUSE_SECONDS)


def tag_of(member: Member) -> str:
    """Tells one credential of an upstream from its next one, in too few bits to tell anything of the credential."""
    upstream = member.upstream
    return hashlib.sha256(repr((upstream.uid, connection(upstream))).encode()).hexdigest()[:4]
