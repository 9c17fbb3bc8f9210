"""ModelRoutes: from a resource and the keys around it to the route that a gateway follows."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Literal

from havuz_contract.compiler import billing, checks
from havuz_contract.compiler.chain import examine
from havuz_contract.compiler.memo import Memo
from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.compiler.resolve import KeyPool, Selection, groups, select, without_stand_ins
from havuz_contract.snapshot.models import Failover, Mode, Parameters, Route, Target
from havuz_contract.v1alpha1 import modelroute
from havuz_contract.v1alpha1.conditions import Condition, refused, resolved, unresolved
from havuz_contract.v1alpha1.modelroute import ModelRoute
from havuz_contract.v1alpha1.shared import seconds

ModeName = Literal["think", "deepsearch"]
Groups = tuple[str, ...] | None


class Claims:
    """Which model ids are taken, by which route and in front of whom. Routes claim in order of age."""

    def __init__(self) -> None:
        self._holders: dict[str, list[tuple[Groups, ModelRoute]]] = {}

    def claim(self, route: ModelRoute, visible_to: Groups) -> list[str]:
        """Take the route's ids; returns a sentence for each that another holds, and then takes none."""
        ids = (route.spec.model, *(route.spec.aliases or ()))
        taken = [sentence for one in ids if (sentence := self._taken(one, visible_to))]
        if not taken:
            for one in ids:
                self._holders.setdefault(one, []).append((visible_to, route))
        return taken

    def _taken(self, model: str, visible_to: Groups) -> str | None:
        for groups_, holder in self._holders.get(model, ()):
            if _meet(groups_, visible_to):
                return f"model id {model!r} already belongs to the older {holder.ref}; choose another id, or delete one"
        return None


def build(
    route: ModelRoute,
    *,
    pool: KeyPool,
    namespaces: Mapping[str, Mapping[str, str]],
    claims: Claims,
    memo: Memo,
) -> Outcome[Route]:
    """The route of a ModelRoute and its status. `pool` has the UpstreamKeys of its namespace.

    A route without any usable target is served all the same, so that clients are told 503 and not 404.
    """
    verdict = memo.of_itself(route, lambda: examine(checks.MODEL_ROUTE, route))
    visible_to = groups(route.spec.expose_to, route.metadata.namespace, namespaces)
    if verdict.status == "True" and (taken := claims.claim(route, visible_to)):
        verdict = refused("Conflicted", taken)
    return memo.recall(route, (pool, verdict, visible_to), lambda: _built(route, pool, verdict, visible_to))


def _built(route: ModelRoute, pool: KeyPool, verdict: Condition, visible_to: Groups) -> Outcome[Route]:
    modes = _declared_modes(route)
    selections, *of_modes = _selections(
        route, pool, [route.spec.targets, *(mode.targets or () for mode in modes.values())]
    )
    faults = _faults("", selections)
    for name, of_mode in zip(modes, of_modes, strict=True):
        faults += _faults(f" of mode {name!r}", of_mode)
    served = verdict.status == "True"
    usable = sum(1 for selection in selections if selection.uids)
    total = len(selections)
    status = ObjectStatus(
        uid=route.uid,
        conditions=(verdict, _resolution(faults)),
        fields={"targets": {"usable": usable, "total": total, "summary": f"{usable}/{total}"}},
        served=served,
    )
    if not served:
        return Outcome(None, status)
    targets = tuple(target for target in _targets(route.spec.targets, selections, route) if target.upstreams)
    parts = {name: _mode(mode, found, route) for (name, mode), found in zip(modes.items(), of_modes, strict=True)}
    return Outcome(_route(route, targets, parts, visible_to), status)


def _meet(some: Groups, others: Groups) -> bool:
    if some is None or others is None:
        return some != () and others != ()
    return not set(some).isdisjoint(others)


def _model(target: modelroute.Target, route: ModelRoute) -> str:
    return target.model or route.spec.model


def _declared_modes(route: ModelRoute) -> dict[ModeName, modelroute.Mode]:
    declared = route.spec.modes or modelroute.Modes()
    by_name: dict[ModeName, modelroute.Mode | None] = {"think": declared.think, "deepsearch": declared.deepsearch}
    return {name: mode for name, mode in by_name.items() if mode is not None}


def _selections(
    route: ModelRoute, pool: KeyPool, groups_of_targets: Sequence[Sequence[modelroute.Target]]
) -> list[list[Selection]]:
    """The keys of every target, in the groups that the targets come in (the route's own, then one per mode)."""
    namespace = route.metadata.namespace
    targets = [target for group in groups_of_targets for target in group]
    selected = iter(without_stand_ins([select(one.keys, namespace, pool, _model(one, route)) for one in targets]))
    return [list(islice(selected, len(group))) for group in groups_of_targets]


def _faults(whose: str, selections: Sequence[Selection]) -> list[str]:
    return [
        f"target {index}{whose} has no usable key: {selection.fault}"
        for index, selection in enumerate(selections)
        if selection.fault
    ]


def _resolution(faults: Sequence[str]) -> Condition:
    return unresolved("NoKeys", faults) if faults else resolved("Every target has a key.")


def _targets(
    targets: Sequence[modelroute.Target], selections: Sequence[Selection], route: ModelRoute
) -> tuple[Target, ...]:
    return tuple(
        Target(
            upstreams=selection.uids,
            model=_model(target, route),
            priority=target.priority,
            weight=target.weight,
            parameters=_parameters(target.parameters),
            context_window=target.context_window,
            prices=billing.prices(target.prices),
        )
        for target, selection in zip(targets, selections, strict=True)
    )


def _mode(mode: modelroute.Mode, selections: Sequence[Selection], route: ModelRoute) -> Mode:
    """A target without a key stays: without it, the mode would fall back to the route's own targets."""
    targets = _targets(mode.targets or (), selections, route)
    return Mode(parameters=_parameters(mode.parameters), targets=targets, tools=mode.tools or ())


def _parameters(parameters: modelroute.Parameters | None) -> Parameters:
    if parameters is None:
        return Parameters()
    return Parameters(
        defaults=dict(parameters.defaults or {}),
        overrides=dict(parameters.overrides or {}),
        drop=parameters.drop or (),
    )


def _route(route: ModelRoute, targets: tuple[Target, ...], modes: dict[ModeName, Mode], visible_to: Groups) -> Route:
    spec = route.spec
    created = route.metadata.creation_timestamp
    age = int(created.timestamp()) if created else 0
    return Route(
        uid=route.uid,
        name=f"{route.metadata.namespace}/{route.metadata.name}",
        model=spec.model,
        aliases=spec.aliases or (),
        owned_by=spec.owned_by,
        created=age,
        operations=frozenset(spec.operations),
        targets=targets,
        balance=spec.balance,
        failover=Failover(
            attempts=spec.failover.attempts,
            reasons=frozenset(spec.failover.reasons),
            total=seconds(spec.failover.total),
            first_token=seconds(spec.failover.first_token),
            idle=seconds(spec.failover.idle),
            keepalive=seconds(spec.failover.keepalive),
        ),
        modes=modes,
        prices=billing.prices(spec.prices),
        on_abandoned=spec.on_abandoned,
        groups=visible_to,
        order=age,
    )
