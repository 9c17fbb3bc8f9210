"""ModelRoutes: from a resource and the keys around it to the route that a gateway follows."""

from collections.abc import Mapping, Sequence
from typing import Literal

from havuz_contract.compiler import checks
from havuz_contract.compiler.chain import examine
from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.compiler.resolve import PooledKey, Selection, groups, select, without_stand_ins
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
    keys: Sequence[PooledKey],
    namespaces: Mapping[str, Mapping[str, str]],
    claims: Claims,
) -> Outcome[Route]:
    """The route of a ModelRoute and its status. `keys` are the UpstreamKeys of its namespace, oldest first.

    A route without any usable target is served all the same, so that clients are told 503 and not 404.
    """
    verdict = examine(checks.MODEL_ROUTE, route)
    visible_to = groups(route.spec.expose_to, route.metadata.namespace, namespaces)
    if verdict.status == "True" and (taken := claims.claim(route, visible_to)):
        verdict = refused("Conflicted", taken)
    selections = _selections(route.spec.targets, route, keys)
    mode_faults, modes = _modes(route, keys)
    served = verdict.status == "True"
    usable = sum(1 for selection in selections if selection.uids)
    total = len(selections)
    status = ObjectStatus(
        uid=route.uid,
        conditions=(verdict, _resolution(selections, mode_faults)),
        fields={"targets": {"usable": usable, "total": total, "summary": f"{usable}/{total}"}},
        served=served,
    )
    if not served:
        return Outcome(None, status)
    targets = _targets(route.spec.targets, selections, route)
    return Outcome(_route(route, tuple(target for target in targets if target.upstreams), modes, visible_to), status)


def _meet(some: Groups, others: Groups) -> bool:
    if some is None or others is None:
        return some != () and others != ()
    return not set(some).isdisjoint(others)


def _model(target: modelroute.Target, route: ModelRoute) -> str:
    return target.model or route.spec.model


def _selections(targets: Sequence[modelroute.Target], route: ModelRoute, keys: Sequence[PooledKey]) -> list[Selection]:
    namespace = route.metadata.namespace
    return without_stand_ins([select(one.keys, namespace, keys, _model(one, route)) for one in targets])


def _resolution(selections: Sequence[Selection], mode_faults: Sequence[str]) -> Condition:
    faults = [
        f"target {index} has no usable key: {selection.fault}"
        for index, selection in enumerate(selections)
        if selection.fault
    ]
    faults.extend(mode_faults)
    if faults:
        return unresolved("NoKeys", faults)
    return resolved("Every target has a key.")


def _modes(route: ModelRoute, keys: Sequence[PooledKey]) -> tuple[list[str], dict[ModeName, Mode]]:
    """The modes, and a sentence for each of their targets that has no key.

    A target without a key stays in its mode: without it, the mode would fall back to the route's own targets.
    """
    faults: list[str] = []
    modes: dict[ModeName, Mode] = {}
    declared = route.spec.modes or modelroute.Modes()
    by_name: tuple[tuple[ModeName, modelroute.Mode | None], ...] = (
        ("think", declared.think),
        ("deepsearch", declared.deepsearch),
    )
    for name, mode in by_name:
        if mode is None:
            continue
        selections = _selections(mode.targets or (), route, keys)
        faults.extend(
            f"target {index} of mode {name!r} has no usable key: {selection.fault}"
            for index, selection in enumerate(selections)
            if selection.fault
        )
        targets = _targets(mode.targets or (), selections, route)
        modes[name] = Mode(parameters=_parameters(mode.parameters), targets=targets)
    return faults, modes


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
        )
        for target, selection in zip(targets, selections, strict=True)
    )


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
        groups=visible_to,
        order=age,
    )
