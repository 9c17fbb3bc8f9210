"""Limits of upstream keys, of the whole fleet: a place is claimed for each attempt, and given back after it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from havuz_contract import keys
from havuz_contract.snapshot.models import Limits, Upstream
from havuz_gateway.metering.link import Calls, packed_parts
from havuz_gateway.metering.meter import Claim, LimitReached
from havuz_gateway.metering.scripts import CLAIM, UNCLAIM

_MINUTE = 60.0
_DAY = 86_400.0
_LOOK_AGAIN = 0.25  # a place is free when an attempt ends, which nobody can foretell


class UpstreamLimits:
    """Claims and their return. `wall` gives unix seconds, `clock` unix milliseconds for the scripts or '0'."""

    def __init__(self, link: Calls, *, wall: Callable[[], float], clock: Callable[[], str]) -> None:
        self._link = link
        self._wall = wall
        self._clock = clock

    async def claim(
        self, upstream: Upstream, *, attempt_id: str, tokens: int, ceiling: int, lifetime: float
    ) -> Claim | LimitReached | None:
        """Take a place, or learn for how long there is none. None: there are no limits, or nobody to ask.

        Without Redis each gateway goes on alone: a provider's own limit then speaks for itself.
        """
        limits = upstream.limits
        if not _any(limits) or not self._link.up:
            return None
        day = f"{datetime.fromtimestamp(self._wall(), UTC):%Y%m%d}"
        claim = Claim(id=attempt_id, upstream=upstream, tokens=tokens, ceiling=ceiling, day=day)
        names = _names(upstream.uid, day)
        body = packed_parts(
            *names, self._clock(), *map(_text, (limits.requests_per_minute, limits.tokens_per_minute,
                                                limits.concurrency, limits.spend_per_day)),
            attempt_id, tokens, ceiling, int(lifetime * 1000),
        )  # fmt: skip
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def heard(reply: Any) -> None:
            if not answer.done():
                answer.set_result(reply)
            elif not isinstance(reply, Exception) and reply[0] == b"ok":
                self.unclaim(claim, tokens=0, cost=0)  # nobody waits for it any more

        CLAIM.submit(self._link, CLAIM.head(len(names), 9) + body, heard)
        reply = await answer
        if isinstance(reply, Exception):
            return claim if getattr(reply, "sent", False) else None
        if reply[0] == b"ok":
            return claim
        return LimitReached(limit=reply[0].decode(), wait=int(reply[1]) / 1000)

    def unclaim(self, claim: Claim, *, tokens: int, cost: int) -> None:
        """Give a place back. While Redis is away it ends by itself, when the claim's lifetime does."""
        names = _names(claim.upstream.uid, claim.day)
        limit = _text(claim.upstream.limits.tokens_per_minute)
        body = packed_parts(*names, claim.id, limit, claim.tokens, tokens, claim.ceiling, cost)
        UNCLAIM.submit(self._link, UNCLAIM.head(len(names), 6) + body, _ignore)


async def reached(redis: Redis, upstream: Upstream, *, now: float) -> LimitReached | None:
    """The limit for which a claim of one token would be refused at `now` (unix seconds), or None.

    Claims nothing; the rule is that of `claim.lua`. Raises `redis.RedisError`.
    """
    limits = upstream.limits
    day = f"{datetime.fromtimestamp(now, UTC):%Y%m%d}"
    rates, leases, spend = _names(upstream.uid, day)
    if (wait := await _wait(redis, rates, "r", limits.requests_per_minute, now)) > 0:
        return LimitReached("requests", wait)
    if (wait := await _wait(redis, rates, "t", limits.tokens_per_minute, now)) > 0:
        return LimitReached("tokens", wait)
    if limits.concurrency is not None and await redis.zcount(leases, now * 1000, "+inf") >= limits.concurrency:
        return LimitReached("concurrency", _LOOK_AGAIN)
    spent = 0 if limits.spend_per_day is None else int(await redis.hget(spend, "spent") or 0)
    if limits.spend_per_day is not None and spent >= limits.spend_per_day:
        return LimitReached("spend", _DAY - now % _DAY)
    return None


async def _wait(redis: Redis, rates: str, field: str, limit: int | None, now: float) -> float:
    """Seconds until a rate has room for one more, by the arrival time that is kept in milliseconds."""
    if limit is None:
        return 0.0
    arrival = max(float(await redis.hget(rates, field) or 0) / 1000, now)
    return arrival + _MINUTE / limit - now - _MINUTE


def _ignore(_: Any) -> None:
    """Nothing depends on this reply."""


def _names(uid: str, day: str) -> tuple[str, str, str]:
    return keys.upstream_rates(uid), keys.upstream_leases(uid), keys.upstream_spend(uid, day)


def _any(limits: Limits) -> bool:
    return any((limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency, limits.spend_per_day))


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)
