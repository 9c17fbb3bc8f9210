"""The first page: the plan, the balance, and how long it lasts."""

from datetime import UTC, date, datetime, timedelta

from havuz_contract.money import format_amount
from havuz_gateway.metering.span import Span
from havuz_gateway.metering.usage import Holding, Used
from havuz_gateway.surfaces.pages.answers import Answer, Data, Page, Visit
from havuz_gateway.surfaces.pages.daily_chart import daily
from havuz_gateway.surfaces.pages.usage_tables import by_day

_RATE_DAYS = 7
_SHOWN_DAYS = 30
_DAY_SECONDS = 86_400
_LONGEST_DAYS = 999


async def overview(visit: Visit) -> Answer:
    """What the project has, what it spent, and how long the rest lasts at the rate of the last days."""
    holding = await _holding(visit)
    days = await _days(visit)
    spent = sum(used.cost for _, used in days[-_RATE_DAYS:])
    left = days_left(holding.standing.available, spent)
    period = holding.standing.period
    return Page(
        "overview.html",
        {
            "holding": holding,
            "standing": holding.standing,
            "billing": visit.identity.project.billing,
            "is_test": visit.identity.key.mode == "Test",
            "requests": sum(used.requests for _, used in days),
            "shown_days": _SHOWN_DAYS,
            "rate_days": _RATE_DAYS,
            "per_day": spent // _RATE_DAYS,
            "days_left": left,
            "lasts_the_month": left is not None and period is not None and visit.now + left * _DAY_SECONDS > period.end,
            "chart": daily(days, visit) if any(used.requests for _, used in days) else None,
        },
    )


async def balance(visit: Visit) -> Answer:
    """The balance for the script that keeps the page current."""
    holding = await _holding(visit)
    standing, unit, formats = holding.standing, holding.unit, visit.formats
    shown = {
        "available": formats.amount(standing.available, unit),
        "reserved": formats.amount(standing.reserved, unit),
        "spent": formats.amount(standing.spent, unit),
    }
    if standing.period is not None:
        shown["period_spent"] = formats.amount(standing.period_spent, unit)
    return Data({"balance": format_amount(standing.available), "unit": unit, "shown": shown})


def days_left(available: int, spent: int) -> int | None:
    """For how many days `available` nanos last where `spent` went in the last days; None where nothing went."""
    if spent <= 0:
        return None
    return min(max(available, 0) * _RATE_DAYS // spent, _LONGEST_DAYS)


async def _holding(visit: Visit) -> Holding:
    return await visit.services.usage.holding(visit.identity.project, visit.identity.key, visit.now)


async def _days(visit: Visit) -> list[tuple[date, Used]]:
    """What was used on each of the last days, today included."""
    today = datetime.fromtimestamp(visit.now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = Span(today - timedelta(days=_SHOWN_DAYS - 1), today + timedelta(days=1))
    return by_day(await visit.services.usage.rows(visit.identity.project, visit.identity.key, span), span)
