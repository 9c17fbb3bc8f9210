"""The models that a key may use, and what they cost in its project's unit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from havuz_contract.snapshot.models import Operation, Price, Route
from havuz_contract.snapshot.prices import price_in
from havuz_gateway.surfaces.pages.answers import Answer, Page, Visit
from havuz_gateway.surfaces.pages.formats import Formats

Section = Literal["text", "images", "sound"]
_SECTIONS: dict[Section, tuple[Operation, ...]] = {
    "text": ("chat", "embeddings"),
    "images": ("image",),
    "sound": ("speech", "transcription"),
}
# Which prices each section shows, as columns.
_COLUMNS: dict[Section, tuple[str, ...]] = {
    "text": ("input", "cached_input", "output"),
    "images": ("per_image", "input", "output"),
    "sound": ("per_million_characters", "per_minute_audio", "input", "output"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as it is offered. `prices` has one text for each column, empty where it has none; `window` is tokens."""

    model: str
    aliases: tuple[str, ...]
    owned_by: str
    operations: tuple[str, ...]
    window: int | None
    prices: tuple[str, ...]
    per_request: str


@dataclass(frozen=True, slots=True)
class Table:
    """The offers of one section, with the columns in which at least one of them has a price."""

    name: Section
    columns: tuple[str, ...]
    offers: tuple[Offer, ...]


async def models(visit: Visit) -> Answer:
    """What `GET /v1/models` lists for this key, with prices."""
    project = visit.identity.project
    routes = visit.services.view().routes(project, visit.now)
    unit = project.billing.unit if project.billing.plan != "Unmetered" else None
    tables = [_table(section, routes, unit, visit.formats) for section in _SECTIONS]
    review = project.review if project.review is not None and visit.now < project.review.until else None
    shown = [table for table in tables if table.offers]
    return Page("models.html", {"tables": shown, "review": review, "unit": unit})


def _table(section: Section, routes: Sequence[Route], unit: str | None, formats: Formats) -> Table:
    operations = _SECTIONS[section]
    found = [route for route in routes if route.operations.intersection(operations)]
    every = _COLUMNS[section] if unit is not None else ()
    texts = [[_text(route, unit or "", _of(column), formats) for column in every] for route in found]
    kept = [place for place, _ in enumerate(every) if any(row[place] for row in texts)]
    offers = [
        Offer(
            model=route.model,
            aliases=route.aliases,
            owned_by=route.owned_by,
            operations=tuple(one for one in operations if one in route.operations),
            window=max((target.context_window or 0 for target in route.targets), default=0) or None,
            prices=tuple(row[place] for place in kept),
            per_request=_text(route, unit, _of("per_request"), formats) if unit is not None else "",
        )
        for route, row in zip(found, texts, strict=True)
    ]
    return Table(section, tuple(every[place] for place in kept), tuple(offers))


def _of(column: str) -> Callable[[Price], int | None]:
    def price(one: Price) -> int | None:
        found: int | None = getattr(one, column)
        return found

    return price


def _text(route: Route, unit: str, price: Callable[[Price], int | None], formats: Formats) -> str:
    """A price, or from which to which one it goes where targets differ."""
    found = [price_in(unit, of=route, at=target) for target in route.targets]
    said = sorted({nanos for one in found if one is not None and (nanos := price(one)) is not None})
    match said:
        case []:
            return ""
        case [only]:
            return formats.exact(only, unit)
        case _:
            return f"{formats.exact(said[0], unit)} – {formats.exact(said[-1], unit)}"
