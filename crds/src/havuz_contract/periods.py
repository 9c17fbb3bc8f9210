"""Billing months: which one a moment belongs to. Pure; gateways and the operator get the same answer."""

import calendar
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from havuz_contract.snapshot.models import Monthly


class Period(NamedTuple):
    """One billing month: from `start` until before `end`, in unix seconds.

    `id` is the month in which it begins, `2026-11`; later periods have greater ids. An account only ever moves on to a
    greater id, so that a change of the anchor day or the time zone never grants two allowances for one month.
    """

    id: str
    start: int
    end: int


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises `ValueError` when the IANA database has none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # some wrong names are folders, or lead out of the database
        raise ValueError(
            f"{name!r} is no time zone of the IANA database; use one such as UTC or Europe/Istanbul"
        ) from None


def period(monthly: Monthly, now: float) -> Period:
    """The billing month that `now` (unix seconds, from the year 2 to 9998) belongs to.

    It begins at midnight of the anchor day, or at the first moment of that day where its midnight is skipped, or at the
    first of its two midnights. Raises `ValueError` when the time zone is unknown.
    """
    place = zone(monthly.time_zone)
    today = datetime.fromtimestamp(now, place)
    first = today.date().replace(day=1)
    start, end = _begin(first, monthly.anchor_day, place), _begin(_after(first), monthly.anchor_day, place)
    # A clock change at midnight makes a calendar day begin late: compare moments, never dates.
    if now < start:
        first = _before(first)
        start, end = _begin(first, monthly.anchor_day, place), start
    elif now >= end:
        first = _after(first)
        start, end = end, _begin(_after(first), monthly.anchor_day, place)
    return Period(f"{first.year:04}-{first.month:02}", start, end)


def _begin(month: date, anchor_day: int, place: ZoneInfo) -> int:
    day = min(anchor_day, calendar.monthrange(month.year, month.month)[1])
    return int(datetime(month.year, month.month, day, tzinfo=place).timestamp())


def _after(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _before(month: date) -> date:
    return month.replace(year=month.year - (month.month == 1), month=(month.month - 2) % 12 + 1)
