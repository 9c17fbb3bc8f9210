"""Who lacks a price: metered projects on one side, the routes they see on the other, and a sentence for both.

What lacks a price is not offered. It is looked up by group and unit, so that 10,000 projects cost no more than the few
ways in which they differ.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.globs import matches_any
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.models import Part, Project, Route
from havuz_contract.v1alpha1.conditions import Condition, priced, unpriced

_SHOWN = 5  # a sentence names no more than so many models
Built = TypeVar("Built", bound=Part)


class _Rights(NamedTuple):
    """All of a project that tells which routes it may use and in what it pays."""

    group: str
    unit: str
    allow: tuple[str, ...]
    deny: tuple[str, ...]


class PriceBook:
    """The routes of one compile. Ask it for every project first; then it knows what each route lacks."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)
        self._seen: dict[tuple[str, str], Sequence[Route]] = {}
        self._known: dict[_Rights, Condition] = {}
        self._units: dict[str, set[str]] = {}
        self._lacking: dict[str, set[str]] = {}

    def of_project(self, project: Project) -> Condition | None:
        """The condition Priced of a project; None when it pays nothing."""
        if project.billing.plan == "Unmetered":
            return None
        rights = _Rights(project.group, project.billing.unit, project.allow, project.deny)
        known = self._known.get(rights)
        if known is None:
            known = self._known[rights] = self._judge(rights)
        return known

    def of_route(self, route: Route) -> Condition | None:
        """The condition Priced of a route; None when no project that pays sees it."""
        units = self._units.get(route.uid)
        if not units:
            return None
        lacking = sorted(self._lacking.get(route.uid, ()))
        if not lacking:
            return priced(f"The model has a price in {_named(sorted(units))}.")
        return unpriced(f"{_lack(route, unit)}; add it to spec.prices" for unit in lacking)

    def _judge(self, rights: _Rights) -> Condition:
        lacking = [one for one in self._without_price(rights.group, rights.unit) if _may_use(rights, one.model)]
        for route in lacking:
            self._lacking.setdefault(route.uid, set()).add(rights.unit)
        unit = rights.unit
        if not lacking:
            return priced(f"Every model that the project may use has a price in {unit!r}.")
        shown = ", ".join(repr(route.model) for route in lacking[:_SHOWN]) + (", …" if len(lacking) > _SHOWN else "")
        return unpriced(
            [f"what has no price in {unit!r} is not offered: {shown}; add it to their ModelRoutes, or deny them"]
        )

    def _without_price(self, group: str, unit: str) -> Sequence[Route]:
        """The routes that the projects of a group see and that can not be billed in the unit."""
        if (group, unit) not in self._seen:
            seen = [route for route in self._routes if route.groups is None or group in route.groups]
            for route in seen:
                self._units.setdefault(route.uid, set()).add(unit)
            self._seen[group, unit] = [route for route in seen if prices.missing(unit, route)]
        return self._seen[group, unit]


def judged(outcome: Outcome[Built], judge: Callable[[Built], Condition | None]) -> Outcome[Built]:
    """The outcome with the condition that `judge` finds for its part, if there are both."""
    condition = None if outcome.part is None else judge(outcome.part)
    if condition is None:
        return outcome
    status = outcome.status
    conditions = (*status.conditions, condition)
    return Outcome(
        outcome.part, ObjectStatus(status.uid, conditions, status.fields, served=status.served, settled=status.settled)
    )


def _may_use(rights: _Rights, model: str) -> bool:
    return matches_any(rights.allow, model) and not matches_any(rights.deny, model)


def _lack(route: Route, unit: str) -> str:
    lacking = prices.missing(unit, route)
    if set(lacking) == route.operations:
        return f"no price in {unit!r}, so that projects which pay in it are not offered the model"
    return f"no price for {_named(lacking)} in {unit!r}, so that projects which pay in it are refused that"


def _named(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))
