"""The immutable index of one revision: everything a request asks of the configuration, in a few dictionary look-ups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from havuz_contract.globs import matches_any
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.models import Project, ProjectKey, Route, Snapshot

_Keys = dict[str, tuple[Project, ProjectKey]]
_Routes = dict[str | None, dict[str, Route]]  # group (None: every project) -> public model id or alias -> route


@dataclass(frozen=True, slots=True)
class Index:
    """Keys by the SHA-256 of their secret, and routes by group and name. Shared by the views that agree on them."""

    keys: _Keys
    routes: _Routes

    def following(self, before: Snapshot, after: Snapshot) -> "Index":
        """The index of `after`, made from this one of `before`: what both hold as the same object is taken over."""
        same_projects, same_routes = before.projects == after.projects, before.routes == after.routes
        return Index(
            self.keys if same_projects else _index_keys(after.projects, before.projects, self.keys),
            self.routes if same_routes else _index_routes(after.routes.values()),
        )


class View:
    """Built once per revision from a `Snapshot`; never changed afterwards (what it remembers is derived from it)."""

    def __init__(self, snapshot: Snapshot, revision: int, *, before: "View | None" = None) -> None:
        """`before` is the view this one follows: what both hold as the same objects is not indexed again."""
        self.snapshot = snapshot
        self.revision = revision
        if before is None:
            self.index = Index(_index_keys(snapshot.projects, {}, {}), _index_routes(snapshot.routes.values()))
        else:
            self.index = before.index.following(before.snapshot, snapshot)
        self._keys, self._routes = self.index.keys, self.index.routes
        self._rights: dict[tuple[str, str], bool] = {}

    def key(self, sha256: str) -> tuple[Project, ProjectKey] | None:
        """The project and key whose secret has this SHA-256 (hex), or None."""
        return self._keys.get(sha256)

    def route(self, project: Project, model: str) -> Route | None:
        """The route a project sees under this public model id or alias (rights not considered), or None."""
        own = self._routes.get(project.group, {}).get(model)
        shared = self._routes.get(None, {}).get(model)
        if own is None or shared is None:
            return own or shared
        return min(own, shared, key=_precedence)

    def may_use(self, project: Project, model: str, now: float) -> bool:
        """Whether a project's rights (allow, deny, review until `now` in unix seconds) cover this public model id.

        While a review runs, its models take the place of what is allowed; what is denied stays denied.
        """
        review = project.review
        if review is not None and now < review.until:
            return matches_any(review.models, model) and not matches_any(project.deny, model)
        known = self._rights.get((project.uid, model))
        if known is None:
            known = matches_any(project.allow, model) and not matches_any(project.deny, model)
            self._rights[project.uid, model] = known
        return known

    def routes(self, project: Project, now: float) -> list[Route]:
        """The routes a project sees, may use and can pay for, by model id."""
        names = self._routes.get(None, {}).keys() | self._routes.get(project.group, {}).keys()
        seen = (self.route(project, name) for name in sorted(names))
        return [
            route
            for name, route in zip(sorted(names), seen, strict=True)
            if route is not None
            and route.model == name
            and self.may_use(project, name, now)
            and is_offered(route, project)
        ]


def is_offered(route: Route, project: Project) -> bool:
    """Whether the project pays nothing, or at least one operation of the route has a price in its unit."""
    if project.billing.plan == "Unmetered":
        return True
    return len(prices.missing(project.billing.unit, route)) < len(route.operations)


def _index_keys(projects: Mapping[str, Project], known: Mapping[str, Project], indexed: _Keys) -> _Keys:
    """The keys of `projects`, starting from the index of `known` so that a small change costs little."""
    keys = dict(indexed)
    for uid, project in known.items():
        if projects.get(uid) is not project:
            for key in project.keys:
                keys.pop(key.sha256, None)
    for uid, project in projects.items():
        if known.get(uid) is not project:
            for key in project.keys:
                keys[key.sha256] = (project, key)
    return keys


def _index_routes(routes: Iterable[Route]) -> _Routes:
    index: _Routes = {}
    for route in sorted(routes, key=_precedence, reverse=True):  # the one that takes precedence is written last
        groups: tuple[str | None, ...] = (None,) if route.groups is None else route.groups
        for group in groups:
            names = index.setdefault(group, {})
            for name in (*route.aliases, route.model):
                names[name] = route
    return index


def _precedence(route: Route) -> tuple[int, str]:
    return route.order, route.uid


EMPTY = View(Snapshot(), 0)
