"""The only entry: all resources and the secrets they name in, a snapshot and everyone's conditions out.

Pure: no I/O, and the only clock is an argument. The operator and local mode call the same function.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from havuz_contract import project_keys
from havuz_contract.compiler import pricing, projects, routes, upstreams
from havuz_contract.compiler.credentials import Secrets
from havuz_contract.compiler.memo import Memo, forget, recall
from havuz_contract.compiler.outcome import Compiled, ObjectStatus, Outcome
from havuz_contract.compiler.resolve import KeyPool, PooledKey
from havuz_contract.snapshot import models
from havuz_contract.v1alpha1.meta import KubeObject, ObjectRef
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

__all__ = ["Compiled", "Memo", "ObjectRef", "ObjectStatus", "Resources", "Secrets", "compile", "resources_of"]

_NO_KEYS = KeyPool(())
Kind = TypeVar("Kind", bound=KubeObject)


@dataclass(frozen=True, slots=True)
class Resources:
    """Every object of the three kinds, in any order, and the labels of the namespaces by name."""

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


def compile(  # noqa: A001 (it is what it does; nobody needs the built-in here)
    resources: Resources, secrets: Secrets, now: datetime, *, memo: Memo | None = None
) -> Compiled:
    """What gateways are to serve, and what to say of each object. `now` must know its time zone.

    Give the same `memo` (at first an empty dictionary) to every call, and unchanged objects are not compiled again.
    """
    memory: Memo = {} if memo is None else memo
    statuses: dict[ObjectRef, ObjectStatus] = {}
    snapshot = models.Snapshot()
    pool = _upstreams(_by_age(resources.upstream_keys), secrets, memory, snapshot.upstreams, statuses)

    built_routes = _routes(resources, pool, memory)
    prices = pricing.PriceBook(built.part for _, built in built_routes if built.part is not None)
    owners, self_made, moment = projects.KeyOwners(), project_keys.self_made(secrets), now.timestamp()
    for project in _by_age(resources.projects):
        further = self_made.get((project.metadata.namespace, project.metadata.name), ())
        whole = projects.finish(projects.recalled(project, further, secrets, memory), owners, moment)
        _keep(pricing.judged(whole, prices.of_project), project, snapshot.projects, statuses)
    for route, built in built_routes:
        _keep(pricing.judged(built, prices.of_route), route, snapshot.routes, statuses)

    forget(memory, but=(*pool, *(status.uid for status in statuses.values())))
    return Compiled(snapshot, statuses)


def _routes(
    resources: Resources, pools: Mapping[str, KeyPool], memo: Memo
) -> list[tuple[ModelRoute, Outcome[models.Route]]]:
    """Compile the ModelRoutes, the oldest first, which takes a model id before the others."""
    claims, namespaces = routes.Claims(), resources.namespaces
    return [
        (route, routes.build(route, pool=pool, namespaces=namespaces, claims=claims, memo=memo))
        for route in _by_age(resources.model_routes)
        for pool in (pools.get(_pool_of(route.metadata.namespace), _NO_KEYS),)
    ]


def _upstreams(
    keys: Sequence[UpstreamKey],
    secrets: Secrets,
    memory: Memo,
    parts: dict[str, models.Upstream],
    statuses: dict[ObjectRef, ObjectStatus],
) -> Mapping[str, KeyPool]:
    """Compile the UpstreamKeys; returns them by namespace (as `_pool_of` names it) for the routes to choose from."""
    pool: dict[str, list[PooledKey]] = {}
    for key in keys:
        inputs = upstreams.secret_inputs(key, secrets)
        built: Outcome[models.Upstream] = recall(
            memory,
            key,
            inputs,
            lambda one=key: upstreams.build(one, secrets),  # type: ignore[misc]
        )
        _keep(built, key, parts, statuses)
        pool.setdefault(_pool_of(key.metadata.namespace), []).append(_pooled(key, built))
    return {
        name: recall(memory, pooled[0].key, tuple(pooled), lambda keys=pooled: KeyPool(keys), name=name)  # type: ignore[misc]
        for name, pooled in pool.items()
    }


def _pool_of(namespace: str) -> str:
    """The name by which the pool of a namespace is remembered; no uid has a slash first."""
    return f"/pool/{namespace}"


def _pooled(key: UpstreamKey, built: Outcome[models.Upstream]) -> PooledKey:
    if built.part is not None:
        return PooledKey(key, stand_in=built.part.provider == "mock" != key.spec.provider)
    obstacle = built.status.obstacle
    return PooledKey(key, absence=f"is not {obstacle.type}" if obstacle else "is suspended")


PartKind = TypeVar("PartKind", bound=models.Part)


def _keep(
    built: Outcome[PartKind], source: KubeObject, parts: dict[str, PartKind], statuses: dict[ObjectRef, ObjectStatus]
) -> None:
    statuses[source.ref] = built.status
    if built.part is not None:
        parts[source.uid] = built.part


def _by_age(objects: Sequence[Kind]) -> list[Kind]:
    """The objects from the oldest to the youngest, without those that are being deleted."""
    alive = (one for one in objects if one.metadata.deletion_timestamp is None)
    return sorted(alive, key=lambda one: one.age_order)
