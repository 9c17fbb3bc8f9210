"""The immutable index of one revision: everything a request asks of the configuration, in a few dictionary look-ups."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from havuz_contract.globs import matches_any
from havuz_contract.snapshot import prices
from havuz_contract.snapshot.models import Project, ProjectKey, Route, Snapshot

_STEP = 500  # entries that are looked at in one step

_Keys = dict[str, tuple[Project, ProjectKey]]
_Routes = dict[str | None, dict[str, Route]]  # group (None: every project) -> public model id or alias -> route


@dataclass(frozen=True, slots=True)
class Index:
    """Keys by the SHA-256 of their secret, and routes by group and name. Shared by the views that agree on them."""

    keys: _Keys = field(default_factory=dict)
    routes: _Routes = field(default_factory=dict)


class View:
    """Built once per revision from a `Snapshot`; never changed afterwards (what it remembers is derived from it)."""

    def __init__(
        self, snapshot: Snapshot, revision: int, *, before: "View | None" = None, index: Index | None = None
    ) -> None:
        """`before` is the view this one follows: what both hold as the same objects is not indexed again.

        `index` is that of the snapshot, where it was made step by step (`Indexing`).
        """
        self.snapshot = snapshot
        self.revision = revision
        if index is None:
            indexing = Indexing(snapshot, before)
            for _ in indexing.steps():
                pass
            index = indexing.index
        self.index: Index = index
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


class Indexing:
    """Makes the index of `after`, a step at a time: what it holds as the same object as `before` is taken over."""

    def __init__(self, after: Snapshot, before: View | None) -> None:
        self._after = after
        self._before = before.snapshot if before is not None else Snapshot()
        former = before.index if before is not None else Index()
        self._same_routes = self._before.routes == after.routes
        self._same_keys = self._before.projects == after.projects
        self.index = Index(
            keys=former.keys if self._same_keys else dict(former.keys),
            routes=former.routes if self._same_routes else {},
        )

    def steps(self) -> Iterator[int]:
        """Index all there is, telling what each step cost."""
        if not self._same_keys:
            yield from self._drop_keys()
            yield from self._add_keys()
        if not self._same_routes:
            yield from self._add_routes()

    def _drop_keys(self) -> Iterator[int]:
        """Of projects that changed or are gone."""
        keys, projects = self.index.keys, self._after.projects
        for number, (uid, project) in enumerate(self._before.projects.items()):
            if projects.get(uid) is not project:
                for key in project.keys:
                    keys.pop(key.sha256, None)
            if number % _STEP == 0:
                yield _STEP

    def _add_keys(self) -> Iterator[int]:
        keys, known = self.index.keys, self._before.projects
        for number, (uid, project) in enumerate(self._after.projects.items()):
            if known.get(uid) is not project:
                for key in project.keys:
                    keys[key.sha256] = (project, key)
            if number % _STEP == 0:
                yield _STEP

    def _add_routes(self) -> Iterator[int]:
        """All of them: one may have hidden behind another. The one that takes precedence is written last."""
        index = self.index.routes
        for number, route in enumerate(sorted(self._after.routes.values(), key=_precedence, reverse=True)):
            groups: tuple[str | None, ...] = (None,) if route.groups is None else route.groups
            for group in groups:
                names = index.setdefault(group, {})
                for name in (*route.aliases, route.model):
                    names[name] = route
            if number % _STEP == 0:
                yield _STEP


def _precedence(route: Route) -> tuple[int, str]:
    return route.order, route.uid


EMPTY = View(Snapshot(), 0)
