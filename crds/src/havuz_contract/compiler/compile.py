"""The only entry: all resources and the secrets they name in, a snapshot and everyone's conditions out.

Pure: no I/O, and the only clock is an argument. The operator and local mode call the same function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import inf
from typing import Generic, TypeVar

from havuz_contract import project_keys
from havuz_contract.compiler import pricing, projects, routes, upstreams
from havuz_contract.compiler.credentials import Secrets
from havuz_contract.compiler.memo import Memo
from havuz_contract.compiler.outcome import Compiled, ObjectStatus, Outcome
from havuz_contract.compiler.resolve import KeyPool, PooledKey
from havuz_contract.snapshot import models
from havuz_contract.v1alpha1.conditions import Condition
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

__all__ = ["Compiled", "Memo", "ObjectRef", "ObjectStatus", "Resources", "Secrets", "compile", "resources_of"]

_NO_KEYS = KeyPool(())
Kind = TypeVar("Kind", bound=KubeObject)
PartKind = TypeVar("PartKind", bound=models.Part)
Pools = Mapping[str, KeyPool]


@dataclass(frozen=True, slots=True)
class Resources:
    """Every object of the three kinds, in any order, and the labels of the namespaces by name.

    With a memo, hand out the very same tuple again for a kind of which nothing has changed: none of it is looked at.
    """

    upstream_keys: Sequence[UpstreamKey] = ()
    model_routes: Sequence[ModelRoute] = ()
    projects: Sequence[Project] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def resources_of(objects: Iterable[KubeObject], namespaces: Mapping[str, Mapping[str, str]] | None = None) -> Resources:
    """Sort parsed objects by kind."""
    known = list(objects)
    return Resources(
        upstream_keys=[one for one in known if isinstance(one, UpstreamKey)],
        model_routes=[one for one in known if isinstance(one, ModelRoute)],
        projects=[one for one in known if isinstance(one, Project)],
        namespaces=namespaces or {},
    )


@dataclass(frozen=True, slots=True)
class _Section(Generic[PartKind]):
    """All of a kind: the parts by uid, and what is to be said of each object."""

    parts: dict[str, PartKind] = field(default_factory=dict)
    statuses: dict[ObjectRef, ObjectStatus] = field(default_factory=dict)

    def keep(self, built: Outcome[PartKind], source: KubeObject) -> None:
        """Take in what an object came to."""
        self.statuses[source.ref] = built.status
        if built.part is not None:
            self.parts[source.uid] = built.part


def compile(  # noqa: A001 (it is what it does; nobody needs the built-in here)
    resources: Resources, secrets: Secrets, now: datetime, *, memo: Memo | None = None
) -> Compiled:
    """What gateways are to serve, and what to say of each object. `now` must know its time zone.

    Give the same `memo` (at first an empty one) to every call, and unchanged objects are not compiled again; then a
    mapping of secrets that was given must not be changed afterwards.
    """
    memory = Memo() if memo is None else memo
    keys, listed = tuple(resources.upstream_keys), tuple(resources.model_routes)
    upstream, pools = memory.stage("upstreams", (keys, secrets), lambda: _upstreams(keys, secrets, memory))
    namespaces = resources.namespaces
    built = memory.stage("routes", (listed, pools, namespaces), lambda: _routes(listed, namespaces, pools, memory))
    read = _projects(tuple(resources.projects), secrets, now.timestamp(), memory)

    prices = pricing.PriceBook(outcome.part for _, outcome in built if outcome.part is not None)
    verdicts = [prices.of_project(one) for one in read.payers]  # which also tells the book who sees which route
    judge = partial(_judged, memory, "projects", read.outcomes, prices.of_project)
    judged = memory.stage("judged projects", (read, verdicts), judge)
    routed = _judged(memory, "routes", built, prices.of_route)

    snapshot = models.Snapshot.model_construct(upstreams=upstream.parts, routes=routed.parts, projects=judged.parts)
    kinds = (upstream.statuses, judged.statuses, routed.statuses)
    statuses: dict[ObjectRef, ObjectStatus] = {**kinds[0], **kinds[1], **kinds[2]}
    if len(memory.objects) > len(statuses) + len(pools):
        memory.forget(but=(*pools, *(status.uid for status in statuses.values())))
    return Compiled(snapshot, statuses, kinds, next_end=read.until)


def _upstreams(keys: Sequence[UpstreamKey], secrets: Secrets, memory: Memo) -> tuple[_Section[models.Upstream], Pools]:
    """Compile the UpstreamKeys; the pools are by namespace (as `_pool_of` names it), for the routes to choose from."""
    section: _Section[models.Upstream] = _Section()
    pool: dict[str, list[PooledKey]] = {}
    for key in _by_age(keys):
        inputs = upstreams.secret_inputs(key, secrets)
        built = memory.recall(key, inputs, partial(upstreams.build, key, secrets))
        section.keep(built, key)
        pool.setdefault(_pool_of(key.metadata.namespace), []).append(_pooled(key, built))
    return section, {
        name: memory.recall(pooled[0].key, tuple(pooled), partial(KeyPool, pooled), name=name)
        for name, pooled in pool.items()
    }


def _routes(
    listed: Sequence[ModelRoute], namespaces: Mapping[str, Mapping[str, str]], pools: Pools, memory: Memo
) -> tuple[tuple[ModelRoute, Outcome[models.Route]], ...]:
    """Compile the ModelRoutes, the oldest first, which takes a model id before the others."""
    claims = routes.Claims()
    return tuple(
        (route, routes.build(route, pool=pool, namespaces=namespaces, claims=claims, memo=memory))
        for route in _by_age(listed)
        for pool in (pools.get(_pool_of(route.metadata.namespace), _NO_KEYS),)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Projects:
    """The Projects with their keys, good from `since` until the next of their keys ends (unix seconds).

    `payers` has one part of every way in which they see routes and pay.
    """

    outcomes: tuple[tuple[Project, Outcome[models.Project]], ...]
    payers: tuple[models.Project, ...]
    since: float
    until: float


def _projects(listed: tuple[Project, ...], secrets: Secrets, moment: float, memory: Memo) -> _Projects:
    """Read the Projects; the oldest takes a key before the others."""
    inputs, build = (listed, secrets), partial(_finished, listed, secrets, moment, memory)
    read = memory.stage("projects", inputs, build)
    if read.since <= moment < read.until:
        return read
    del memory.stages["projects"]
    return memory.stage("projects", inputs, build)


def _finished(listed: tuple[Project, ...], secrets: Secrets, moment: float, memory: Memo) -> _Projects:
    owners, self_made = projects.KeyOwners(), project_keys.self_made(secrets)
    read = [
        projects.recalled(one, self_made.get((one.metadata.namespace, one.metadata.name), ()), secrets, memory)
        for one in _by_age(listed)
    ]
    outcomes = tuple((one.project, projects.finish(one, owners, moment)) for one in read)
    parts = (outcome.part for _, outcome in outcomes if outcome.part is not None)
    until = min((one.next_end(moment) for one in read), default=inf)
    return _Projects(outcomes, pricing.payers(parts), since=moment, until=until)


def _judged(
    memory: Memo,
    name: str,
    built: Sequence[tuple[KubeObject, Outcome[PartKind]]],
    judge: Callable[[PartKind], Condition | None],
) -> _Section[PartKind]:
    """The outcomes with what `judge` finds of their parts; the very same ones as before where nothing is new."""
    section: _Section[PartKind] = _Section()
    before, after = memory.judged.get(name, {}), {}
    for source, outcome in built:
        condition = None if outcome.part is None else judge(outcome.part)
        known = before.get(source.uid)
        if known is None or known.outcome is not outcome or known.condition != condition:
            known = pricing.Judged(outcome, condition)
        after[source.uid] = known
        section.keep(known.whole, source)
    memory.judged[name] = after
    return section


def _pool_of(namespace: str) -> str:
    """The name by which the pool of a namespace is remembered; no uid has a slash first."""
    return f"/pool/{namespace}"


def _pooled(key: UpstreamKey, built: Outcome[models.Upstream]) -> PooledKey:
    if built.part is not None:
        return PooledKey(key, stand_in=built.part.provider == "mock" != key.spec.provider)
    obstacle = built.status.obstacle
    return PooledKey(key, absence=f"is not {obstacle.type}" if obstacle else "is suspended")


def _by_age(objects: Sequence[Kind]) -> list[Kind]:
    """The objects from the oldest to the youngest, without those that are being deleted."""
    alive = (one for one in objects if one.metadata.deletion_timestamp is None)
    return sorted(alive, key=lambda one: one.age_order)
