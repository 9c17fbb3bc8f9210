"""The money of the projects that this gateway serves, as metrics show it: read every few seconds, never by a scrape.

Only projects that asked for something in the last hour or two are read, and of those no more than `MOST_WATCHED`. While
Redis is away nothing is shown: old money would look like money.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from havuz_contract.money import NANOS_PER_UNIT
from havuz_contract.snapshot.models import Project
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.usage import Holding, UsageReader
from havuz_gateway.telemetry.money import Money

MOST_WATCHED = 1_000
_EVERY_SECONDS = 5.0

_log = logging.getLogger(__name__)


class AccountsWatch:
    """`served` names the uids of projects with requests of late, `projects` are those in force."""

    def __init__(
        self,
        reader: UsageReader,
        *,
        served: Callable[[], Iterator[str]],
        projects: Callable[[], Mapping[str, Project]],
        wall: Callable[[], float],
        seconds: float = _EVERY_SECONDS,
    ) -> None:
        self._reader = reader
        self._served = served
        self._projects = projects
        self._wall = wall
        self._seconds = seconds
        self._seen: tuple[Money, ...] = ()

    def money(self) -> tuple[Money, ...]:
        """What each project that pays had when it was read last."""
        return self._seen

    async def run(self) -> None:
        """Read again and again, until cancelled."""
        while True:
            try:
                self._seen = await self._read()
            except ServiceUnavailable:
                self._seen = ()
            await asyncio.sleep(self._seconds)

    async def _read(self) -> tuple[Money, ...]:
        projects = self._projects()
        known = (projects.get(uid) for uid in dict.fromkeys(self._served()))
        paying = [one for one in known if one is not None and one.billing.plan != "Unmetered"]
        if len(paying) > MOST_WATCHED:
            _log.warning("the money of some projects is not in the metrics: see MOST_WATCHED", extra={
                "projects": len(paying), "shown": MOST_WATCHED})  # fmt: skip
            paying = paying[:MOST_WATCHED]
        holdings = await self._reader.holdings(paying, self._wall())
        return tuple(_money(*pair) for pair in zip(paying, holdings, strict=True))


def _money(project: Project, holding: Holding) -> Money:
    has = holding.standing
    amounts = (nanos / NANOS_PER_UNIT for nanos in (has.available, has.reserved, has.spent))
    return Money(project.name, holding.unit, *amounts)
