"""What a project has and what it used, read for whoever owns it.

Over a connection of its own: a long report must not make admissions wait. While Redis is away, that is said at once.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, TypeVar

from havuz_contract import keys
from havuz_contract.accounts import Account, Standing, account_of, standing
from havuz_contract.periods import period
from havuz_contract.snapshot.models import Billing, Project, ProjectKey
from havuz_gateway.errors import ServiceUnavailable
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed
from havuz_gateway.metering.span import Span

_log = logging.getLogger(__name__)
_AWAY_RETRY_SECONDS = 1.0
_REPORTS_AT_ONCE = 4
_ROLL_UPS_AT_ONCE = 16
_ACCOUNTS_AT_ONCE = 50
LONGEST_SPAN = timedelta(days=400)
HOURS_KEPT = timedelta(seconds=keys.HOURS_KEPT_SECONDS)

GroupBy = Literal["model", "key", "day"]
_Group = TypeVar("_Group")


class Row(NamedTuple):
    """What usage is counted by: the day (`20261121`), the id of the key, and the model."""

    day: str
    key: str
    model: str


@dataclass(frozen=True, slots=True)
class Holding:
    """The money of a project at one moment. `updated` is the unix time of its last change, None before the first."""

    unit: str
    standing: Standing
    updated: float | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What requests of one group used; `input` includes what was cached, `cost` is nanos.

    `images`, `characters` (spoken) and `audio_ms` (transcribed) are counted by the piece.
    """

    requests: int
    errors: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: int
    images: int = 0
    characters: int = 0
    audio_ms: int = 0


class SpanError(ValueError):
    """Nothing is kept that would answer for this span; `name` is the end of it that is wrong."""

    def __init__(self, name: Literal["from", "to"], message: str) -> None:
        super().__init__(message)
        self.name = name


def check(span: Span, now: float) -> None:
    """Raises `SpanError` for a span that is empty, too long, or finer than what is kept of it."""
    if span.start >= span.end:
        raise SpanError("to", "it is not after `from`")
    if span.end - span.start > LONGEST_SPAN:
        raise SpanError("from", f"the span is longer than {LONGEST_SPAN.days} days: ask for less at once")
    _, hours = span.parts()
    kept_since = datetime.fromtimestamp(now, UTC) - HOURS_KEPT
    if hours and hours[0] < f"{kept_since:%Y%m%d%H}":
        name: Literal["from", "to"] = "from" if span.start.hour else "to"
        raise SpanError(name, f"hours are kept for {HOURS_KEPT.days} days: ask for whole days of UTC")


class UsageReader:
    """Reads accounts and roll-ups. `run` keeps it connected, until cancelled."""

    def __init__(self, link: Calls) -> None:
        self._link = link
        self._turn = asyncio.Semaphore(_REPORTS_AT_ONCE)

    async def run(self) -> None:
        """Stay connected."""
        await self._link.run()

    async def holding(self, project: Project, key: ProjectKey, now: float) -> Holding:
        """What the project has at `now` (unix seconds); a test key has nothing. Raises `ServiceUnavailable`."""
        billing = project.billing
        if key.mode == "Test":
            month = period(billing.monthly, now) if billing.monthly is not None else None
            return Holding(billing.unit, Standing(0, 0, 0, period=month))
        [reply] = await self._ask([packed("HGETALL", keys.account(project.uid))])
        return _holding(billing, reply, now)

    async def holdings(self, projects: Sequence[Project], now: float) -> list[Holding]:
        """What each of them has at `now`, in their order. Raises `ServiceUnavailable`."""
        found: list[Holding] = []
        for begin in range(0, len(projects), _ACCOUNTS_AT_ONCE):
            chunk = projects[begin : begin + _ACCOUNTS_AT_ONCE]
            replies = await self._ask([packed("HGETALL", keys.account(one.uid)) for one in chunk])
            found += [_holding(one.billing, reply, now) for one, reply in zip(chunk, replies, strict=True)]
        return found

    async def used(self, project: Project, key: ProjectKey, span: Span, by: GroupBy) -> dict[str, Used]:
        """What was used in the span, by model, key id or day (`20261121`), in order; nothing by a test key.

        Raises `ServiceUnavailable`.
        """
        sums: dict[str, list[int]] = {}
        for row, counts in (await self._counted(project, key, span)).items():
            _add(sums, getattr(row, by), counts)
        return {group: Used(*sums[group]) for group in sorted(sums)}

    async def rows(self, project: Project, key: ProjectKey, span: Span) -> dict[Row, Used]:
        """The same in every respect at once, by day, then key, then model. Raises `ServiceUnavailable`."""
        counted = await self._counted(project, key, span)
        return {row: Used(*counted[row]) for row in sorted(counted)}

    async def _counted(self, project: Project, key: ProjectKey, span: Span) -> dict[Row, list[int]]:
        if key.mode == "Test":
            return {}
        days, hours = span.parts()
        roll_ups = [(day, keys.used_in_day(project.uid, day)) for day in days]
        roll_ups += [(hour[:8], keys.used_in_hour(project.uid, hour)) for hour in hours]
        counted: dict[Row, list[int]] = {}
        async with self._turn:
            for begin in range(0, len(roll_ups), _ROLL_UPS_AT_ONCE):
                chunk = roll_ups[begin : begin + _ROLL_UPS_AT_ONCE]
                replies = await self._ask([packed("HGETALL", name) for _, name in chunk])
                for (day, _), reply in zip(chunk, replies, strict=True):
                    for row, counts in _read(day, reply):
                        _add(counted, row, counts)
        return counted

    async def _ask(self, commands: Sequence[bytes]) -> list[Any]:
        if not self._link.tried.is_set():
            await self._link.tried.wait()  # a process that has just started
        try:
            return await asyncio.gather(*(self._link.ask(command) for command in commands))
        except (LinkDown, ErrorReply) as error:
            if isinstance(error, ErrorReply):
                _log.error("an account can't be read from Redis", extra={"error": str(error)})
            raise ServiceUnavailable(
                "balance and usage can't be read at the moment: try again later", retry_after=_AWAY_RETRY_SECONDS
            ) from None


def _holding(billing: Billing, reply: Sequence[bytes], now: float) -> Holding:
    """An account as it came: field and value, in turn."""
    fields = {name.decode(): value.decode() for name, value in zip(reply[::2], reply[1::2], strict=True)}
    account = account_of(fields)
    updated = int(fields["updated"]) / 1000 if "updated" in fields else None
    return Holding(account.unit or billing.unit, _standing(billing, account, now), updated)


def _standing(billing: Billing, account: Account, now: float) -> Standing:
    if account.unit and account.unit != billing.unit:  # a plan in another unit counts for nothing
        return Standing(account.balance, account.reserved, account.spent)
    return standing(billing, account, now)


def _read(day: str, roll_up: Sequence[bytes]) -> Iterator[tuple[Row, list[int]]]:
    """A roll-up as it came: `key|model|upstream` and counts, in turn."""
    for dimensions, counts in zip(roll_up[::2], roll_up[1::2], strict=True):
        key_id, _, rest = dimensions.decode().partition("|")
        yield Row(day, key_id, rest.rpartition("|")[0]), [int(number) for number in counts.split(b",")]


def _add(sums: dict[_Group, list[int]], group: _Group, counts: list[int]) -> None:
    before = sums.get(group)
    # a roll-up of text alone ends at its cost
    sums[group] = counts if before is None else [a + b for a, b in zip_longest(before, counts, fillvalue=0)]
