"""Verdicts between gateways, over one Redis stream, within a second. Every gateway decides alone when Redis is away.

An entry of the stream `keys.VERDICTS` has one field, `verdict`: a `SharedVerdict` as JSON. The operator reads the same
stream for the status of each UpstreamKey. An open breaker and what is found of a base URL are told, for that status,
but not taken over by other gateways: they may tell of one pod's own network.
"""

import asyncio
import hashlib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from havuz_contract import keys
from havuz_gateway.pool.pool import Pool, connection
from havuz_gateway.pool.types import Member, Ruling
from havuz_gateway.pool.verdict import Scope

USABLE = "Usable"
_FIELD = "verdict"
_WAITING_MAX = 1_000  # rulings kept while Redis is away; the oldest go first
_BLOCK_MILLISECONDS = 4_000  # shorter than any usual socket timeout
_FIRST_PAUSE_SECONDS = 0.2
_LAST_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class SharedVerdict(BaseModel):
    """What one gateway found. `model` None means the whole key; `state` `Usable` takes back what was said before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gateway: str
    upstream: str  # uid
    name: str  # namespace/name
    connection: str  # of which address and credential: a new credential is not judged by the old one's faults
    scope: str  # key | key-model | upstream: its base URL, and so each key that calls it
    model: str | None = None  # the upstream model, for scope key-model
    state: str  # CoolingDown | Exhausted | Rejected | Open | Unreachable | ModelMissing | Usable
    until: float  # unix seconds
    reason: str = ""
    status: int | None = None  # the provider's HTTP status
    message: str = ""


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
        self._pool = pool
        self._gateway_id = gateway_id
        self._now = now
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311 (spreads reconnects)
        self._waiting: deque[SharedVerdict] = deque(maxlen=_WAITING_MAX)
        self._wake = asyncio.Event()
        # Others' verdicts in force, for members whose configuration arrives later than the verdict on them.
        self._heard: dict[tuple[str, str, str | None, str], SharedVerdict] = {}
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
        self._forget(member.upstream.uid)
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
        self._waiting.append(
            SharedVerdict(
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
        )
        self._wake.set()

    async def _send(self) -> None:
        """Send what waits, all of it in one round trip."""
        if not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        batch = [entry for entry in self._waiting if entry.until >= self._wall() or entry.state == USABLE]
        taken = len(self._waiting)
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in batch:
                text = entry.model_dump_json()
                pipe.xadd(keys.VERDICTS, {_FIELD: text}, maxlen=keys.VERDICTS_KEPT, approximate=True)
            await pipe.execute()
        for _ in range(min(taken, len(self._waiting))):
            self._waiting.popleft()

    async def catch_up(self) -> list[SharedVerdict]:
        """Apply what was said in the recent past, by this gateway too, which forgets when it is started again.

        Returns it, the oldest first. Raises `redis.RedisError`.
        """
        recent: Any = await self._redis.xrevrange(keys.VERDICTS, count=keys.VERDICTS_KEPT)
        heard = [self._hear(fields, own=True) for _, fields in reversed(recent)]
        self._last_id = recent[0][0] if recent else b"0"
        return [said for said in heard if said is not None]

    async def _follow(self) -> None:
        """Read on from where it stopped; at the start, from the recent past."""
        if self._last_id is None:
            await self.catch_up()
        last = self._last_id or b"0"
        answer: Any = await self._redis.xread({keys.VERDICTS: last}, block=_BLOCK_MILLISECONDS)
        for _, entries in answer or ():
            for self._last_id, fields in entries:
                self._hear(fields, own=False)

    def _hear(self, fields: dict[bytes, bytes], *, own: bool) -> SharedVerdict | None:
        """Read one entry and take note of it. `own`: also one by this gateway, from before it was started again."""
        try:
            said = SharedVerdict.model_validate_json(fields[_FIELD.encode()])
        except (KeyError, ValidationError):
            _log.warning("a shared verdict could not be read and is ignored", extra={"stream": keys.VERDICTS})
            return None
        if said.scope != Scope.UPSTREAM and (own or said.gateway != self._gateway_id):
            self._note(said)
        return said

    def _note(self, said: SharedVerdict) -> None:
        """Apply a verdict, and remember it for a member that is yet to come."""
        self._prune()
        member = self._pool.members.get(said.upstream)
        if said.state == USABLE:
            self._forget(said.upstream)
            if member is not None and said.connection == tag_of(member):
                member.health.restore(self._now())
            return
        self._heard[said.upstream, said.connection, said.model, said.state] = said
        if member is not None:
            self._apply(said, member)

    def _apply(self, said: SharedVerdict, member: Member) -> None:
        if said.connection == tag_of(member):
            now = self._now()
            member.health.impose(said.state, said.model, now + said.until - self._wall(), now)

    def _apply_heard(self, member: Member) -> None:
        for said in self._heard.values():
            if said.upstream == member.upstream.uid:
                self._apply(said, member)

    def _forget(self, uid: str) -> None:
        """A probe passed: what was heard of a refused key is over. Other findings stay, as they do on the member."""
        gone = [key for key in self._heard if key[0] == uid and key[3] == "Rejected"]
        for key in gone:
            del self._heard[key]

    def _prune(self) -> None:
        wall = self._wall()
        if len(self._heard) >= keys.VERDICTS_KEPT:
            self._heard = {key: said for key, said in self._heard.items() if said.until > wall}

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
