"""Probes: a cheap call now and then to keys out of rotation, so that no customer's request has to find out."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

from havuz_gateway.pool.classify import without_secrets
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.site import Site
from havuz_gateway.pool.types import Member
from havuz_gateway.transport.base import TransportFailure

_LOOK_SECONDS = 1.0
_PROBE_SECONDS = 10.0
_AT_ONCE = 16
_EARLIEST = 0.5  # of the interval: the gateways' probes of one key are spread over the rest

_log = logging.getLogger(__name__)


class Probes:
    """Calls each key that wants it every `probe_interval`: a 2xx brings it back, and any answer at all its base URL.

    `run` is one task's work.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        now: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._pool = pool
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 (spreads probes)
        self._due: dict[Member, float] = {}

    async def run(self) -> None:
        """Look every second who is due, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Probe the members that are due, and note when the others will be."""
        due = self._take_due()
        slots = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for member in due:
                group.create_task(self._probe(member, slots), name=f"probe {member.upstream.name}")

    def _take_due(self) -> list[Member]:
        now = self._now()
        waiting, self._due = self._due, {}
        ready = []
        sites: set[Site] = set()  # one call tells of a site, whichever key makes it
        for member in self._pool.members.values():
            interval = member.upstream.probe_interval
            if interval is None:
                continue
            if not member.health.wants_probe(now):
                if member.site in sites or not member.site.wants_probe(now):
                    continue
                sites.add(member.site)
            at = waiting.get(member, now + interval * self._rng.uniform(_EARLIEST, 1.0))
            if at <= now:
                ready.append(member)
                at = now + interval
            self._due[member] = at
        return ready

    async def _probe(self, member: Member, slots: asyncio.Semaphore) -> None:
        """Call once. Only a 2xx changes anything: a refused probe leaves the verdict to end as it would."""
        async with slots:
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    response = await member.transport.send(member.provider.probe_request(member.upstream))
            except (TransportFailure, TimeoutError) as failure:
                self._log(member, without_secrets(str(failure)) or "no answer in time")
                return
        response.close()
        member.site.probed(self._now())
        if 200 <= response.status < 300:
            self._pool.lift(member, now=self._now())
            self._log(member, "passed")
        else:
            self._log(member, f"HTTP status {response.status}")

    def _log(self, member: Member, outcome: str) -> None:
        _log.info("upstream key probed", extra={"upstream_key": member.upstream.name, "outcome": outcome})
