"""Which targets clearly can't take a prompt, and what it costs at each: estimates, before anything is sent. Pure."""

from collections.abc import Iterable, Sequence

from havuz_contract.snapshot.models import Target
from havuz_gateway.metering import pricing
from havuz_gateway.metering.estimate import Estimate
from havuz_gateway.pipeline.ticket import UPSTREAM_UNIT, estimate_of, targets_of, usage_of
from havuz_gateway.pipeline.types import Call, Plan

# An estimate has a token for each four bytes; no usual text has less than one for six.
_SURELY = 2 / 3


def too_small(call: Call, plan: Plan, targets: Sequence[Target]) -> frozenset[int]:
    """Those of the plan's `targets` (by identity) whose context window the request clearly overflows.

    Cautious: a target of unknown window may take anything, and where none seems to fit the providers decide.
    """
    if len(targets) < 2 or all(target.context_window is None for target in targets):
        return frozenset()
    found = {id(target) for target in targets if _overflows(target, estimate_of(call, plan, target))}
    return frozenset(found) if len(found) < len(targets) else frozenset()


def costs(call: Call, plan: Plan, unit: str) -> dict[int, int]:
    """What the request will probably cost at each target (by identity), in nanos: of the unit that upstreams are paid
    in where all targets have such a price, else of `unit`, the project's own."""
    targets = list(targets_of(plan))
    return _costs_in(UPSTREAM_UNIT, call, plan, targets) or _costs_in(unit, call, plan, targets)


def _overflows(target: Target, estimate: Estimate) -> bool:
    window = target.context_window
    return window is not None and estimate.input * _SURELY + (estimate.output or 0) > window


def _costs_in(unit: str, call: Call, plan: Plan, targets: Iterable[Target]) -> dict[int, int]:
    """Empty where a target has no price in `unit`."""
    found: dict[int, int] = {}
    for target in targets:
        price = pricing.find(unit, plan.route, target, call.operation)
        if price is None:
            return {}
        estimate = estimate_of(call, plan, target)
        found[id(target)] = pricing.cost(price, usage_of(estimate))
    return found
