"""Who lacks a price: metered projects on one side, the routes they see on the other, and a sentence for both.

What lacks a price is not offered. It is looked up by group and unit, so that 10,000 projects cost no more than the few
ways in which they differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from havuz_contract.compiler.outcome import Outcome
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
        rights = _rights(project)
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


def payers(projects: Iterable[Project]) -> tuple[Project, ...]:
    """One of the projects for each way in which they see and pay routes: asking for these tells the book all."""
    return tuple({_rights(one): one for one in projects if one.billing.plan != "Unmetered"}.values())


class Judged(Generic[Built]):
    """An outcome, the condition that was found for its part, and the two together as `whole`."""

    __slots__ = ("condition", "outcome", "whole")

    def __init__(self, outcome: Outcome[Built], condition: Condition | None) -> None:
        self.outcome = outcome
        self.condition = condition
        self.whole = outcome if condition is None else _with(outcome, condition)


def _with(outcome: Outcome[Built], condition: Condition) -> Outcome[Built]:
    status = outcome.status
    return Outcome(outcome.part, replace(status, conditions=(*status.conditions, condition)))


def _rights(project: Project) -> _Rights:
    return _Rights(project.group, project.billing.unit, project.allow, project.deny)


def _may_use(rights: _Rights, model: str) -> bool:
    return matches_any(rights.allow, model) and not matches_any(rights.deny, model)


def _lack(route: Route, unit: str) -> str:
    lacking = prices.missing(unit, route)
    if set(lacking) == route.operations:
        return f"no price in {unit!r}, so that projects which pay in it are not offered the model"
    return f"no price for {_named(lacking)} in {unit!r}, so that projects which pay in it are refused that"


def _named(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))
