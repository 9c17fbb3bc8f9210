"""The chart of what each day cost, or of its requests where nothing costs anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from havuz_contract.money import NANOS_PER_UNIT
from havuz_gateway.metering.usage import Used
from havuz_gateway.surfaces.pages.answers import Visit
from havuz_gateway.surfaces.pages.chart import Bar, bars


@dataclass(frozen=True, slots=True)
class DailyChart:
    """What `chart.html` draws. `scale` is written beside the chart from top to bottom, `ends` below it."""

    bars: tuple[Bar, ...]
    measure: Literal["cost", "requests"]
    scale: tuple[str, ...]
    ends: tuple[str, ...]
    first: str
    last: str


def daily(days: Sequence[tuple[date, Used]], visit: Visit) -> DailyChart:
    """The chart of some days, at least one, in their order."""
    unit, formats = visit.identity.project.billing.unit, visit.formats
    costs = any(used.cost for _, used in days)
    values = [used.cost / NANOS_PER_UNIT if costs else float(used.requests) for _, used in days]

    def said(value: float, *, exactly: bool) -> str:
        if not costs:
            return formats.number(value)
        nanos = round(value * NANOS_PER_UNIT)
        return formats.exact(nanos, unit) if exactly else formats.amount(nanos, unit)

    labels = [f"{formats.day(day)}: {said(value, exactly=False)}" for (day, _), value in zip(days, values, strict=True)]
    made = bars(values, labels, countable=not costs)
    first, last = days[0][0], days[-1][0]
    return DailyChart(
        bars=made.bars,
        measure="cost" if costs else "requests",
        scale=tuple(said(value, exactly=True) for value in (made.top, made.top / 2, 0)),
        ends=(formats.short_day(first), formats.short_day(last)),
        first=formats.day(first),
        last=formats.day(last),
    )
