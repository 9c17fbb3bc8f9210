"""The meter over Redis: reservations before a request, settles after it, and a decision at once while Redis is away."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from havuz_contract import keys
from havuz_contract.background import Background
from havuz_contract.snapshot.models import Upstream
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.answers import rate_headers, refusal
from havuz_gateway.metering.closing import Closing, closing_of
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed, packed_parts
from havuz_gateway.metering.meter import Admission, Admitted, Claim, LimitReached, Meter, Settlement
from havuz_gateway.metering.recent import Recent
from havuz_gateway.metering.replay import Replay
from havuz_gateway.metering.scripts import RELEASE, RESERVE, SETTLE
from havuz_gateway.metering.spool import Spool
from havuz_gateway.metering.sweeper import Sweeper
from havuz_gateway.metering.terms import KnownTerms, Terms
from havuz_gateway.metering.upstream_limits import UpstreamLimits
from havuz_gateway.telemetry.money import Backlog

_log = logging.getLogger(__name__)
_REGISTER_SECONDS = 600
_MOST_RELEASES = 10_000
_CLOCK_ROUNDS = 2
_CLOCK_SECONDS = 2.0  # less is what a clock may be off, and an answer may take
_REFUSED_MARK_SECONDS = 900  # beyond its lifetime: by then what was let in too late has been swept
_AWAY_RETRY_SECONDS = 1.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """How a gateway meters. `spool_folder` None keeps the journal in memory; sizes are in bytes.

    `sweep_seconds` is the pause between two sweeps of the fleet.
    """

    spool_folder: Path | None = None
    spool_bytes: int = 256 * 1024 * 1024
    days_kept: int = 400
    events_kept: int = 1_000_000
    sweep_seconds: float = 5.0


class RedisMeter:
    """One gateway's meter: `start` it, and `close` it when the last request has ended.

    `owner` is the gateway's id, `wall` gives unix seconds. `clock` gives the scripts' time in unix milliseconds, '0'
    for the server's own.
    """

    def __init__(
        self,
        link: Calls,
        *,
        owner: str,
        wall: Callable[[], float],
        settings: MeterSettings | None = None,
        clock: Callable[[], str] = lambda: "0",
    ) -> None:
        settings = settings or MeterSettings()
        self._link = link
        self._own_wall = wall
        self._behind = 0.0  # seconds that this process's clock is behind that of Redis, where that matters
        self._clock = clock
        self._terms = KnownTerms(owner=owner, days_kept=settings.days_kept)
        self._registered: dict[str, float] = {}
        self._releases: list[Admission] = []
        self._open = 0  # settles on their way
        self._idle = asyncio.Event()
        self._idle.set()
        self.spool = Spool(settings.spool_folder, owner=owner, max_bytes=settings.spool_bytes)
        self._recent = Recent(time.monotonic)
        self._replay = Replay(link, self.spool, self._terms, recent=self._recent, wall=self._wall, clock=clock)
        self.sweeper = Sweeper(link, self._terms, owner=owner, wall=self._wall, clock=clock, settings=settings)
        self._upstreams = UpstreamLimits(link, wall=self._wall, clock=clock)
        works = {"link": link.run, "replay": self._replay.run, "spool": self.spool.run, "sweep": self.sweeper.run}
        self._background = Background({f"meter-{name}": work for name, work in works.items()})
        link.on_up += [self._send_releases, self._registered.clear]  # it may have forgotten what it was told

    def start(self) -> None:
        """Stay connected, replay, sweep: until `close`. Needs a running loop."""
        self._background.start()

    async def close(self) -> None:
        """Settle what is left, and stop. What Redis does not take in some seconds is left to the next process."""
        await self.flush()
        await self._background.stop()
        self.spool.close()

    async def flush(self) -> None:
        """Wait until Redis took every settle, or some seconds have passed; what is left then stays in the journal."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._idle.wait()
                await self._replay.idle.wait()
        except TimeoutError:
            _log.warning("settles are left in the journal for the next process")

    def backlog(self) -> Backlog:
        """What Redis has not taken so far."""
        return Backlog(up=self._link.up, in_flight=self._open, journal_bytes=self.spool.backlog, lost=self.spool.lost)

    def served(self) -> Iterator[str]:
        """The uids of projects with requests of late; some more than once."""
        return self._terms.served(self._wall())

    async def admit(self, admission: Admission) -> Admitted:
        """Let the request in. Raises `GatewayError` when a limit or the balance stands in the way."""
        terms = self._terms_of(admission)
        if terms.free:
            return Admitted(admission, reserved=False, day=terms.day)
        if not self._link.up:
            await self._first_connection()
        try:
            await self._register(admission.project.uid, self._wall())
            reply = await self._reserve(terms, admission)
            for _ in range(_CLOCK_ROUNDS):
                if reply[0] != b"clock":
                    break
                self._set_clock(admission, int(reply[1]))
                terms = self._terms_of(admission)
                reply = await self._reserve(terms, admission)
        except (LinkDown, ErrorReply) as error:
            return self._without_redis(terms, admission, error)
        if reply[0] != b"ok":
            raise refusal(admission, reply)
        return Admitted(admission, reserved=True, day=terms.day, headers=rate_headers(reply))

    def settle(self, admitted: Admitted, settlement: Settlement) -> None:
        """Record what the request used; safe to repeat. Returns at once."""
        now = self._wall()
        admission = admitted.admission
        terms = self._terms.at(admission.project, admission.key, now)
        closing = closing_of(admitted, settlement, now, terms)
        if not self._link.up:
            self.spool.append([closing.line(sent=False)])
            self._replay.wake()
            return
        head = terms.settle if terms.day == admitted.day else closing.head(self._terms)
        self._open += 1
        self._idle.clear()
        SETTLE.submit(self._link, closing.body("new", head, self._clock()), lambda reply: self._settled(closing, reply))
        if not admitted.reserved:
            self._register_soon(admission.project.uid, now)

    async def settle_surely(self, admitted: Admitted, settlement: Settlement, *, again: bool) -> None:
        """Record what an order used, and return once Redis took it. Raises `ServiceUnavailable` while it does not."""
        now = self._wall()
        admission = admitted.admission
        closing = closing_of(admitted, settlement, now, self._terms.at(admission.project, admission.key, now))
        body = closing.body("again" if again else "new", closing.head(self._terms), self._clock())
        try:
            await SETTLE.ask(self._link, body)
        except (LinkDown, ErrorReply) as error:
            if isinstance(error, ErrorReply):
                _log.error("a settle failed in Redis and is tried again", extra={"error": str(error)})
            raise ServiceUnavailable("an order can't be settled at the moment") from None
        if not admitted.reserved:
            self._register_soon(admission.project.uid, now)

    def release(self, admitted: Admitted) -> None:
        """Undo an admission that led to nothing. Returns at once; safe to repeat."""
        if admitted.reserved:
            self._release(admitted.admission)

    async def claim(
        self, upstream: Upstream, *, attempt_id: str, tokens: int, ceiling: int, lifetime: float
    ) -> Claim | LimitReached | None:
        """Take a place on an upstream; None where it has no limits, or where Redis can't be asked."""
        return await self._upstreams.claim(
            upstream, attempt_id=attempt_id, tokens=tokens, ceiling=ceiling, lifetime=lifetime
        )

    def unclaim(self, claim: Claim, *, tokens: int, cost: int) -> None:
        """Give the place back with what was really used. Returns at once; safe to repeat."""
        self._upstreams.unclaim(claim, tokens=tokens, cost=cost)

    def _wall(self) -> float:
        return self._own_wall() + self._behind

    def _terms_of(self, admission: Admission) -> Terms:
        return self._terms.at(admission.project, admission.key, admission.now + self._behind)

    def _set_clock(self, admission: Admission, now: int) -> None:
        """Go by Redis's clock from now on: what day and billing month it is must not depend on who asks."""
        before, self._behind = self._behind, now / 1_000 - admission.now
        if abs(self._behind - before) >= _CLOCK_SECONDS:
            _log.warning(
                "this process's clock is not that of Redis, which counts", extra={"seconds_behind": self._behind}
            )

    async def _first_connection(self) -> None:
        """A process that has just started gives its first connection the time to be made."""
        if not self._link.tried.is_set():
            await self._link.tried.wait()

    async def _reserve(self, terms: Terms, admission: Admission) -> Any:
        body = terms.reserve + packed_parts(
            self._clock(), admission.id, admission.ceiling, admission.tokens, int(admission.lifetime * 1000),
            admission.abandoned, admission.route.model,
        )  # fmt: skip
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def heard(reply: Any) -> None:
            if answer.done():
                self._too_late(admission, reply)  # the client is gone before its request was let in
            elif isinstance(reply, Exception):
                answer.set_exception(reply)
            else:
                answer.set_result(reply)

        RESERVE.submit(self._link, body, heard)
        return await answer

    def _too_late(self, admission: Admission, reply: Any) -> None:
        if isinstance(reply, LinkDown):
            if reply.sent:
                self._release(admission)
        elif not isinstance(reply, Exception) and reply[0] == b"ok":
            self._release(admission)

    def _without_redis(self, terms: Terms, admission: Admission, error: LinkDown | ErrorReply) -> Admitted:
        if isinstance(error, ErrorReply):
            _log.error("an admission failed in Redis", extra={"error": str(error)})
        if admission.project.billing.on_meter_down == "Serve" and not self.spool.full:
            # where the reservation was made after all, the settle finds it
            return Admitted(admission, reserved=False, day=terms.day)
        if isinstance(error, LinkDown) and error.sent:
            self._release(admission)
        raise ServiceUnavailable(
            "the request can't be counted at the moment, and this project serves none uncounted: try again later",
            retry_after=_AWAY_RETRY_SECONDS,
        )

    def _settled(self, closing: Closing, reply: Any) -> None:
        if isinstance(reply, Exception):
            if isinstance(reply, ErrorReply):
                _log.error("a settle failed in Redis and is tried again", extra={"error": str(reply)})
            sent = not isinstance(reply, LinkDown) or reply.sent
            self.spool.append([closing.line(sent=sent)])
            self._replay.wake()
        else:
            self._recent.add(closing)
            if reply[0] != b"settled":
                verdict = reply[0].decode()
                _log.warning("a settle was unusual", extra={"id": closing.id, "verdict": verdict, "cost": closing.cost})
        self._open -= 1
        if not self._open:
            self._idle.set()

    def _release(self, admission: Admission) -> None:
        """Undo an admission that was perhaps made; while Redis is away it is remembered, within bounds."""
        if not self._link.up:
            if len(self._releases) < _MOST_RELEASES:
                self._releases.append(admission)
            return  # beyond that, the sweeper finds what was reserved
        uid, key_id = admission.project.uid, admission.key.id
        day = self._terms_of(admission).day
        names = (
            keys.account(uid), keys.reservations(uid), keys.expiries(uid), keys.spend(uid, day),
            keys.key_leases(uid, key_id), keys.settled(uid, admission.id),
        )  # fmt: skip
        body = packed_parts(*names, admission.id, key_id, int(admission.lifetime) + _REFUSED_MARK_SECONDS)
        RELEASE.submit(self._link, RELEASE.head(len(names), 3) + body, _ignore)

    def _send_releases(self) -> None:
        waiting, self._releases = self._releases, []
        for admission in waiting:
            self._release(admission)

    async def _register(self, uid: str, now: float) -> None:
        """Tell the sweepers of this project before its first reservation."""
        if abs(now - self._registered.get(uid, 0.0)) >= _REGISTER_SECONDS:
            await self._link.ask(packed("ZADD", keys.METERED_PROJECTS, "GT", int(now), uid))
            self._registered[uid] = now

    def _register_soon(self, uid: str, now: float) -> None:
        """Tell the sweepers of a project whose usage stream grows."""
        if abs(now - self._registered.get(uid, 0.0)) >= _REGISTER_SECONDS:
            self._registered[uid] = now
            self._link.submit(packed("ZADD", keys.METERED_PROJECTS, "GT", int(now), uid), _ignore)


def _ignore(_: Any) -> None:
    """Nothing depends on this reply."""


_: type[Meter] = RedisMeter
