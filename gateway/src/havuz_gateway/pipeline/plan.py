"""Step 2: which targets may serve the request, in tiers. Pure but for the clock it is given."""

from collections.abc import Sequence
from dataclasses import replace

from havuz_contract.snapshot.models import Mode, Route, Target
from havuz_gateway.config.view import is_offered
from havuz_gateway.errors import InvalidRequest, NotFound, PermissionDenied, PriceMissing
from havuz_gateway.pipeline.affinity import conversation_of
from havuz_gateway.pipeline.fit import costs, too_small
from havuz_gateway.pipeline.services import Planning
from havuz_gateway.pipeline.ticket import output_bound
from havuz_gateway.pipeline.types import Call, Identity, Plan
from havuz_gateway.pool.types import Candidate

_QUOTED = 200  # characters of a model id that are shown back


def make_plan(call: Call, identity: Identity, services: Planning) -> Plan:
    """The call's route and its tiers of candidates. Raises `NotFound`, `PermissionDenied` or `InvalidRequest`."""
    route = find_route(call.model, identity, services)
    if call.operation not in route.operations:
        raise InvalidRequest(
            f"model {call.model!r} does not serve {call.operation}; it serves {', '.join(sorted(route.operations))}",
            param="model",
        )
    modes = tuple(_mode(route, name) for name in call.modes) if call.modes else ()
    if identity.key.mode == "Test":
        return Plan(route=route, modes=modes, tiers=_test_tiers(route, services))
    targets = _targets(call, route, modes)
    bound = output_bound(call, identity)
    tiers = _home_first(services.pool.tiers(targets), call)
    plan = Plan(route=route, modes=modes, tiers=tiers, output_bound=bound)
    return _weighed(call, identity, plan, targets)


def find_route(model: str, identity: Identity, services: Planning) -> Route:
    """The route this project sees under `model` and may use. Raises `NotFound` or `PermissionDenied`."""
    view = services.view()
    route = view.route(identity.project, model)
    if route is None:
        raise NotFound(
            f"model {model[:_QUOTED]!r} does not exist: GET /v1/models lists the models of this key", param="model"
        )
    if not view.may_use(identity.project, route.model, services.wall()):
        raise PermissionDenied(f"this project may not use model {model!r}: ask for access to it", param="model")
    return route


def find_offered(model: str, identity: Identity, services: Planning) -> Route:
    """The route of `find_route`, where the project can pay for any of it. Raises `PriceMissing`, too."""
    route = find_route(model, identity, services)
    if not is_offered(route, identity.project):
        raise PriceMissing(
            f"model {model!r} has no price in {identity.project.billing.unit}, so that this project can't pay for it: "
            f"use another model, or ask for a price"
        )
    return route


def _weighed(call: Call, identity: Identity, plan: Plan, targets: Sequence[Target]) -> Plan:
    """The plan with what the choice among its candidates looks at."""
    small = too_small(call, plan, targets)
    match plan.route.balance:
        case "CacheAffinity" if call.action == "chat":
            return replace(plan, too_small=small, conversation=conversation_of(call, identity))
        case "Cheapest":
            return replace(plan, too_small=small, costs=costs(call, plan, identity.project.billing.unit))
        case "LeastBusy" | "Weighted" | "LowestLatency" | "CacheAffinity":
            return replace(plan, too_small=small) if small else plan
        case _:
            raise AssertionError(f"no balance policy: {plan.route.balance!r}")


def _mode(route: Route, name: str) -> Mode:
    for known, mode in route.modes.items():
        if known == name:
            return mode
    raise InvalidRequest(f"model {route.model!r} has no {name!r} mode: leave {name!r} out or send false", param=name)


def _targets(call: Call, route: Route, modes: tuple[Mode, ...]) -> tuple[Target, ...]:
    """Those of the mode that has its own, else the route's. A request goes one way only."""
    if not modes:
        return route.targets
    own = {name: mode.targets for name, mode in zip(call.modes, modes, strict=True) if mode.targets}
    targets = next(iter(own.values()), route.targets)
    for name, others in own.items():
        if others != targets:
            sentence = f"the modes {' and '.join(map(repr, own))} of model {route.model!r} have different targets"
            raise InvalidRequest(f"{sentence}: send one of them", param=name)
    return targets


def _home_first(tiers: tuple[tuple[Candidate, ...], ...], call: Call) -> tuple[tuple[Candidate, ...], ...]:
    """Before all others whoever keeps what the request goes on from: nothing of it is lost there."""
    if call.earlier is None or call.earlier.home is None:
        return tiers
    home = {one for tier in tiers for one in tier if (one.member.upstream.uid, one.target.model) == call.earlier.home}
    return (tuple(home), *(tuple(one for one in tier if one not in home) for tier in tiers)) if home else tiers


def _test_tiers(route: Route, services: Planning) -> tuple[tuple[Candidate, ...], ...]:
    """A test key meets the mock alone: a member of its own per request, so that no failure outlives the request."""
    target = Target(upstreams=(), model=route.model)
    return ((Candidate(target=target, member=services.test_member(), weight=1.0),),)
