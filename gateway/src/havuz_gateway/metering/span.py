"""A span of time that usage is asked for: read as a person writes it, taken apart as roll-ups are kept. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # far from where calendars end
_ONE_DAY, _ONE_HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until before `end`, both whole hours of UTC: nothing finer is kept."""

    start: datetime
    end: datetime

    def parts(self) -> tuple[list[str], list[str]]:
        """The whole days (`20261121`) of the span, and the hours (`2026112114`) before the first and after the last."""
        first, last = _ceiling(self.start, _ONE_DAY), _floor(self.end, _ONE_DAY)
        if first >= last:
            return [], _steps(self.start, self.end, _ONE_HOUR)
        days = _steps(first, last, _ONE_DAY)
        return days, _steps(self.start, first, _ONE_HOUR) + _steps(last, self.end, _ONE_HOUR)


def span_of(start: datetime, end: datetime) -> Span:
    """The whole hours that hold everything from `start` until before `end` (both of UTC)."""
    return Span(_floor(start, _ONE_HOUR), _ceiling(end, _ONE_HOUR))


def read_time(text: str, *, end: bool) -> datetime:
    """The moment in UTC that a day or an RFC 3339 time means; a day that is an `end` is meant as a whole.

    Raises `ValueError` with a sentence.
    """
    written = text.upper()
    try:
        read = datetime.fromisoformat(written) if _DAY.fullmatch(written) or _TIME.fullmatch(written) else None
        if read is not None and _FIRST_YEAR <= read.year <= _LAST_YEAR:
            if read.tzinfo is not None:
                return read.astimezone(UTC)
            return read.replace(tzinfo=UTC) + (_ONE_DAY if end else timedelta())
    except ValueError:
        pass  # such as a 30th of February
    raise ValueError(f"{text[:40]!r} is neither a day such as 2026-11-21 nor a time such as 2026-11-21T08:00:00Z")


def write_time(moment: datetime) -> str:
    """As `read_time` reads it, with whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime(_FIRST_YEAR - 1, 1, 1, tzinfo=UTC)) % step


def _ceiling(moment: datetime, step: timedelta) -> datetime:
    whole = _floor(moment, step)
    return whole if whole == moment else whole + step


def _steps(start: datetime, end: datetime, step: timedelta) -> list[str]:
    form = "%Y%m%d" if step == _ONE_DAY else "%Y%m%d%H"
    return [f"{start + step * index:{form}}" for index in range((end - start) // step)]
