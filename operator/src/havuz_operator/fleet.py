"""The fleet: which gateways are alive, and which revision each of them runs."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import redis
from redis.asyncio import Redis

from havuz_contract import keys
from havuz_operator.stream import newest_id, read_after

_log = logging.getLogger(__name__)

_REFRESH_SECONDS = 1.0
_RETRY_SECONDS = 0.5
# A report this old at first sight is of a gateway that died while nobody looked, whatever the clocks say.
_STALE_AT_FIRST_SIGHT_SECONDS = 60.0
_FORGET_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Report:
    """What one gateway said last: its revision, its own time of saying so, and when that reached us (monotonic)."""

    revision: int
    said_at: float
    heard_at: float


@dataclass(slots=True)
class Roster:
    """The reports of all gateways. No I/O and no clock; gateways' clocks need not agree with ours."""

    reports: dict[str, Report] = field(default_factory=dict)

    def hear(self, said: Mapping[str, tuple[int, float]], *, now: float, wall: float) -> None:
        """Take in what Redis holds: gateway to (revision, when it said so). `now` is monotonic, `wall` unix seconds."""
        known, self.reports = self.reports, {}
        for gateway, (revision, said_at) in said.items():
            before = known.get(gateway)
            if before is None:
                stale = wall - said_at > _STALE_AT_FIRST_SIGHT_SECONDS
                heard_at = now - (_FORGET_SECONDS if stale else 0)
            else:
                heard_at = before.heard_at if before.said_at == said_at else now
            self.reports[gateway] = Report(revision, said_at, heard_at)

    def excuse(self, now: float) -> None:
        """Nobody could be heard for a while: whoever was alive before gets its full time anew."""
        self.reports = {
            gateway: replace(report, heard_at=now) if self._alive(report, now) else report
            for gateway, report in self.reports.items()
        }

    def revisions(self, now: float) -> dict[str, int]:
        """The revision of every live gateway."""
        return {gateway: one.revision for gateway, one in self.reports.items() if self._alive(one, now)}

    def gone(self, now: float) -> list[str]:
        """Gateways that have been silent for so long that their entries can go."""
        return [gateway for gateway, one in self.reports.items() if now - one.heard_at >= _FORGET_SECONDS]

    @staticmethod
    def _alive(report: Report, now: float) -> bool:
        return now - report.heard_at < keys.FLEET_LOST_AFTER_SECONDS


class Fleet:
    """Follows the gateways. `on_change` is called when a gateway comes, goes, or runs another revision.

    `revisions` is what is known at the moment; `found` is the revision that Redis holds. While Redis is away both stay.
    """

    def __init__(
        self,
        client: Redis,
        *,
        on_change: Callable[[], None],
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.revisions: Mapping[str, int] = {}
        self.found: int | None = None
        self._redis = client
        self._roster = Roster()
        self._on_change = on_change
        self._monotonic = monotonic
        self._wall = wall
        self._changed = asyncio.Condition()

    def loaded(self, revision: int) -> int:
        """How many live gateways run `revision` or a later one."""
        return sum(1 for running in self.revisions.values() if running >= revision)

    async def wait_loaded(self, revision: int, *, seconds: float) -> None:
        """Return once every live gateway runs `revision`, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.loaded(revision) == len(self.revisions))
        except TimeoutError:
            return

    async def run(self) -> None:
        """Follow the gateways until cancelled; the loss of Redis changes nothing that is known."""
        while True:
            try:
                await self._follow()
            except (redis.RedisError, OSError) as error:
                _log.warning("the fleet can't be read from Redis; trying again", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)
                self._roster.excuse(self._monotonic())

    async def _follow(self) -> None:
        last = await newest_id(self._redis, keys.ACKS)
        while True:
            await self._refresh()
            entries = await read_after(self._redis, keys.ACKS, last=last, seconds=_REFRESH_SECONDS)
            if entries:
                last = entries[-1][0]

    async def _refresh(self) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.FLEET)
            pipe.zrange(keys.FLEET_SEEN, 0, -1, withscores=True)
            pipe.hget(keys.META, "revision")
            reports, seen, revision = await pipe.execute()
        now = self._monotonic()
        self._roster.hear(_said(reports, seen), now=now, wall=self._wall())
        await self._forget(self._roster.gone(now))
        await self._settle(self._roster.revisions(now), int(revision or 0))

    async def _settle(self, revisions: Mapping[str, int], found: int) -> None:
        if (revisions, found) == (self.revisions, self.found):
            return
        async with self._changed:
            self.revisions, self.found = revisions, found
            self._changed.notify_all()
        self._on_change()

    async def _forget(self, gateways: list[str]) -> None:
        if gateways:
            await self._redis.hdel(keys.FLEET, *gateways)
            await self._redis.zrem(keys.FLEET_SEEN, *gateways)


def _said(reports: Mapping[bytes, bytes], seen: list[tuple[bytes, float]]) -> dict[str, tuple[int, float]]:
    times = dict(seen)
    said: dict[str, tuple[int, float]] = {}
    for name, text in reports.items():
        try:
            said[name.decode()] = (int(json.loads(text)["revision"]), float(times.get(name, 0.0)))
        except (ValueError, KeyError, TypeError):
            _log.warning("a gateway's report is not readable", extra={"gateway": name.decode(errors="replace")})
    return said
