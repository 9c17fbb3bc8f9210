"""What one request was let in with: its admission, and what is needed to say what it costs. Pure."""

from collections.abc import Iterable, Sequence

from havuz_contract.snapshot.models import Parameters, Price, Project, Target
from havuz_gateway.errors import InvalidRequest, PriceMissing
from havuz_gateway.metering import pricing
from havuz_gateway.metering.estimate import OUTPUT_BOUNDS, Estimate, estimate
from havuz_gateway.metering.media import MEDIA, estimate_media
from havuz_gateway.metering.meter import Admitted
from havuz_gateway.pipeline.types import Call, Identity, Plan
from havuz_gateway.pool.types import Candidate
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.values import frozen

UPSTREAM_UNIT = "USD"  # in which an UpstreamKey's spendPerDay is counted, whatever its customers pay in


@frozen
class Ticket:
    """`prices` are those of the plan's targets by their identity; empty where the project pays nothing."""

    admitted: Admitted
    prices: dict[int, Price]


def estimate_of(call: Call, plan: Plan, target: Target | None = None) -> Estimate:
    """Tokens of the call, at `target`, or where it does not matter."""
    return _estimate(call, plan, () if target is None else _layers(target, plan))


def usage_of(estimated: Estimate) -> Usage:
    """What a request of this estimate will probably use."""
    pieces = estimated.pieces
    return Usage(
        input=estimated.input,
        output=estimated.expected - estimated.input,
        images=pieces.images,
        characters=pieces.characters,
        audio_ms=pieces.audio_ms,
    )


def _estimate(call: Call, plan: Plan, layers: Sequence[Parameters]) -> Estimate:
    if call.operation in MEDIA:
        return estimate_media(
            call.operation,
            call.body.fields,
            size=call.size,
            attached=call.attached,
            seconds=call.seconds,
            layers=layers,
        )
    found = estimate(call.operation, call.whole.fields, call.whole.raw, layers, protocol=call.protocol)
    if found.output is None and plan.output_bound is not None:
        return found._replace(output=plan.output_bound * found.choices)
    return found


def prices_of(project: Project, call: Call, plan: Plan) -> dict[int, Price]:
    """The price at each target. Raises `PriceMissing` when the request could go where it can't be billed."""
    unit = project.billing.unit
    found: dict[int, Price] = {}
    for target in targets_of(plan):
        price = pricing.find(unit, plan.route, target, call.operation)
        if price is None:
            raise PriceMissing(
                f"model {call.model!r} has no price in {unit} for {call.operation}, so that this project can't pay for "
                f"it: use another model, or ask for a price"
            )
        found[id(target)] = price
    return found


def ceiling_of(call: Call, plan: Plan, prices: dict[int, Price], estimated: Estimate) -> int:
    """The most that the request can cost: at the dearest target that it may fail over to, in nanos.

    `estimated` is the estimate where the target does not matter.
    """
    highest = 0
    for target in targets_of(plan):
        layers = _layers(target, plan)
        found = _estimate(call, plan, layers) if layers else estimated
        highest = max(highest, pricing.ceiling(prices[id(target)], found, window=target.context_window))
    return highest


def upstream_ceiling(call: Call, plan: Plan, candidate: Candidate) -> int:
    """The most that an attempt can cost whoever pays for the upstream, in nanos of `UPSTREAM_UNIT`, where priced."""
    target = candidate.target
    price = pricing.find(UPSTREAM_UNIT, plan.route, target, call.operation)
    if price is None:
        return 0
    return pricing.ceiling(price, estimate_of(call, plan, target), window=target.context_window)


def output_bound(call: Call, identity: Identity) -> int | None:
    """The output tokens of each choice where the client gives no bound and its project or key has one.

    Raises `InvalidRequest` when the client asks for more than that.
    """
    bounds = [
        limits.max_tokens_per_request
        for limits in (identity.project.limits, identity.key.limits)
        if limits.max_tokens_per_request is not None
    ]
    if not bounds or call.action != "chat":
        return None
    bound = min(bounds)
    asked = estimate(call.operation, call.body.fields, call.body.raw, protocol=call.protocol)
    if asked.output is not None and asked.output > bound:
        name = next((name for name in OUTPUT_BOUNDS if call.body.fields.get(name) is not None), "maxOutputTokens")
        raise InvalidRequest(
            f"the request asks for up to {asked.output} output tokens and this key may ask for {bound}: lower {name}",
            param=name,
        )
    if asked.output is None and asked.choices > bound:
        raise InvalidRequest(
            f"the request asks for {asked.choices} answers of at least a token each: lower n", param="n"
        )
    return bound // asked.choices if asked.output is None else None


def targets_of(plan: Plan) -> Iterable[Target]:
    """Each target of the plan once."""
    return {id(one.target): one.target for tier in plan.tiers for one in tier}.values()


def _layers(target: Target, plan: Plan) -> list[Parameters]:
    layers = [target.parameters] if _changes(target.parameters) else []
    for mode in plan.modes:
        if _changes(mode.parameters):
            layers.append(mode.parameters)
    return layers


def _changes(layer: Parameters) -> bool:
    return bool(layer.defaults or layer.overrides or layer.drop)
