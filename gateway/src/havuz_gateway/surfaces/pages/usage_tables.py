"""What was used, sorted into what a customer looks at: text and pictures apart, by day, model or key. Pure."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Project
from havuz_gateway.metering.span import Span
from havuz_gateway.metering.usage import GroupBy, Row, Used

Kind = Literal["text", "images", "sound"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COUNTED = ("requests", "errors", "input", "output", "cache_read", "cache_write", "images", "characters", "audio_ms")
NOTHING = Used(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what it is of (a day, a model, or the name of a key), and what was used."""

    name: str
    used: Used


def kind_of(used: Used) -> Kind:
    """What a use was for, by what it was counted in."""
    if used.images:
        return "images"
    return "sound" if used.characters or used.audio_ms else "text"


def total(used: Iterable[Used]) -> Used:
    """The sum."""
    counts = [0] * len(fields(Used))
    for one in used:
        counts = [before + getattr(one, field.name) for before, field in zip(counts, fields(Used), strict=True)]
    return Used(*counts)


def lines(rows: Mapping[Row, Used], by: GroupBy, name: Callable[[str], str]) -> list[Line]:
    """The rows of one table; days from the latest on, everything else by what it cost."""
    groups: dict[str, list[Used]] = {}
    for row, used in rows.items():
        groups.setdefault(getattr(row, by), []).append(used)
    found = [(group, total(parts)) for group, parts in groups.items()]
    if by == "day":
        found.sort(reverse=True)
    else:
        found.sort(key=lambda pair: (-pair[1].cost, -pair[1].requests, pair[0]))
    return [Line(name(group), used) for group, used in found]


def by_day(rows: Mapping[Row, Used], span: Span) -> list[tuple[date, Used]]:
    """Every day of the span, those without use included."""
    days = [span.start.date() + timedelta(days=back) for back in range((span.end - span.start).days)]
    found = {line.name: line.used for line in lines(rows, "day", str)}
    return [(day, found.get(f"{day:%Y%m%d}", NOTHING)) for day in days]


def last_used(rows: Mapping[Row, Used]) -> dict[str, date]:
    """The last day on which each key (by its id) was used, where it was."""
    return {row.key: read_day(row.day) for row in sorted(rows)}


def read_day(day: str) -> date:
    """The date of `20261121`."""
    return datetime.strptime(day, "%Y%m%d").date()


def as_csv(rows: Mapping[Row, Used], project: Project) -> bytes:
    """Every row, for a spreadsheet: UTF-8 with a mark that says so, and nothing that would run as a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    names = {key.id: key.name for key in project.keys}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["day", "key_id", "key", "model", *_COUNTED, "cost", "unit"])
    for row, used in rows.items():
        counts = [str(getattr(used, name)) for name in _COUNTED]
        told = [row.key, names.get(row.key, ""), row.model]
        unit = project.billing.unit
        writer.writerow([read_day(row.day).isoformat(), *map(_plain, told), *counts, format_amount(used.cost), unit])
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
