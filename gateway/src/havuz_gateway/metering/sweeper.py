"""The sweeper: one gateway of the fleet at a time closes what dead gateways left open, and trims old usage events.

A reservation that expired is settled as `abandoned`, for what its record says that this costs (nothing, or its input).
Where its gateway was only slow, the late settle finds the mark and bills what is missing.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from havuz_contract import keys
from havuz_gateway.metering.closing import Closing
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed, packed_parts
from havuz_gateway.metering.scripts import SETTLE, SWEEP
from havuz_gateway.metering.terms import KnownTerms
from havuz_gateway.metering.turn import Turn

if TYPE_CHECKING:
    from havuz_gateway.metering.redis_meter import MeterSettings

_log = logging.getLogger(__name__)
_PROJECTS_AT_ONCE = 200
_RESERVATIONS_AT_ONCE = 500
_EVENTS_AT_ONCE = 1_000
_BUSY_SECONDS = 3_600  # a project used within this time is looked at in each round
_QUIET_ROUNDS = 100  # any other only in each so-manieth round
_RECORD_PARTS = 13
_SWEPT_PER_PROJECT = 20  # rounds of `_RESERVATIONS_AT_ONCE` in one go


class Sweeper:
    """Sweeps while it is this gateway's turn. `run` goes on until cancelled."""

    def __init__(self, link: Calls, terms: KnownTerms, *, owner: str, wall: Callable[[], float],
                 clock: Callable[[], str], settings: "MeterSettings") -> None:  # fmt: skip
        self._link = link
        self._terms = terms
        self._turn = Turn(link, keys.SWEEPER, owner=owner, seconds=settings.sweep_seconds * 3)
        self._wall = wall
        self._clock = clock
        self._settings = settings
        self._round = 0

    async def run(self) -> None:
        """Sweep again and again; while Redis is away there is nothing to sweep."""
        while True:
            await asyncio.sleep(self._settings.sweep_seconds)
            try:
                if self._link.up and await self._turn.taken():
                    await self.sweep()
            except (LinkDown, ErrorReply) as error:
                _log.info("the sweep is broken off", extra={"error": str(error)})

    async def sweep(self, *, everywhere: bool = False) -> int:
        """Look at every project that is due, or `everywhere`; returns how many reservations were closed.

        Raises `LinkDown` or `ErrorReply`.
        """
        now = self._wall()
        least = 0 if everywhere or self._round % _QUIET_ROUNDS == 0 else int(now) - _BUSY_SECONDS
        self._round += 1
        uids = await self._link.ask(packed("ZRANGE", keys.METERED_PROJECTS, least, "+inf", "BYSCORE"))
        closed = 0
        for begin in range(0, len(uids), _PROJECTS_AT_ONCE):
            chunk = [uid.decode() for uid in uids[begin : begin + _PROJECTS_AT_ONCE]]
            closed += sum(await asyncio.gather(*(self._sweep_project(uid, now) for uid in chunk)))
        return closed

    async def _sweep_project(self, uid: str, now: float) -> int:
        closed = 0
        for _ in range(_SWEPT_PER_PROJECT):
            open_count, trimmed, *records = await self._look(uid)
            for request_id, record in zip(records[::2], records[1::2], strict=True):
                closed += await self._close(uid, request_id.decode(), record.decode(), now)
            if not records and trimmed < _EVENTS_AT_ONCE:
                if not open_count:
                    await self._forget_if_idle(uid, now)
                break
        return closed

    async def _look(self, uid: str) -> Sequence[Any]:
        names = (keys.account(uid), keys.reservations(uid), keys.expiries(uid), keys.usage_stream(uid))
        kept = self._settings.days_kept * 86_400_000
        body = packed_parts(
            *names, self._clock(), _RESERVATIONS_AT_ONCE, kept, self._settings.events_kept, _EVENTS_AT_ONCE
        )
        found: Sequence[Any] = await SWEEP.ask(self._link, SWEEP.head(len(names), 5) + body)
        return found

    async def _close(self, uid: str, request_id: str, record: str, now: float) -> int:
        """Settle one expired reservation; 1 when it was open until now."""
        parts = record.split("|", _RECORD_PARTS - 1)
        if len(parts) != _RECORD_PARTS:
            _log.error("a reservation can't be read and stays open", extra={"project": uid, "id": request_id})
            return 0
        day, tokens, key_id, owner, model = parts[5], parts[6], parts[9], parts[10], parts[12]
        event = {"key": key_id, "model": model, "status": "abandoned", "owner": owner, "flags": "estimated"}
        closing = Closing(
            uid=uid, key_id=key_id, id=request_id, day=day, at=now, cost=0, reserved=True, fixed=("Unmetered", "", ""),
            tokens=int(tokens), dimensions=f"{key_id}|{model}|", counts="1,0,0,0,0",
            event=json.dumps(event, separators=(",", ":")),
        )  # fmt: skip
        reply = await SETTLE.ask(self._link, closing.body("expired", closing.head(self._terms), self._clock()))
        if reply[0] != b"settled":
            return 0
        _log.warning("a request was abandoned by its gateway and is closed", extra={
            "project": uid, "id": request_id, "owner": owner, "nanos": int(reply[1])})  # fmt: skip
        return 1

    async def _forget_if_idle(self, uid: str, now: float) -> None:
        """A project without open requests, use or events is not looked at any more."""
        score = await self._link.ask(packed("ZSCORE", keys.METERED_PROJECTS, uid))
        if score is not None and float(score) < now - 2 * 86_400:
            length = await self._link.ask(packed("XLEN", keys.usage_stream(uid)))
            if not length:
                await self._link.ask(packed("ZREM", keys.METERED_PROJECTS, uid))
