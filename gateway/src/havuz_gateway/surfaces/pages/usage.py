"""What was used: text, pictures and sound apart, by day, model or key, as a chart, a table and a file."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args
from urllib.parse import urlencode

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.metering.span import Span, read_time
from havuz_gateway.metering.usage import GroupBy, SpanError, check
from havuz_gateway.surfaces.pages.answers import Answer, Download, Page, Visit
from havuz_gateway.surfaces.pages.daily_chart import daily
from havuz_gateway.surfaces.pages.usage_tables import KINDS, Kind, as_csv, by_day, kind_of, lines, read_day, total

_PRESETS = (7, 30, 90)
_USUAL_DAYS = 30
_GROUPS = get_args(GroupBy)


@dataclass(frozen=True, slots=True)
class _Asked:
    span: Span
    by: GroupBy
    kind: Kind | None  # None: what there is

    def link(self, path: str, **changed: str) -> str:
        """This question with another answer wanted."""
        last = self.span.end - timedelta(days=1)
        now = {"from": f"{self.span.start:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "by": self.by, "kind": self.kind or ""}
        return f"{path}?{urlencode({name: value for name, value in (now | changed).items() if value})}"


async def usage(visit: Visit) -> Answer:
    """One kind of use in a span of days."""
    try:
        asked, problem = _read(visit), None
    except InvalidRequest as error:
        asked, problem = _Asked(_last(visit, _USUAL_DAYS), "day", None), error
    rows = await visit.services.usage.rows(visit.identity.project, visit.identity.key, asked.span)
    kinds = {kind: {row: used for row, used in rows.items() if kind_of(used) == kind} for kind in KINDS}
    usual: Kind = next((one for one in KINDS if kinds[one]), "text")
    kind = asked.kind or usual
    chosen = kinds[kind]
    asked = _Asked(asked.span, asked.by, kind)
    values: dict[str, Any] = {
        "problem": problem is not None,
        "asked": asked,
        "first": asked.span.start.date(),
        "last": (asked.span.end - timedelta(days=1)).date(),
        "kinds": [one for one in KINDS if one != "sound" or kinds["sound"]],
        "groups": _GROUPS,
        "presets": [(days, _preset(visit, asked, days)) for days in _PRESETS],
        "lines": lines(chosen, asked.by, _namer(visit, asked.by)),
        "total": total(chosen.values()),
        "anything": bool(rows),
        "unit": visit.identity.project.billing.unit,
        "chart": daily(by_day(chosen, asked.span), visit),
    }
    return Page("usage.html", values, status=400 if problem is not None else 200)


async def download(visit: Visit) -> Answer:
    """Everything that was used in a span of days, as CSV."""
    asked = _read(visit)
    project = visit.identity.project
    rows = await visit.services.usage.rows(project, visit.identity.key, asked.span)
    last = asked.span.end - timedelta(days=1)
    name = f"usage-{asked.span.start:%Y-%m-%d}-{last:%Y-%m-%d}.csv"
    return Download(name, "text/csv; charset=utf-8", as_csv(rows, project))


def _read(visit: Visit) -> _Asked:
    """What is asked for; days are of UTC, as they are counted. Raises `InvalidRequest`."""
    by, kind = visit.query("by") or "day", visit.query("kind")
    known = next((one for one in KINDS if one == kind), None)
    if by not in _GROUPS or (kind and known is None):
        raise InvalidRequest("there is no such table: choose one of the page's own")
    begin, end = visit.query("from"), visit.query("to")
    usual = _last(visit, _USUAL_DAYS)
    try:
        last = read_time(end, end=True) if end else usual.end
        first = read_time(begin, end=False) if begin else last - timedelta(days=_USUAL_DAYS)
        span = Span(_midnight(first), _midnight(last))
        check(span, visit.now)
    except SpanError as error:
        raise InvalidRequest(f"the days can't be shown: {error}", param=error.name) from None
    except ValueError:
        raise InvalidRequest("the days can't be read: write them as 2026-11-21") from None
    return _Asked(span, cast("GroupBy", by), known)


def _last(visit: Visit, days: int) -> Span:
    tomorrow = _midnight(datetime.fromtimestamp(visit.now, UTC)) + timedelta(days=1)
    return Span(tomorrow - timedelta(days=days), tomorrow)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _preset(visit: Visit, asked: _Asked, days: int) -> _Asked:
    return _Asked(_last(visit, days), asked.by, asked.kind)


def _namer(visit: Visit, by: GroupBy) -> Any:
    keys = {key.id: key.name for key in visit.identity.project.keys}
    match by:
        case "day":
            return lambda day: visit.formats.day(read_day(day))
        case "key":
            return lambda key_id: keys.get(key_id) or visit.language.say("usage.former_key", id=key_id)
        case _:
            return str
