"""The first page: the plan, the balance, and how long it lasts."""

from datetime import UTC, datetime, timedelta

from havuz_contract.money import format_amount
from havuz_gateway.metering.span import Span
from havuz_gateway.metering.usage import Holding
from havuz_gateway.surfaces.pages.answers import Answer, Data, Page, Visit

_RATE_DAYS = 7
_DAY_SECONDS = 86_400
_LONGEST_DAYS = 999


async def overview(visit: Visit) -> Answer:
    """What the project has, what it spent, and how long the rest lasts at the rate of the last days."""
    holding = await _holding(visit)
    spent = await _spent_lately(visit)
    return Page(
        "overview.html",
        {
            "holding": holding,
            "standing": holding.standing,
            "billing": visit.identity.project.billing,
            "is_test": visit.identity.key.mode == "Test",
            "rate_days": _RATE_DAYS,
            "per_day": spent // _RATE_DAYS,
            "days_left": days_left(holding.standing.available, spent),
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


async def _spent_lately(visit: Visit) -> int:
    """Nanos of the last days, today included."""
    today = datetime.fromtimestamp(visit.now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = Span(today - timedelta(days=_RATE_DAYS - 1), today + timedelta(days=1))
    used = await visit.services.usage.used(visit.identity.project, visit.identity.key, span, "day")
    return sum(day.cost for day in used.values())
